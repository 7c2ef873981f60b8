#!/bin/sh
# Build our images, tagged with the commit they come from, and name that tag in the one place that names tags.
# ENGINE=docker or podman; BASE, CUDA other base images; IMAGES which to build; PREFIX a registry to name and push to.
set -eu
cd "$(dirname "$0")/.."
engine=${ENGINE:-$(command -v podman || command -v docker || true)}
[ -n "$engine" ] || { echo "podman or docker is needed to build images: install one, or set ENGINE." >&2; exit 1; }
[ -z "$(git status --porcelain -- twin components pipelines webui feature_repo requirements images)" ] \
    || { echo "commit first: an image's tag is the commit it was built from." >&2; exit 1; }
tag=$(git rev-parse --short=7 HEAD)
prefix=${PREFIX:+$PREFIX/}
for name in ${IMAGES:-cpu webui training}; do
    set --
    [ "$name" != cpu ] || set -- --build-arg "UV_FIND_LINKS=${UV_FIND_LINKS:-}" --build-arg "UV_INDEX=${UV_INDEX:-}"
    [ "$name" != cpu ] || [ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
    [ "$name" != webui ] || set -- --build-arg "CPU=${prefix}twin-cpu:$tag"
    [ "$name" != training ] || [ -z "${CUDA:-}" ] || set -- --build-arg "CUDA=$CUDA"
    "$engine" build --file "images/$name.Dockerfile" --tag "${prefix}twin-$name:$tag" "$@" .
    [ -z "$prefix" ] || "$engine" push "${prefix}twin-$name:$tag"
done
"${PYTHON:-.venv/bin/python}" images/pin.py "$tag" "${PREFIX:-}"
"${PYTHON:-.venv/bin/python}" -m pipelines.compile
