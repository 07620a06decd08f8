#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A CUDA kernel's machine code, block by block: how many instructions lie between two labels or
# branches, and how many of them are exponentials and other special functions (MUFU), fused and plain
# multiplications, reads and writes of shared (LDS, STS) and global memory (LDG, STG), shuffles.
# What a step of a scan costs is the sum over the blocks that it runs through: tests/results.
#
#   scripts/kernel_blocks.sh SOURCE [KERNEL [ARCH]]     KERNEL: part of its name as the linker knows it
#
#   scripts/kernel_blocks.sh kernels/cuda/selective_scan_float.cu scan_forward_kernelIffLi16ELi1E
#
# NVCC and NVDISASM name the programs where they are not on the path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source="${1:?which .cu file?}" kernel="${2:-}" arch="${3:-90}"
nvdisasm="${NVDISASM:-nvdisasm}"
command -v "$nvdisasm" > /dev/null || {
  echo "kernel_blocks: no $nvdisasm; it comes with the CUDA toolkit, or say where it is: NVDISASM=FILE" >&2
  exit 2
}
cubin="$(mktemp)"
trap 'rm -f "$cubin"' EXIT
"${NVCC:-nvcc}" -std=c++17 -O3 -I. -cubin -arch="sm_$arch" -o "$cubin" "$source"
"$nvdisasm" -c "$cubin" | awk -v kernel="$kernel" '
  function finish(target) {
    if (total > 0) {
      printf "%-12s %5d %5d %5d %5d %5d %5d %5d %5d %5d %5d  %s\n", label, total, count["MUFU"], count["FFMA"],
             count["FMUL"], count["LDS"], count["STS"], count["LDG"], count["STG"], count["SHFL"], count["IMAD"], target
    }
    total = 0
    delete count
    label = ""
  }
  /^\.text\./ {
    finish("")
    on = index($0, kernel) > 0
    if (on) {
      sub(/^\.text\./, "")
      sub(/:.*/, "")
      printf "%s\n%-12s %5s %5s %5s %5s %5s %5s %5s %5s %5s %5s  %s\n", $0, "block", "instr", "MUFU", "FFMA", "FMUL",
             "LDS", "STS", "LDG", "STG", "SHFL", "IMAD", "ends with"
    }
    next
  }
  !on { next }
  /^\.L_x_[0-9]+:/ { finish(""); label = $1; sub(/:.*/, "", label); next }
  /^[ \t]+\/\*[0-9a-f]+\*\// {
    line = $0
    sub(/^[ \t]+\/\*[0-9a-f]+\*\/[ \t]+/, "", line)
    sub(/ *;.*/, "", line)
    operation = line
    sub(/^@!?U?P[0-9T]+ +/, "", operation)
    sub(/[ .].*/, "", operation)
    ++total
    ++count[operation]
    if (operation ~ /^(BRA|EXIT|RET)$/) { sub(/`?\(_Z.*/, "", line); finish(line) }
  }
  END { finish("") }'
