#!/bin/sh
# Build the CPU images on a base made here and try them as a cluster would run them: read-only, no capabilities, no root.
# ENGINE=podman with its options (another OCI runtime, say); BASE a base image with Python 3.11; BUILD_FLAGS more options
# of `build`; KEEP=1 keeps images that are there already; FRESH=1 takes neither base nor layer from an earlier run.
set -eu
cd "$(dirname "$0")/.."
skip() { echo "images-e2e: skipped, $1"; exit 0; }
command -v podman >/dev/null || skip "podman is not on this machine (apt-get install podman runc catatonit iptables)"
command -v kubectl >/dev/null || skip "kubectl is not on this machine: it renders the overlay that podman plays"
export ENGINE="${ENGINE:-podman}" TAG="${TAG:-e2e}" BUILD_FLAGS="${BUILD_FLAGS:-}"
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${BASE:-}" ]; then
    command -v debootstrap >/dev/null || skip "there is neither BASE nor debootstrap to make one (apt-get install debootstrap)"
    [ "$(id -u)" = 0 ] || skip "debootstrap wants root: name a BASE with Python 3.11, or run this as root"
    export BASE=localhost/twin-base:bookworm
    [ -z "${FRESH:-}" ] || $ENGINE rmi --force "$BASE" >/dev/null 2>&1 || true
    if ! $ENGINE image exists "$BASE"; then
        debootstrap --variant=minbase --include=python3,python3-venv,python3-dev,ca-certificates bookworm "$work/root"
        # The release's security fixes lie beside it on the same mirror.
        sed -i 's#^deb \(.*\)/debian bookworm main$#&\ndeb \1/debian-security bookworm-security main#' "$work/root/etc/apt/sources.list"
        rm -rf "$work/root/var/lib/apt/lists" "$work/root/var/cache/apt/archives"
        mkdir -p "$work/root/var/lib/apt/lists/partial" "$work/root/var/cache/apt/archives/partial"
        tar -C "$work/root" -c . | $ENGINE import - "$BASE"
        rm -rf "$work/root"
    fi
fi

# Where root may not raise limits (a small VM), podman's defaults are more than it may give: ask for what there is.
starts() { $ENGINE run --rm --network none "$BASE" true 2>"$work/said"; }
if ! starts; then
    limits=$(awk '/^Max open files/ {f = $5} /^Max processes/ {p = $4} END {
        getline most < "/proc/sys/kernel/pid_max"
        if (f == "unlimited") f = 1048576
        if (p == "unlimited" || p + 0 > most + 0) p = most
        print "nofile=" f ":" f, "nproc=" p ":" p }' /proc/self/limits)
    cat > "$work/containers.conf" <<CONF
[containers]
default_ulimits = ["${limits% *}", "${limits#* }"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
    export CONTAINERS_CONF="$work/containers.conf"
    starts || { echo "images-e2e: podman cannot start a container here:" >&2; tail -3 "$work/said" >&2; exit 1; }
fi

# A build sees this machine's certificates and the folder that pip's find-links names, as `make setup` does.
links=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$("$python" -m pip config get global.find-links 2>/dev/null || true)}}
[ ! -d "$links" ] || BUILD_FLAGS="$BUILD_FLAGS --volume $links:$links:ro"
# Its own authorities go along: a package's trigger makes the list of certificates anew from them.
for folder in /etc/ssl/certs /usr/local/share/ca-certificates; do
    [ ! -d "$folder" ] || BUILD_FLAGS="$BUILD_FLAGS --volume $folder:$folder:O"
done
[ -z "${FRESH:-}" ] || BUILD_FLAGS="$BUILD_FLAGS --no-cache"
export UV_FIND_LINKS="$links"
# The training image on the CPU's base: the same Dockerfile and list, another torch.
export CUDA="$BASE"
for name in cpu serving webui training; do
    if [ -n "${KEEP:-}" ] && $ENGINE image exists "localhost/twin-$name:$TAG"; then continue; fi
    began=$(date +%s)
    IMAGES=$name sh images/build.sh >"$work/build" 2>&1 || { tail -40 "$work/build" >&2; exit 1; }
    echo "✓ twin-$name is built ($(($(date +%s) - began)) s)" >&2
done
"$python" images/e2e.py
PYTHON="$python" sh images/sbom.sh
