// SPDX-License-Identifier: Apache-2.0
//
// Every SIMD target that was compiled and that this machine has: the run-time dispatch would never
// reach the others.
#include "icl/ops/add_rms_norm.h"
#include "icl/ops/causal_conv1d.h"
#include "icl/ops/delta_rule.h"
#include "icl/ops/long_conv.h"
#include "icl/ops/s4d_kernel.h"
#include "icl/ops/selective_scan.h"
#include "icl/ops/wkv.h"
#include "kernels/cpu/kernels.h"
#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

template <class Function>
TensorFunction pair_of(const Function& function) {
  return [function](const Tensors& in) {
    const auto [first, second] = function(in);
    return Tensors{first, second};
  };
}
template <class Function>
TensorFunction one_of(const Function& function) {
  return [function](const Tensors& in) { return Tensors{function(in)}; };
}

void check_all(const std::string& target) {
  at::manual_seed(3);
  const at::Tensor x = normal({2, 37, 19});
  const auto scan = [](const auto& function) {
    return pair_of([function](const Tensors& in) {
      return function(in[0], in[1], in[2], in[3], in[4], {}, in[5], {}, true, {});
    });
  };
  check_against_reference({"scan",
                           {"u", "delta", "A", "B", "C", "z"},
                           {"y", "state"},
                           scan(selective_scan),
                           scan(selective_scan_reference)},
                          {x, normal({2, 37, 19}) * 4, -at::rand({19, 5}, at::kDouble) * 3,
                           normal({2, 37, 5}), normal({2, 37, 5}), normal({2, 37, 19})},
                          target + " scan");
  const auto conv = [](const auto& function) {
    return one_of(
        [function](const Tensors& in) { return function(in[0], in[1], in[2], true, {}); });
  };
  check_against_reference(
      {"conv", {"x", "weight", "bias"}, {"y"}, conv(causal_conv1d), conv(causal_conv1d_reference)},
      {x, normal({19, 4}), normal({19})}, target + " conv");
  const auto norm = [](const auto& function) {
    return pair_of([function](const Tensors& in) { return function(in[0], in[1], in[2], 1e-5); });
  };
  check_against_reference({"norm",
                           {"x", "residual", "weight"},
                           {"normed", "residual"},
                           norm(add_rms_norm),
                           norm(add_rms_norm_reference)},
                          {x, normal({2, 37, 19}), normal({19})}, target + " norm");
  const auto time_mix = [](const auto& function) {
    return pair_of(
        [function](const Tensors& in) { return function(in[0], in[1], in[2], in[3], {}); });
  };
  check_against_reference({.name = "wkv",
                           .inputs = {"decay", "bonus", "k", "v"},
                           .outputs = {"y", "state"},
                           .fast = time_mix(wkv),
                           .reference = time_mix(wkv_reference),
                           .gradient_bound = 1e-5},
                          {-normal({19}).exp(), normal({19}), x * 5, normal({2, 37, 19})},
                          target + " wkv");
  const auto delta = [](const auto& function) {
    return pair_of([function](const Tensors& in) {
      return function(in[0], in[1], in[2], in[3], in[4], in[5], 0.7, {});
    });
  };
  const at::Tensor key = normal({2, 19, 2, 7}) / 3;
  check_against_reference({"delta_rule",
                           {"q", "k", "v", "log_decay", "a", "b"},
                           {"y", "last_state"},
                           delta(delta_rule),
                           delta(delta_rule_reference)},
                          {normal({2, 19, 2, 7}), key, normal({2, 19, 2, 37}),
                           -normal({2, 19, 2, 7}).abs(), -key, key.clone()},
                          target + " delta_rule");
  const auto s4d = [](const auto& function) {
    return one_of(
        [function](const Tensors& in) { return function(in[0], in[1], in[2], in[3], 41); });
  };
  check_against_reference({"s4d_kernel",
                           {"log_dt", "log_A_real", "A_imag", "C"},
                           {"k"},
                           s4d(s4d_kernel),
                           s4d(s4d_kernel_reference),
                           1e-5,
                           5e-5,
                           1e-11},
                          {normal({3}) - 3, normal({3, 4}), normal({3, 4}) * 5, normal({3, 4, 2})},
                          target + " s4d_kernel");
  const auto toeplitz = [](const auto& function) {
    return one_of([function](const Tensors& in) { return function(in[0], in[1], in[2]); });
  };
  for (const int64_t length : {37, 600}) {
    check_against_reference(
        {"long_conv", {"u", "k", "D"}, {"y"}, toeplitz(long_conv), toeplitz(long_conv_reference)},
        {normal({3, length, 19}), normal({19, length}), normal({19})}, target + " long_conv");
  }
}

TEST(SimdTargets, EachGivesTheSameOperators) {
  const std::string best = kernels::cpu::simd_target();
  for (const std::string& target : kernels::cpu::simd_targets()) {
    kernels::cpu::choose_simd_target(target);
    EXPECT_EQ(kernels::cpu::simd_target(), target);
    check_all(target);
  }
  kernels::cpu::choose_simd_target("");
  EXPECT_EQ(kernels::cpu::simd_target(), best);
}

#if defined(__x86_64__)
TEST(SimdTargets, Avx512IsUsedWhereItIs) {
  if (__builtin_cpu_supports("avx512dq") == 0) GTEST_SKIP() << "no AVX-512 here";
  EXPECT_THAT(kernels::cpu::simd_target(), ::testing::StartsWith("AVX3"));
}
#endif

}  // namespace
}  // namespace icl
