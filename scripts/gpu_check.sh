#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that needs a GPU, in one go: the operators' GPU tests (values, gradients, equal bytes
# over 5 runs), compute-sanitizer on small odd shapes, training twice to the same bytes, the times of
# `icl-bench ops`, and the same scan by mamba-ssm's and causal-conv1d's own operators where Python can
# import them. A short table last, the logs in LOGS.
#
#   scripts/gpu_check.sh                      builds into build/, then checks
#   scripts/gpu_check.sh BUILD [LOGS]         checks what is built there: BUILD/bin and BUILD/lib
#   scripts/gpu_check.sh --pack BUILD DIR     copies what the check needs of a build into DIR, with the
#                                             system libraries that another machine may lack (but not
#                                             LibTorch: there, PYTHON's torch 2.11 serves)
#
# ICL_STEPS="tests memcheck" does some of the steps only: tests memcheck racecheck synccheck train
# icl-bench mamba-ssm. Each is stopped after ICL_STEP_SECONDS (600).
# Without a GPU: says so, and stops with status 0.
set -uo pipefail
# Paths are the caller's: made absolute before this goes to the root of the project.
for ((i = 1; i <= $#; i++)); do
  case "${!i}" in -* | /*) ;; *) set -- "${@:1:i-1}" "$PWD/${!i}" "${@:i+1}" ;; esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${PYTHON:-python3}"
programs=(test_ops icl-bench icl-train)
PATH="$PATH:/usr/local/cuda/bin"

if [ "${1:-}" = --pack ]; then
  build="${2:?--pack needs a build folder}" to="${3:?--pack needs a folder to fill}"
  mkdir -p "$to/bin" "$to/lib"
  for program in "${programs[@]}"; do cp "$build/bin/$program" "$to/bin/" || exit 1; done
  cp "$build"/lib/libicl*.so "$to/lib/" || exit 1
  ldd "$to"/bin/* "$to"/lib/* | awk '/=> \// { print $3 }' | sort -u |
    grep -vE '/(libicl|libtorch|libc10|libcu|libnv|libnccl|libc\.|libm\.|libdl|librt|libpthread|libutil|libstdc|libgcc)' |
    xargs -r cp -t "$to/lib"
  du -sh "$to"
  exit 0
fi

if ! command -v nvidia-smi > /dev/null || ! nvidia-smi -L 2> /dev/null | grep GPU > /dev/null; then
  echo "no GPU: nothing was checked"
  exit 0
fi
if [ $# -gt 0 ]; then
  build="$1"
else
  build="$PWD/build"
  ICL_PROFILE="${ICL_PROFILE:-cuda}" scripts/build.sh -DICL_CUDA=ON || exit 1
fi
logs="${2:-$build/gpu_check}"
mkdir -p "$logs" || exit 1
bin="$build/bin"
# Binaries of another machine: their libraries lie beside them, LibTorch in Python's torch.
export LD_LIBRARY_PATH="$(cd "$build/lib" && pwd)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# (A grep that leaves early would end ldd by a signal, and pipefail would take that for a no.)
if ldd "$bin/test_ops" | grep 'libtorch_cpu.so => not found' > /dev/null; then
  torch="$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')" || exit 1
  export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$torch"
fi
table=()
failed=0

# wanted STEP: whether it is to be done
wanted() {
  [[ " ${ICL_STEPS:-tests memcheck racecheck synccheck train icl-bench mamba-ssm} " == *" $1 "* ]]
}
# note NAME TEXT: a row of the table, told at once as well: a check that is cut off has said something
note() {
  table+=("$1|$2")
  printf '== %-20s %s\n' "$1" "$2" >&2
}
# step NAME COMMAND...: runs it into a log and notes how it ended
step() {
  local name="$1" status
  shift
  timeout -k 10 "${ICL_STEP_SECONDS:-600}" "$@" > "$logs/$name.txt" 2>&1
  status=$?
  # A test that was skipped is no test that passed.
  if [ "$status" = 0 ] && grep '\[  SKIPPED \]' "$logs/$name.txt" > /dev/null; then status=77; fi
  case "$status" in
    0) note "$name" passed ;;
    77) note "$name" "FAILED, tests were skipped: see $logs/$name.txt" ;;
    124 | 137) note "$name" "STOPPED after ${ICL_STEP_SECONDS:-600} s, see $logs/$name.txt" ;;
    *) note "$name" "FAILED, see $logs/$name.txt" ;;
  esac
  [ "$status" = 0 ] || failed=1
  return "$status"
}
# tests_apart FILTER: each test in a process of its own, as an illegal access fails all that follow it
tests_apart() {
  "$bin/test_ops" --gtest_filter="$1" --gtest_list_tests |
    awk '/^[^ ]/ { suite = $1 } /^ / { print suite $1 }' |
    while read -r test; do
      timeout -k 10 "${ICL_STEP_SECONDS:-600}" "$bin/test_ops" --gtest_filter="$test" > "$logs/$test.txt" 2>&1 ||
        echo "  fails alone, too: $test, see $logs/$test.txt" >&2
    done
}
# train_twice CONFIG ARGUMENT...: two runs of some steps leave the same bytes
train_twice() {
  set -e
  local run config="$1"
  shift
  for run in a b; do
    rm -rf "$logs/run_$run"
    "$bin/icl-train" --config "$config" --device cuda --out "$logs/run_$run" --no-progress \
      --set training.steps=30 --set training.checkpoint_every=30 --set training.schedule.warmup_steps=0 "$@"
  done
  cmp "$logs"/run_{a,b}/checkpoints/step_00000030/model.safetensors
  cmp "$logs"/run_{a,b}/checkpoints/step_00000030/optimizer.safetensors
  rm -rf "$logs"/run_{a,b}
}
export -f train_twice
export bin logs

nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem --format=csv,noheader | tee "$logs/gpu.txt"
if wanted tests; then step tests "$bin/test_ops" --gtest_filter='Cuda*' || tests_apart 'Cuda*'; fi
for tool in memcheck racecheck synccheck; do
  wanted "$tool" || continue
  if ! command -v compute-sanitizer > /dev/null; then
    note "$tool" "compute-sanitizer is not installed"
    continue
  fi
  # Our kernels alone, and no complaints of what other libraries ask the driver in vain. ATen's
  # allocator would hide a write beyond a tensor in the block that it cut it from.
  step "$tool" env ICL_SMALL_SHAPES=1 PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
    compute-sanitizer --tool "$tool" --error-exitcode 1 --report-api-errors no \
    --kernel-name kernel_substring=icl7kernels "$bin/test_ops" \
    --gtest_filter='CudaOperators.*:CudaSelectiveScan.*-*Gradcheck:*SizesOfTheField'
done
if wanted train; then
  for family in mamba gpt2 s4 rwkv4; do
    config="configs/paper/linear_regression/$family.json"
    step "train_$family" bash -c 'train_twice "$@"' _ "$config"
    step "train_${family}_bf16" bash -c 'train_twice "$@"' _ "$config" --set training.precision=bfloat16
  done
fi
if wanted icl-bench; then
  step icl-bench "$bin/icl-bench" ops --device cuda
  cat "$logs/icl-bench.txt"
fi
if wanted mamba-ssm; then
  if "$python" -c 'import torch, mamba_ssm.ops.selective_scan_interface as s; s.selective_scan_cuda.fwd' \
    > "$logs/mamba-ssm.txt" 2>&1; then
    step mamba-ssm "$python" scripts/compare_mamba_ssm.py "$build/lib/libicl_ops.so"
    cat "$logs/mamba-ssm.txt"
  else
    note mamba-ssm "its CUDA operators cannot be imported by $python"
  fi
fi
echo
printf '%s\n' "${table[@]}" | awk -F'|' '{ printf "%-20s %s\n", $1, $2 }'
exit "$failed"
