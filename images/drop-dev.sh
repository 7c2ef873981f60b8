#!/bin/sh
# The packages of lock $1 without those that $2 names: an image needs no tests.
set -eu
names=$(sed -E '/^(#|$)/d; s/[^A-Za-z0-9._-].*//' "$2" | tr 'A-Z_\n' 'a-z-|')
grep -v -E "^(${names}types-[a-z0-9]+)==" "$1"
