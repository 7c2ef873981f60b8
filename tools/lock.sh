#!/bin/sh
# Resolve requirements/*.in into requirements/lock.txt: exact versions, no index, no path, no build of one machine.
# Pins that stand there stay where they can; `sh tools/lock.sh .venv --upgrade` takes the newest of all.
set -eu
venv=$1
shift
links=$("$venv/bin/python" -m pip config get global.find-links 2>/dev/null || true)
UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$links}}
[ -z "$UV_FIND_LINKS" ] || export UV_FIND_LINKS
new=requirements/.lock.new
# torch is chosen anew: its pin names no build, and the build at hand (CPU) decides what it needs.
grep -v "^torch==" requirements/lock.txt > "$new"
"$venv/bin/uv" pip compile --quiet --python-version 3.11 --override requirements/overrides.txt \
    requirements/app.in requirements/dev.in --output-file "$new" \
    --no-header --no-emit-find-links --no-emit-index-url --annotation-style line "$@"
# A local build's suffix (+cpu) names this machine's build of torch: any build of the version will do.
sed 's/+cpu//' "$new" > "$new.plain"
mv "$new.plain" requirements/lock.txt
rm -f "$new"
