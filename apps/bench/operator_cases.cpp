// SPDX-License-Identifier: Apache-2.0
#include "operator_cases.h"

#include <ATen/ATen.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/ops/add_rms_norm.h"
#include "icl/ops/causal_conv1d.h"
#include "icl/ops/long_conv.h"
#include "icl/ops/s4d_kernel.h"
#include "icl/ops/selective_scan.h"
#include "icl/ops/wkv.h"

namespace icl {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor normal(at::IntArrayRef shape, c10::Device device) {
  return at::randn(shape, at::TensorOptions().device(device));
}

double bytes_of(const Tensors& tensors) {
  double bytes = 0;
  for (const at::Tensor& tensor : tensors) {
    bytes += static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size());
  }
  return bytes;
}

// u delta A B C D z, gated and with softplus, as Mamba calls it.
template <class Function>
OperatorForm scan_form(const Function& function) {
  return [function](const Tensors& in) {
    const auto [y, state] =
        function(in[0], in[1], in[2], in[3], in[4], in[5], in[6], {}, /*delta_softplus=*/true, {});
    return Tensors{y, state};
  };
}

// The recurrence as mamba-ssm's selective_scan_ref writes it, on u delta z [B, I, L] and
// B C [B, N, L]: all decays and inputs as [B, I, L, N], of which the loop takes one step after the
// other. Slices of them make the backward pass quadratic in L; unbinding them first does not.
template <bool kUnbind>
Tensors published_scan(const Tensors& in) {
  const at::Tensor &u = in[0], &A = in[2];
  const at::Tensor delta = at::softplus(in[1]);
  const at::Tensor decay = at::exp(at::einsum("bil,in->biln", {delta, A}));
  const at::Tensor input = at::einsum("bil,bnl,bil->biln", {delta, in[3], u});
  const auto steps = [&](const at::Tensor& whole) {
    const Tensors parts = kUnbind ? whole.unbind(2) : Tensors{};
    return [whole, parts](int64_t l) { return kUnbind ? parts[l] : whole.select(2, l); };
  };
  const auto decays = steps(decay), inputs = steps(input), Cs = steps(in[4]);
  at::Tensor state = at::zeros({u.size(0), u.size(1), A.size(1)}, u.options());
  Tensors ys;
  for (int64_t l = 0; l < u.size(2); ++l) {
    state = decays(l) * state + inputs(l);
    ys.push_back(at::einsum("bin,bn->bi", {state, Cs(l)}));
  }
  const at::Tensor y = at::stack(ys, 2) + u * in[5].unsqueeze(-1);
  return {(y * at::silu(in[6])).transpose(1, 2), state};
}

Tensors time_last(const Tensors& in) {
  Tensors result = in;
  for (const int i : {0, 1, 3, 4, 6}) result[i] = in[i].transpose(1, 2).contiguous();
  return result;
}

// Instructions of the CUDA kernels for 32 (b, l, i, n), N = 16: tests/results/scan_sm90.md.
constexpr double kForwardInstructions = 10.1;
constexpr double kBackwardInstructions = 31.3;

OperatorCase scan_case(int64_t B, int64_t L, int64_t I, int64_t N, bool references,
                       c10::Device device) {
  const Tensors inputs{
      normal({B, L, I}, device),
      normal({B, L, I}, device) - 2,
      -at::arange(1, N + 1, at::TensorOptions().device(device).dtype(at::kFloat)).repeat({I, 1}),
      normal({B, L, N}, device),
      normal({B, L, N}, device),
      normal({I}, device),
      normal({B, L, I}, device)};
  const auto tokens = static_cast<double>(B * L * I);
  const double elements = tokens * static_cast<double>(N);
  OperatorCase result{
      "selective_scan",
      str("B=", B, " L=", L, " I=", I, " N=", N),
      inputs,
      scan_form(selective_scan),
      {},
      elements,
      {bytes_of(inputs) + 4 * tokens, elements + 3 * tokens, elements / 32 * kForwardInstructions},
      {2 * bytes_of(inputs) + 4 * tokens, 2 * elements + 4 * tokens,
       elements / 32 * kBackwardInstructions}};
  if (references) {
    const Tensors published = time_last(inputs);
    result.alternatives = {{"sliced", published_scan<false>, published},
                           {"unbind", published_scan<true>, published},
                           {"reference", scan_form(selective_scan_reference), inputs}};
  }
  return result;
}

// An operator of one or two results whose reference has the same signature.
OperatorCase plain_case(const std::string& name, const std::string& shape, const Tensors& inputs,
                        const OperatorForm& fast, const OperatorForm& reference, double outputs,
                        double output_bytes) {
  return {name,
          shape,
          inputs,
          fast,
          {{"reference", reference, inputs}},
          outputs,
          {bytes_of(inputs) + output_bytes},
          {2 * bytes_of(inputs) + output_bytes}};
}

