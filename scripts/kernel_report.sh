#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What every CUDA kernel takes of a GPU: registers, spills to memory, static shared memory. Fails if
# a selective scan in float32 spills.
#
#   scripts/kernel_report.sh NVCC OUT [ARCH ...]        ARCH: 80 90 120 by default
#
# `ninja kernel_report` in a build with CUDA prints it and writes build/kernel_report.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
nvcc="$1" out="$2"
shift 2
[ $# -gt 0 ] || set -- 80 90 120
targets=()
for arch in "$@"; do targets+=(-gencode "arch=compute_$arch,code=sm_$arch"); done
raw="$(mktemp)"
trap 'rm -f "$raw"' EXIT
for source in kernels/cuda/*.cu; do
  echo "source $(basename "$source")"
  "$nvcc" -std=c++17 -O3 -I. -c "${targets[@]}" -Xptxas -v -o /dev/null "$source" 2>&1
done | c++filt > "$raw"
awk '
  BEGIN { printf "%-6s %9s %6s %7s  %s\n", "arch", "registers", "spills", "shared", "kernel" }
  $1 == "source" { file = $2 }
  /Compiling entry function/ {
    # c++filt leaves the name in quotes; the parameters say nothing that the template does not.
    name = arch = $0
    sub(/.*entry function .(void )?/, "", name)
    sub(/\x27 for .*/, "", name)
    gsub(/icl::kernels::|\(anonymous namespace\)::/, "", name)
    sub(/\(.*/, "", name)
    sub(/.*\x27 for \x27/, "", arch)
    sub(/\x27.*/, "", arch)
  }
  /bytes spill stores/ { spills = $0; sub(/.*frame, /, "", spills); sub(/ bytes spill.*/, "", spills) }
  /Used [0-9]+ registers/ {
    registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
    shared = 0
    if ($0 ~ /bytes smem/) { shared = $0; sub(/ bytes smem.*/, "", shared); sub(/.*, /, "", shared) }
    printf "%-6s %9d %6d %7d  %s: %s\n", arch, registers, spills, shared, file, name
    if (file ~ /selective_scan_float/ && spills > 0) bad = 1
  }
  END { if (bad) print "a selective scan in float32 spills"; exit bad }
' "$raw" | tee "$out"
