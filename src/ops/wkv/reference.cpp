// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <vector>

#include "icl/ops/wkv.h"
#include "src/ops/wkv/arguments.h"

namespace icl {

std::tuple<at::Tensor, at::Tensor> wkv_reference(const at::Tensor& decay, const at::Tensor& bonus,
                                                 const at::Tensor& k, const at::Tensor& v,
                                                 const std::optional<at::Tensor>& state) {
  ops::check_wkv(decay, bonus, k, v, state);
  const at::ScalarType type = decay.scalar_type();
  const std::vector<at::Tensor> ks = k.to(type).unbind(1), vs = v.to(type).unbind(1);
  at::Tensor numerator = at::zeros({k.size(0), k.size(2)}, decay.options());
  at::Tensor denominator = numerator;
  at::Tensor maximum = at::full_like(numerator, kWkvEmptyMaximum);
  if (ops::has(state)) {
    numerator = state->select(1, 0);
    denominator = state->select(1, 1);
    maximum = state->select(1, 2);
  }
  std::vector<at::Tensor> ys;
  for (size_t t = 0; t < ks.size(); ++t) {
    const at::Tensor now = bonus + ks[t];
    const at::Tensor top = at::maximum(maximum, now);
    const at::Tensor past = at::exp(maximum - top), here = at::exp(now - top);
    ys.push_back((past * numerator + here * vs[t]) / (past * denominator + here));

    const at::Tensor decayed = maximum + decay;
    const at::Tensor next = at::maximum(decayed, ks[t]);
    const at::Tensor keep = at::exp(decayed - next), add = at::exp(ks[t] - next);
    numerator = keep * numerator + add * vs[t];
    denominator = keep * denominator + add;
    maximum = next;
  }
  const at::Tensor y = ys.empty() ? at::zeros_like(k) : at::stack(ys, 1).to(k.scalar_type());
  return {y, at::stack({numerator, denominator, maximum}, 1)};
}

}  // namespace icl
