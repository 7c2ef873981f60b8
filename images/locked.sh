#!/bin/sh
# The lock as constraints: extras are not allowed there.
set -eu
sed -E 's/^([A-Za-z0-9._-]+)\[[^]]*\]==/\1==/' "$1"
