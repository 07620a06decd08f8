// SPDX-License-Identifier: Apache-2.0
//
// What each kernel works on: raw pointers and sizes, the same for the CPU and for CUDA (C++17).
//
// T is the type of activations, S that of parameters and states: (float, float), (double, double),
// and on CUDA (half, float), (bfloat16, float). Arrays are contiguous in the order given; those
// with a `..._stride` are rows that many elements apart, [B, L] of them, row (b, l) at
// (b length + l) stride. A null pointer is an absent optional argument, or a result not wanted.
#pragma once

#include <cstdint>

namespace icl::kernels {

// y and last_state from the arguments; `saved` for the backward pass, in a form of the device's
// own, if not null. See icl/ops/selective_scan.h.
template <class T, class S>
struct SelectiveScanParams {
  int64_t batch, length, width, n_state;  // B, L, I, N
  int64_t u_stride, delta_stride, B_stride, C_stride, z_stride;
  bool delta_softplus;
  const T* u;              // [B, L, I]
  const T* delta;          // [B, L, I]
  const S* A;              // [I, N]
  const T* B;              // [B, L, N]
  const T* C;              // [B, L, N]
  const S* D;              // [I]
  const T* z;              // [B, L, I]
  const S* delta_bias;     // [I]
  const S* initial_state;  // [B, I, N]
  T* y;                    // [B, L, I]
  S* last_state;           // [B, I, N]
  S* saved;
};

template <class T, class S>
struct SelectiveScanGradParams {
  SelectiveScanParams<T, S> forward;  // y and last_state null, `saved` as written
  int64_t dy_stride;
  const T* dy;           // [B, L, I]
  const S* dlast_state;  // [B, I, N]
  T* du;                 // [B, L, I]
  T* ddelta;             // [B, L, I]
  S* dA;                 // [I, N]
  T* dB;                 // [B, L, N]
  T* dC;                 // [B, L, N]
  S* dD;                 // [I]
  T* dz;                 // [B, L, I]
  S* ddelta_bias;        // [I]
  S* dinitial_state;     // [B, I, N]
};

template <class T, class S>
struct CausalConv1dParams {
  int64_t batch, length, width, taps;  // B, L, I, W
  int64_t x_stride;
  bool silu;
  const T* x;              // [B, L, I]
  const S* weight;         // [I, W]
  const S* bias;           // [I]
  const T* initial_state;  // [B, W-1, I]
  T* y;                    // [B, L, I]
};

template <class T, class S>
struct CausalConv1dGradParams {
  CausalConv1dParams<T, S> forward;  // y null
  int64_t dy_stride;
  const T* dy;        // [B, L, I]
  T* dx;              // [B, L, I]
  S* dweight;         // [I, W]
  S* dbias;           // [I]
  T* dinitial_state;  // [B, W-1, I]
};

template <class T, class S>
struct AddRmsNormParams {
  int64_t rows, width;  // product of the leading sizes, M
  double eps;
  const T* x;         // [rows, M]
  const S* residual;  // [rows, M]
  const S* weight;    // [M]
  T* normed;          // [rows, M]
  S* sum;             // [rows, M], the returned residual
};

template <class T, class S>
struct AddRmsNormGradParams {
  int64_t rows, width;
  double eps;
  const T* dnormed;  // [rows, M]
  const S* dsum;     // [rows, M]
  const S* sum;      // [rows, M]
  const S* weight;   // [M]
  S* dx;             // [rows, M], for both x and the incoming residual
  S* dweight;        // [M]
};

// A state's rows: numerator, denominator, maximum. See icl/ops/wkv.h.
template <class T, class S>
struct WkvParams {
  int64_t batch, length, width;  // B, L, C
  int64_t k_stride, v_stride;
  const S* decay;  // [C]
  const S* bonus;  // [C]
  const T* k;      // [B, L, C]
  const T* v;      // [B, L, C]
  const S* state;  // [B, 3, C]
  T* y;            // [B, L, C]
  S* last_state;   // [B, 3, C]
  S* saved;
};

template <class T, class S>
struct WkvGradParams {
  WkvParams<T, S> forward;  // y and last_state null, `saved` as written
  int64_t dy_stride;
  const T* dy;           // [B, L, C]
  const S* dlast_state;  // [B, 3, C]
  S* ddecay;             // [C]
  S* dbonus;             // [C]
  T* dk;                 // [B, L, C]
  T* dv;                 // [B, L, C]
  S* dstate;             // [B, 3, C]
};

// See icl/ops/s4d_kernel.h; `modes` is N/2.
template <class S>
struct S4dKernelParams {
  int64_t channels, modes, length;  // H, N/2, L
  const S* log_dt;                  // [H]
  const S* log_A_real;              // [H, N/2]
  const S* A_imag;                  // [H, N/2]
  const S* C;                       // [H, N/2, 2]
  S* k;                             // [H, L]
};

template <class S>
struct S4dKernelGradParams {
  S4dKernelParams<S> forward;  // k null
  const S* dk;                 // [H, L]
  S* dlog_dt;                  // [H]
  S* dlog_A_real;              // [H, N/2]
  S* dA_imag;                  // [H, N/2]
  S* dC;                       // [H, N/2, 2]
};

template <class T, class S>
struct LongConvParams {
  int64_t batch, length, channels;  // B, L, H
  int64_t u_stride;
  const T* u;  // [B, L, H]
  const S* k;  // [H, L]
  const S* D;  // [H]
  T* y;        // [B, L, H]
};

template <class T, class S>
struct LongConvGradParams {
  LongConvParams<T, S> forward;  // y null
  int64_t dy_stride;
  const T* dy;  // [B, L, H]
  T* du;        // [B, L, H]
  S* dk;        // [H, L]
  S* dD;        // [H]
};

}  // namespace icl::kernels
