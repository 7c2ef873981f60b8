#!/bin/sh
# Make the environment: a venv, uv inside it, every package at its locked version.
set -eu
python=$1 venv=$2
"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed and this is {sys.version.split()[0]}. Run `make PYTHON=python3.11 …`.")
PY
began=$(date +%s)
command -v c++ >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 || {
    echo "a C++ compiler is needed (DeepSpeed compiles one small part): install g++ or clang." >&2; exit 1; }
[ -x "$venv/bin/python" ] || { echo "· making the environment in $venv"; "$python" -m venv "$venv"; }
[ -x "$venv/bin/uv" ] || { echo "· installing uv"; "$venv/bin/python" -m pip install -q --disable-pip-version-check uv; }
# pip's own find-links (a CPU build of torch may lie there) is read from pip and handed on: uv does not look for it.
links=$("$venv/bin/python" -m pip config get global.find-links 2>/dev/null || true)
UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$links}}
[ -z "$UV_FIND_LINKS" ] || export UV_FIND_LINKS
echo "· installing $(grep -c == requirements/lock.txt) locked packages (about 3 GB; minutes on a slow line)"
"$venv/bin/uv" pip install --python "$venv/bin/python" --override requirements/overrides.txt -r requirements/lock.txt
"$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -e .
echo "✓ the environment is ready ($(($(date +%s) - began)) s)"
