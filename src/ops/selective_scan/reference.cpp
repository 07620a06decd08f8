// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <vector>

#include "icl/ops/selective_scan.h"
#include "src/ops/selective_scan/arguments.h"

namespace icl {

namespace {

// `is_query`: null, or which steps leave the state alone.
std::tuple<at::Tensor, at::Tensor> scan(
    const bool* is_query, const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
    const at::Tensor& B, const at::Tensor& C, const std::optional<at::Tensor>& D,
    const std::optional<at::Tensor>& z, const std::optional<at::Tensor>& delta_bias,
    bool delta_softplus, const std::optional<at::Tensor>& initial_state) {
  const at::ScalarType type = A.scalar_type();
  const at::Tensor u_s = u.to(type);
  at::Tensor dt = delta.to(type);
  if (ops::has(delta_bias)) dt = dt + *delta_bias;
  if (delta_softplus) dt = at::softplus(dt);  // ATen's threshold is 20, as ours

  const at::Tensor decay = at::exp(dt.unsqueeze(-1) * A);                       // [B, L, I, N]
  const at::Tensor input = (dt * u_s).unsqueeze(-1) * B.to(type).unsqueeze(2);  // [B, L, I, N]
  // Slicing decay[:, l] in the loop would make the backward pass quadratic in L.
  const std::vector<at::Tensor> decays = decay.unbind(1);
  const std::vector<at::Tensor> inputs = input.unbind(1);
  const std::vector<at::Tensor> Cs = C.to(type).unbind(1);

  at::Tensor state = ops::has(initial_state)
                         ? initial_state->clone()
                         : at::zeros({u.size(0), u.size(2), A.size(1)}, A.options());
  std::vector<at::Tensor> ys;
  for (size_t l = 0; l < decays.size(); ++l) {
    const at::Tensor next = decays[l] * state + inputs[l];
    ys.push_back(at::matmul(next, Cs[l].unsqueeze(-1)).squeeze(-1));  // [B, I]
    if (is_query == nullptr || !is_query[l]) state = next;
  }
  at::Tensor y = ys.empty() ? at::zeros_like(u_s) : at::stack(ys, 1);
  if (ops::has(D)) y = y + *D * u_s;
  if (ops::has(z)) y = y * at::silu(z->to(type));
  return {y.to(u.scalar_type()), state};
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> selective_scan_reference(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const std::optional<at::Tensor>& D, const std::optional<at::Tensor>& z,
    const std::optional<at::Tensor>& delta_bias, bool delta_softplus,
    const std::optional<at::Tensor>& initial_state) {
  ops::check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  return scan(nullptr, u, delta, A, B, C, D, z, delta_bias, delta_softplus, initial_state);
}

at::Tensor selective_scan_queries_reference(const at::Tensor& is_query, const at::Tensor& u,
                                            const at::Tensor& delta, const at::Tensor& A,
                                            const at::Tensor& B, const at::Tensor& C,
                                            const std::optional<at::Tensor>& D,
                                            const std::optional<at::Tensor>& z,
                                            const std::optional<at::Tensor>& delta_bias,
                                            bool delta_softplus) {
  ops::check_selective_scan(u, delta, A, B, C, D, z, delta_bias, {});
  ops::check_is_query(is_query, u);
  const at::Tensor flags = is_query.contiguous();
  const auto [y, state] =
      scan(flags.const_data_ptr<bool>(), u, delta, A, B, C, D, z, delta_bias, delta_softplus, {});
  return y;
}

}  // namespace icl