OperatorCase conv_case(int64_t B, int64_t L, int64_t I, c10::Device device) {
  const auto form = [](const auto& function) {
    return [function](const Tensors& in) {
      return Tensors{function(in[0], in[1], in[2], /*silu=*/true, {})};
    };
  };
  const double outputs = static_cast<double>(B * L * I);
  return plain_case("causal_conv1d", str("B=", B, " L=", L, " I=", I, " W=4"),
                    {normal({B, L, I}, device), normal({I, 4}, device), normal({I}, device)},
                    form(causal_conv1d), form(causal_conv1d_reference), outputs, 4 * outputs);
}

OperatorCase norm_case(int64_t B, int64_t L, int64_t M, c10::Device device) {
  const auto form = [](const auto& function) {
    return [function](const Tensors& in) {
      const auto [normed, sum] = function(in[0], in[1], in[2], 1e-5);
      return Tensors{normed, sum};
    };
  };
  const double outputs = static_cast<double>(B * L * M);
  return plain_case("add_rms_norm", str("B=", B, " L=", L, " M=", M),
                    {normal({B, L, M}, device), normal({B, L, M}, device), normal({M}, device)},
                    form(add_rms_norm), form(add_rms_norm_reference), outputs, 8 * outputs);
}

OperatorCase wkv_case(int64_t B, int64_t L, int64_t C, c10::Device device) {
  const auto form = [](const auto& function) {
    return [function](const Tensors& in) {
      const auto [y, state] = function(in[0], in[1], in[2], in[3], {});
      return Tensors{y, state};
    };
  };
  const double outputs = static_cast<double>(B * L * C);
  return plain_case("wkv", str("B=", B, " L=", L, " C=", C),
                    {-at::exp(normal({C}, device)), normal({C}, device), normal({B, L, C}, device),
                     normal({B, L, C}, device)},
                    form(wkv), form(wkv_reference), outputs, 4 * outputs);
}

OperatorCase s4d_case(int64_t H, int64_t modes, int64_t L, c10::Device device) {
  const auto form = [L](const auto& function) {
    return [function, L](const Tensors& in) {
      return Tensors{function(in[0], in[1], in[2], in[3], L)};
    };
  };
  const at::TensorOptions options = at::TensorOptions().device(device).dtype(at::kFloat);
  const double outputs = static_cast<double>(H * L);
  return plain_case(
      "s4d_kernel", str("H=", H, " N=", 2 * modes, " L=", L),
      {at::rand({H}, options) * std::log(100.0) + std::log(0.001),
       at::full({H, modes}, std::log(0.5), options),
       (M_PI * at::arange(modes, options)).repeat({H, 1}), normal({H, modes, 2}, device)},
      form(s4d_kernel), form(s4d_kernel_reference), outputs, 4 * outputs);
}

OperatorCase long_conv_case(int64_t B, int64_t L, int64_t H, c10::Device device) {
  const auto form = [](const auto& function) {
    return [function](const Tensors& in) { return Tensors{function(in[0], in[1], in[2])}; };
  };
  const double outputs = static_cast<double>(B * L * H);
  return plain_case("long_conv", str("B=", B, " L=", L, " H=", H),
                    {normal({B, L, H}, device), normal({H, L}, device), normal({H}, device)},
                    form(long_conv), form(long_conv_reference), outputs, 4 * outputs);
}

}  // namespace

std::vector<OperatorCase> operator_cases(c10::Device device) {
  at::manual_seed(1);
  const bool cpu = device.is_cpu();
  const int64_t B = cpu ? 8 : 64;
  std::vector<OperatorCase> cases;
  const std::vector<int64_t> lengths =
      cpu ? std::vector<int64_t>{41, 81, 201} : std::vector<int64_t>{82, 202};
  for (const int64_t L : lengths) cases.push_back(scan_case(B, L, 512, 16, true, device));
  if (!cpu) {
    cases.push_back(scan_case(1, 10000, 512, 16, false, device));
    cases.push_back(scan_case(B, 10000, 512, 16, false, device));
  }
  cases.push_back(conv_case(B, 81, 512, device));
  cases.push_back(norm_case(B, 81, 256, device));
  cases.push_back(wkv_case(B, 81, 256, device));
  cases.push_back(s4d_case(435, 32, 82, device));
  for (const int64_t L : {41, 82, 160, 161, 202, 1024, 4096}) {
    cases.push_back(long_conv_case(B, L, L > 1000 ? 128 : 435, device));
  }
  for (OperatorCase& each : delta_rule_cases(device)) cases.push_back(std::move(each));
  return cases;
}

}  // namespace icl
