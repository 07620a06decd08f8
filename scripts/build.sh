#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, configures and builds into build/; further arguments go to CMake.
#
#   scripts/build.sh [-DICL_CUDA=OFF ...]        ICL_PROFILE=cpu|cuda|... chooses scripts/setup.sh's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
libtorch="$(scripts/setup.sh "${ICL_PROFILE:-auto}" | tail -n 1)"
cuda=()
[ "${ICL_PROFILE:-auto}" != cpu ] || cuda=(-DICL_CUDA=OFF)
cmake -S . -B build -G Ninja -DLibTorch_ROOT="$libtorch" "${cuda[@]}" "$@" >&2
cmake --build build >&2
