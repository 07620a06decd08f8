#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, builds, and runs the tests: all but the slow ones and those that need a GPU.
#
#   scripts/test.sh                       everything
#   scripts/test.sh -R scan               ctest's arguments: the tests named so, whatever their label
#   scripts/test.sh --preset ubsan        under a preset of CMakePresets.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=release
if [ "${1:-}" = --preset ]; then
  preset="${2:?--preset needs a name; cmake --list-presets lists them}"
  shift 2
fi
scripts/build.sh --preset "$preset"
[ $# -gt 0 ] || set -- -LE '^(slow|gpu)$'
ctest --preset "$preset" --parallel "$(nproc)" "$@"
