// SPDX-License-Identifier: Apache-2.0
//
// What holds for the kernels of every operator (C++17). kernels/OPERATOR.h declares them: a Params
// struct of raw pointers and sizes, the same for the CPU and for CUDA, and the functions that work
// on it.
//
// T is the type of activations, S that of parameters and states: (float, float), (double, double),
// and on CUDA (__half, float), (__nv_bfloat16, float). Arrays are contiguous in the order given;
// those with a `..._stride` are rows that many elements apart, [B, L] of them, row (b, l) at
// (b length + l) stride. A null pointer is an absent optional argument, or a result not wanted.
// `saved` is what the forward pass leaves for the backward pass, in a form of the device's own;
// null if nothing is to be saved.
//
// CPU functions work on the blocks [begin, end) of their work, so that a caller can share the
// blocks out among threads. Blocks depend on shapes alone; sums over blocks are made in a fixed
// order by sum_parts: results are the same bits for any number of threads.
//
// CUDA launchers work on the stream given, allocate nothing, and return a cudaError_t (0: all
// launched). Scratch memory is the caller's: `..._workspace` says how many elements of S are
// needed. Sizes may be zero.
#pragma once

#include <cstdint>

struct __half;
struct __nv_bfloat16;
struct CUstream_st;

namespace icl::kernels {

using Stream = CUstream_st*;

}  // namespace icl::kernels

// Instantiates `MACRO(T, S)` for every pair of types that the CUDA kernels are built for.
#define ICL_FOR_KERNEL_TYPES(MACRO) \
  MACRO(float, float) MACRO(double, double) MACRO(__half, float) MACRO(__nv_bfloat16, float)
