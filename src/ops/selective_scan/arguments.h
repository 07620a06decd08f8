// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::selective_scan: their check, and their form as the kernels read them.
#pragma once

#include <tuple>

#include "kernels/selective_scan.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                          const OptionalTensor& z, const OptionalTensor& delta_bias,
                          const OptionalTensor& initial_state);
// Of selective_scan_queries, beside the above.
void check_is_query(const at::Tensor& is_query, const at::Tensor& u);

// y, last_state, saved of selective_scan_forward; without data for tensors on the Meta device.
std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_selective_scan_results(const at::Tensor& u,
                                                                            const at::Tensor& A,
                                                                            bool save);

// Keeps what had to be copied.
struct SelectiveScanArguments {
  Rows u, delta, B, C, z;
  at::Tensor A, D, delta_bias, initial_state;
  bool softplus;

  SelectiveScanArguments(const at::Tensor& u_, const at::Tensor& delta_, const at::Tensor& A_,
                         const at::Tensor& B_, const at::Tensor& C_, const OptionalTensor& D_,
                         const OptionalTensor& z_, const OptionalTensor& bias_, bool softplus_,
                         const OptionalTensor& state_)
      : u(u_),
        delta(delta_),
        B(B_),
        C(C_),
        z(z_),
        A(aligned(A_)),
        D(contiguous(D_)),
        delta_bias(contiguous(bias_)),
        initial_state(contiguous(state_)),
        softplus(softplus_) {}

  template <class T, class S>
  kernels::SelectiveScanParams<T, S> params() const {
    const at::Tensor& shape_BLI = u.tensor();
    return {.batch = shape_BLI.size(0),
            .length = shape_BLI.size(1),
            .width = shape_BLI.size(2),
            .n_state = A.size(1),
            .u_stride = u.stride(),
            .delta_stride = delta.stride(),
            .B_stride = B.stride(),
            .C_stride = C.stride(),
            .z_stride = z.stride(),
            .delta_softplus = softplus,
            .u = read<T>(u),
            .delta = read<T>(delta),
            .A = read<S>(A),
            .B = read<T>(B),
            .C = read<T>(C),
            .D = read<S>(D),
            .z = read<T>(z),
            .delta_bias = read<S>(delta_bias),
            .initial_state = read<S>(initial_state),
            .y = nullptr,
            .last_state = nullptr,
            .saved = nullptr};
  }
};

}  // namespace icl::ops
