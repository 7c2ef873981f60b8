#!/bin/sh
# Build the CPU images on a base made here and try them as a cluster would run them: read-only, no capabilities, no root.
# ENGINE=podman with its options (another OCI runtime, say); BASE a base image with Python 3.11; BUILD_FLAGS more options
# of `build`; KEEP=1 keeps images that are there already.
set -eu
cd "$(dirname "$0")/.."
command -v podman >/dev/null || { echo "images-e2e: skipped, podman is not on this machine (apt-get install podman runc catatonit iptables)"; exit 0; }
export ENGINE="${ENGINE:-podman}" TAG="${TAG:-e2e}"
if [ -z "${BASE:-}" ]; then
    command -v debootstrap >/dev/null || { echo "images-e2e: skipped, there is neither BASE nor debootstrap"; exit 0; }
    export BASE=localhost/twin-base:bookworm
    if ! $ENGINE image exists "$BASE"; then
        root=$(mktemp -d)
        debootstrap --variant=minbase --include=python3,python3-venv,python3-dev,ca-certificates bookworm "$root"
        tar -C "$root" -c . | $ENGINE import - "$BASE"
        rm -rf "$root"
    fi
fi
for name in cpu serving webui; do
    if [ -z "${KEEP:-}" ] || ! $ENGINE image exists "localhost/twin-$name:$TAG"; then IMAGES=$name sh images/build.sh; fi
done
"${PYTHON:-.venv/bin/python}" images/e2e.py
