#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, builds, and runs the tests: all but the slow ones and those that need a GPU.
#
#   scripts/test.sh [ctest arguments]        e.g. scripts/test.sh -L unit, scripts/test.sh -R scan
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/build.sh
[ $# -gt 0 ] || set -- -LE "slow|gpu"
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"
