#!/bin/sh
# The browser tests need a Chromium: found on PATH, or installed from Debian's packages where we may.
set -eu
for name in chromium chromium-browser google-chrome; do command -v "$name" >/dev/null 2>&1 && exit 0; done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "· installing Chromium for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
else
    echo "the browser tests need Chromium: install it (Debian: apt-get install chromium)." >&2
    exit 1
fi
