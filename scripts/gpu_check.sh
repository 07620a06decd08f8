#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that needs a GPU, in one go: the tests labelled gpu (correctness, and equal bytes over
# 5 runs), compute-sanitizer on small odd shapes, the times of `icl-bench ops`, and the same scan by
# mamba-ssm's and causal-conv1d's own operators where Python can import them. A short table last.
#
#   scripts/gpu_check.sh [BUILD]        builds into build/ if no build folder is given
#
# Without a GPU: says so, and stops with status 0.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v nvidia-smi > /dev/null || ! nvidia-smi -L 2> /dev/null | grep -q GPU; then
  echo "no GPU: nothing was checked"
  exit 0
fi
if [ $# -gt 0 ]; then
  build="$1"
else
  build=build
  ICL_PROFILE="${ICL_PROFILE:-cuda}" scripts/build.sh -DICL_CUDA=ON || exit 1
fi
logs="$build/gpu_check"
mkdir -p "$logs"
table=()
failed=0
# step NAME COMMAND...: runs it into a log and notes how it ended
step() {
  local name="$1"
  shift
  echo "== $name" >&2
  if "$@" > "$logs/$name.txt" 2>&1; then
    table+=("$name|passed")
  else
    table+=("$name|FAILED, see $logs/$name.txt")
    failed=1
  fi
}

nvidia-smi --query-gpu=name,driver_version,clocks.sm --format=csv,noheader | tee "$logs/gpu.txt"
step tests ctest --test-dir "$build" -L gpu --output-on-failure
# The emulated kernels run on the host: what they check holds for these binaries too.
step emulation ctest --test-dir "$build" -R '^emulation\.' --output-on-failure
if command -v compute-sanitizer > /dev/null; then
  for tool in memcheck racecheck synccheck; do
    # Without the largest shapes: under the sanitizer a kernel takes a thousand times as long.
    step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/bin/test_ops" \
      --gtest_filter='CudaOperators.CausalConv1d:CudaOperators.AddRmsNorm:CudaOperators.S*SixteenBits:CudaOperators.LongConv'
  done
else
  table+=("compute-sanitizer|not installed")
fi
if [ -x "$build/bin/icl-bench" ]; then
  step icl-bench "$build/bin/icl-bench" ops --device cuda
  cat "$logs/icl-bench.txt"
else
  table+=("icl-bench|not built")
fi
python="${PYTHON:-python3}"
if "$python" -c 'import selective_scan_cuda' > /dev/null 2>&1; then
  step mamba-ssm "$python" scripts/compare_mamba_ssm.py "$build/lib/libicl_ops.so"
  cat "$logs/mamba-ssm.txt"
else
  table+=("mamba-ssm|its CUDA operators cannot be imported by $python")
fi
echo
printf '%s\n' "${table[@]}" | awk -F'|' '{ printf "%-20s %s\n", $1, $2 }'
exit "$failed"
