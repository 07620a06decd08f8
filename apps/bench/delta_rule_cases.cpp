// SPDX-License-Identifier: Apache-2.0
//
// The delta rule at the sizes of the published experiments: gated DeltaNet, RWKV-7 and Mamba-2.
#include <ATen/ATen.h>

#include "icl/base/error.h"
#include "icl/ops/delta_rule.h"
#include "operator_cases.h"

namespace icl {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor normal(at::IntArrayRef shape, c10::Device device) {
  return at::randn(shape, at::TensorOptions().device(device));
}
at::Tensor uniform(at::IntArrayRef shape, c10::Device device) {
  return at::rand(shape, at::TensorOptions().device(device));
}
at::Tensor unit_keys(at::IntArrayRef shape, c10::Device device) {
  const at::Tensor k = normal(shape, device);
  return k / k.norm(2, -1, /*keepdim=*/true);
}

double bytes_of(const Tensors& tensors) {
  double bytes = 0;
  for (const at::Tensor& tensor : tensors) bytes += static_cast<double>(tensor.nbytes());
  return bytes;
}

// Heads before time, as the published references want them.
Tensors heads_first(const Tensors& in) {
  Tensors result;
  for (const at::Tensor& x : in) result.push_back(x.transpose(1, 2).contiguous());
  return result;
}

// Steps of a loop over time on tensors [B, H, L, ...]. The published references slice in the loop,
// which makes the backward pass quadratic in L; unbinding first does not.
template <bool kUnbind>
std::vector<std::function<at::Tensor(int64_t)>> steps_of(const Tensors& in) {
  std::vector<std::function<at::Tensor(int64_t)>> steps;
  for (const at::Tensor& x : in) {
    const Tensors parts = kUnbind ? x.unbind(2) : Tensors{};
    steps.push_back([x, parts](int64_t t) { return kUnbind ? parts[t] : x.select(2, t); });
  }
  return steps;
}

// Gated DeltaNet as its publication's reference loops: on q k v [B, H, L, K], log_decay and beta
// [B, H, L]. The value under the key is read after the decay, and a share beta of the difference is
// written.
template <bool kUnbind>
Tensors naive_gated_delta(const Tensors& in) {
  const auto steps = steps_of<kUnbind>(in);
  at::Tensor state =
      at::zeros({in[0].size(0), in[0].size(1), in[0].size(3), in[2].size(3)}, in[0].options());
  Tensors ys;
  for (int64_t t = 0; t < in[0].size(2); ++t) {
    const at::Tensor q = steps[0](t), k = steps[1](t), v = steps[2](t);
    state = state * steps[3](t).exp().unsqueeze(-1).unsqueeze(-1);
    const at::Tensor known = (state * k.unsqueeze(-1)).sum(-2);
    const at::Tensor written = (v - known) * steps[4](t).unsqueeze(-1);
    state = state + k.unsqueeze(-1) * written.unsqueeze(-2);
    ys.push_back((state * q.unsqueeze(-1)).sum(-2));
  }
  return {at::stack(ys, 2).transpose(1, 2), state};
}

// The same loop on all arguments of the operator, a and b included.
template <bool kUnbind>
Tensors naive_delta(const Tensors& in) {
  const auto steps = steps_of<kUnbind>(in);
  at::Tensor state =
      at::zeros({in[0].size(0), in[0].size(1), in[0].size(3), in[2].size(3)}, in[0].options());
  Tensors ys;
  for (int64_t t = 0; t < in[0].size(2); ++t) {
    const at::Tensor read = (state * steps[5](t).unsqueeze(-1)).sum(-2);
    state = state * steps[3](t).exp().unsqueeze(-1) +
            steps[4](t).unsqueeze(-1) * read.unsqueeze(-2) +
            steps[1](t).unsqueeze(-1) * steps[2](t).unsqueeze(-2);
    ys.push_back((state * steps[0](t).unsqueeze(-1)).sum(-2));
  }
  return {at::stack(ys, 2).transpose(1, 2), state};
}

// Mamba-2's loop: B and C [B, 1, L, N] serve all heads.
template <bool kUnbind>
Tensors naive_mamba2(const Tensors& in) {
  const auto steps = steps_of<kUnbind>(in);
  at::Tensor state =
      at::zeros({in[2].size(0), in[2].size(1), in[0].size(3), in[2].size(3)}, in[0].options());
  Tensors ys;
  for (int64_t t = 0; t < in[0].size(2); ++t) {
    state = state * steps[3](t).exp().unsqueeze(-1).unsqueeze(-1) +
            steps[1](t).unsqueeze(-1) * steps[2](t).unsqueeze(-2);
    ys.push_back((state * steps[0](t).unsqueeze(-1)).sum(-2));
  }
  return {at::stack(ys, 2).transpose(1, 2), state};
}

// Mamba-2 as one product of matrices over the whole sequence (Dao and Gu 2024, equation 6):
// y = (decays . C B^T) x.
Tensors quadratic_mamba2(const Tensors& in) {
  const at::Tensor logs = in[3].cumsum(2);
  const at::Tensor decays = (logs.unsqueeze(-1) - logs.unsqueeze(-2)).exp().tril();
  const at::Tensor scores = at::matmul(in[0], in[1].transpose(-1, -2));
  return {at::matmul(scores * decays, in[2]).transpose(1, 2)};
}
// Its two products alone, and nothing between them.
Tensors products_of_mamba2(const Tensors& in) {
  const at::Tensor scores = at::matmul(in[0], in[1].transpose(-1, -2));
  const at::Tensor heads = scores.expand({-1, in[2].size(1), -1, -1});
  return {at::matmul(heads, in[2]).transpose(1, 2)};
}

OperatorForm form_of(std::tuple<at::Tensor, at::Tensor> (*function)(
    const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
    const std::optional<at::Tensor>&, const std::optional<at::Tensor>&, double,
    const std::optional<at::Tensor>&)) {
  return [function](const Tensors& in) {
    const bool delta = in.size() > 4;
    const auto [y, state] = delta ? function(in[0], in[1], in[2], in[3], in[4], in[5], 1, {})
                                  : function(in[0], in[1], in[2], in[3], {}, {}, 1, {});
    return Tensors{y, state};
  };
}

OperatorCase case_of(const std::string& name, const std::string& shape, const Tensors& in,
                     std::vector<Alternative> alternatives) {
  const double output = static_cast<double>(in[2].numel());
  return {name,
          shape,
          in,
          form_of(delta_rule),
          std::move(alternatives),
          output,
          {bytes_of(in) + 4 * output},
          {2 * bytes_of(in) + 4 * output}};
}

}  // namespace

