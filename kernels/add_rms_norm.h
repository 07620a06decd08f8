// SPDX-License-Identifier: Apache-2.0
//
// Residual sum and RMSNorm (include/icl/ops/add_rms_norm.h): its kernels for the CPU and for CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

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

// CUDA
template <class T, class S>
int add_rms_norm(const AddRmsNormParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t add_rms_norm_grad_workspace(const AddRmsNormGradParams<T, S>& params);
template <class T, class S>
int add_rms_norm_grad(const AddRmsNormGradParams<T, S>& params, S* workspace, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Rows in groups: the gradient of the weight is summed within each group first.
inline constexpr int64_t kRows = 16;
inline int64_t row_groups(int64_t rows) {
  return (rows + kRows - 1) / kRows;
}
// Blocks: row_groups(rows).
template <class T>
void add_rms_norm_forward(const AddRmsNormParams<T, T>& params, int64_t begin, int64_t end);
// dweight_parts [row_groups, M].
template <class T>
void add_rms_norm_backward(const AddRmsNormGradParams<T, T>& params, T* dweight_parts,
                           int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
