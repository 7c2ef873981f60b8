#!/bin/sh
# Known weaknesses of the locked packages, by pip-audit, which asks a service on the network. 3: it could not be asked.
set -eu
venv=$1
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if "$venv/bin/uv" tool run --quiet pip-audit --no-deps --disable-pip --requirement requirements/lock.txt > "$said" 2>&1; then
    missed=$(grep -c "could not be audited" "$said" || true)
    if [ "$missed" -gt 3 ]; then
        echo "not audited: the index here knows nothing of $missed packages' weaknesses" >&2
        exit 3
    fi
    cat "$said"
elif grep -qiE "connection|resolv|timed out|unreachable|SSLError|ServiceError|Max retries|HTTPError|not found in the package" "$said"; then
    echo "not audited: the service that knows of weaknesses does not answer ($(tail -1 "$said" | cut -c1-160))" >&2
    exit 3
else
    cat "$said"
    exit 1
fi