std::vector<OperatorCase> delta_rule_cases(c10::Device device) {
  const int64_t B = device.is_cpu() ? 8 : 64, H = 8, K = 64;
  std::vector<OperatorCase> cases;
  for (const int64_t L : {41, 82, 202}) {
    const std::string shape = str("B=", B, " L=", L, " H=", H, " K=V=", K);
    const at::Tensor q = normal({B, L, H, K}, device) / 8, k = unit_keys({B, L, H, K}, device);
    const at::Tensor v = normal({B, L, H, K}, device), beta = uniform({B, L, H}, device);
    const at::Tensor decay = -uniform({B, L, H}, device) * 0.3;
    const Tensors published = heads_first({q, k, v, decay, beta});
    const at::Tensor a = -(decay.exp() * beta).unsqueeze(-1) * k;
    cases.push_back(case_of("gated_delta", shape,
                            {q, k, beta.unsqueeze(-1) * v, decay, a, k.clone()},
                            {{"naive", naive_gated_delta<false>, published},
                             {"unbind", naive_gated_delta<true>, published}}));
    const at::Tensor per_key = -uniform({B, L, H, K}, device) * 0.6;
    const Tensors rwkv7{q, k, v, per_key, -beta.unsqueeze(-1) * k, k.clone()};
    cases.push_back(case_of("rwkv7", shape, rwkv7,
                            {{"naive", naive_delta<false>, heads_first(rwkv7)},
                             {"unbind", naive_delta<true>, heads_first(rwkv7)}}));
    const Tensors mamba2{normal({B, L, 1, K}, device) / 8, normal({B, L, 1, K}, device), v, decay};
    cases.push_back(case_of("mamba2", str(shape, " G=1"), mamba2,
                            {{"naive", naive_mamba2<false>, heads_first(mamba2)},
                             {"unbind", naive_mamba2<true>, heads_first(mamba2)},
                             {"quadratic", quadratic_mamba2, heads_first(mamba2)},
                             {"products", products_of_mamba2, heads_first(mamba2), false}}));
  }
  return cases;
}

}  // namespace icl
