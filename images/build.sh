#!/bin/sh
# Build our images, tagged with the commit they come from, and name that tag in the one place that names tags.
# ENGINE=docker or podman, with options; BASE, CUDA other base images; IMAGES which to build; PREFIX a registry to name
# and push to; BUILD_FLAGS more options of `build`; TAG another tag, which is then written nowhere.
set -eu
cd "$(dirname "$0")/.."
engine=${ENGINE:-$(command -v podman || command -v docker || true)}
[ -n "$engine" ] || { echo "podman or docker is needed to build images: install one, or set ENGINE." >&2; exit 1; }
if [ -z "${TAG:-}" ] && [ -n "$(git status --porcelain -- twin components pipelines webui feature_repo requirements images dvc.yaml)" ]; then
    echo "commit first: an image's tag is the commit it was built from." >&2
    exit 1
fi
sha=$(git rev-parse --short=7 HEAD)
tag=${TAG:-$sha}
prefix=${PREFIX:+$PREFIX/}
for name in ${IMAGES:-cpu serving webui training}; do
    set -- --build-arg "SHA=$sha"
    case $name in
        webui) set -- --build-arg "CPU=${prefix}twin-cpu:$tag" ;;
        *) set -- "$@" --build-arg "UV_FIND_LINKS=${UV_FIND_LINKS:-}" --build-arg "UV_INDEX=${UV_INDEX:-}" ;;
    esac
    case $name in
        cpu | serving) [ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE" ;;
        training) [ -z "${CUDA:-}" ] || set -- "$@" --build-arg "CUDA=$CUDA" ;;
    esac
    # shellcheck disable=SC2086
    $engine build ${BUILD_FLAGS:-} --file "images/$name.Dockerfile" --tag "${prefix}twin-$name:$tag" "$@" .
    # shellcheck disable=SC2086
    [ -z "$prefix" ] || $engine push "${prefix}twin-$name:$tag"
done
[ -z "${TAG:-}" ] || exit 0
"${PYTHON:-.venv/bin/python}" images/pin.py "$tag" "${PREFIX:-}"
"${PYTHON:-.venv/bin/python}" -m pipelines.compile
