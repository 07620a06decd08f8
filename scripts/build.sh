#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, configures and builds a preset of CMakePresets.json; further arguments go to CMake.
#
#   scripts/build.sh                          into build/, with CUDA kernels where there is a toolkit
#   scripts/build.sh --preset asan            into build-asan/
#   scripts/build.sh -DICL_PCH=OFF            ICL_PROFILE=cpu|cuda|... chooses scripts/setup.sh's profile
#   ICL_TARGETS="icl-train icl-eval" scripts/build.sh    these targets alone
#
# Where CI is set (as continuous integration does), warnings in icl's own code are errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=release
if [ "${1:-}" = --preset ]; then
  preset="${2:?--preset needs a name; cmake --list-presets lists them}"
  shift 2
fi
libtorch="$(scripts/setup.sh "${ICL_PROFILE:-auto}" | tail -n 1)"
cuda=()
[ "${ICL_PROFILE:-auto}" != cpu ] || cuda=(-DICL_CUDA=OFF)
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1  # all clones share what ccache holds
strict=()
[ -z "${CI:-}" ] || strict=(-DICL_WERROR=ON)
targets=()
[ -z "${ICL_TARGETS:-}" ] || read -ra targets <<< "--target $ICL_TARGETS"
cmake --preset "$preset" -DLibTorch_ROOT="$libtorch" "${cuda[@]}" "${strict[@]}" "$@" >&2
cmake --build --preset "$preset" "${targets[@]}" >&2
