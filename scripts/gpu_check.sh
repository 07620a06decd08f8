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
# Without a GPU: says so, and stops with status 0.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${PYTHON:-python3}"
programs=(test_ops icl-bench icl-train)

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
logs="${2:-$build/gpu_check}"
mkdir -p "$logs"
bin="$build/bin"
# Binaries of another machine: their libraries lie beside them, LibTorch in Python's torch.
export LD_LIBRARY_PATH="$(cd "$build/lib" && pwd)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if ldd "$bin/test_ops" | grep -q 'libtorch_cpu.so => not found'; then
  torch="$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')" || exit 1
  export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$torch"
fi
table=()
failed=0

# note NAME STATUS
note() {
  if [ "$2" = 0 ]; then
    table+=("$1|passed")
  else
    table+=("$1|FAILED, see $logs/$1.txt")
    failed=1
  fi
}
# step NAME COMMAND...: runs it into a log and notes how it ended (77: all skipped, which is no pass)
step() {
  local name="$1"
  shift
  echo "== $name" >&2
  "$@" > "$logs/$name.txt" 2>&1
  note "$name" $?
}
# train_twice CONFIG ARGUMENT...: two runs of some steps leave the same bytes
train_twice() {
  local run status=0 config="$1"
  shift
  for run in a b; do
    rm -rf "$logs/run_$run"
    "$bin/icl-train" --config "$config" --device cuda --out "$logs/run_$run" --no-progress \
      --set training.steps=30 --set training.checkpoint_every=30 --set training.schedule.warmup_steps=0 "$@" || return 1
  done
  cmp "$logs"/run_{a,b}/checkpoints/step_00000030/model.safetensors || status=1
  cmp "$logs"/run_{a,b}/checkpoints/step_00000030/optimizer.safetensors || status=1
  rm -rf "$logs"/run_{a,b}
  return "$status"
}

nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem --format=csv,noheader | tee "$logs/gpu.txt"
step tests "$bin/test_ops" --gtest_filter='Cuda*'
if command -v compute-sanitizer > /dev/null; then
  for tool in memcheck racecheck synccheck; do
    # ATen's allocator would hide a write beyond a tensor in the block that it cut it from.
    step "$tool" env ICL_SMALL_SHAPES=1 PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
      compute-sanitizer --tool "$tool" --error-exitcode 1 "$bin/test_ops" \
      --gtest_filter='CudaOperators.*:CudaSelectiveScan.*-*Gradcheck:*SizesOfTheField'
  done
else
  table+=("compute-sanitizer|not installed")
fi
for family in mamba gpt2 s4 rwkv4; do
  config="configs/paper/linear_regression/$family.json"
  step "train_$family" train_twice "$config"
  step "train_${family}_bf16" train_twice "$config" --set training.precision=bfloat16
done
step icl-bench "$bin/icl-bench" ops --device cuda
cat "$logs/icl-bench.txt"
if "$python" -c 'import torch, mamba_ssm.ops.selective_scan_interface as s; s.selective_scan_cuda.fwd' \
  > "$logs/mamba-ssm.txt" 2>&1; then
  step mamba-ssm "$python" scripts/compare_mamba_ssm.py "$build/lib/libicl_ops.so"
  cat "$logs/mamba-ssm.txt"
else
  table+=("mamba-ssm|its CUDA operators cannot be imported by $python")
fi
echo
printf '%s\n' "${table[@]}" | awk -F'|' '{ printf "%-20s %s\n", $1, $2 }'
exit "$failed"
