// SPDX-License-Identifier: Apache-2.0
#include "icl/models/gpt2.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/zoo.h"

namespace icl {
namespace {

TEST(Gpt2, AttendsByHand) {
  // Width 2, one head; queries and keys see coordinate 0 alone, values are the input.
  Attention attention({.d_model = 2, .n_head = 1});
  attention.reset_parameters({});
  const at::NoGradGuard no_grad;
  auto parameters = attention.named_parameters();
  const at::Tensor first = at::tensor({1.f, 0.f, 0.f, 0.f}).view({2, 2});
  parameters["c_attn.weight"].copy_(at::cat({first, first, at::eye(2)}));
  parameters["c_proj.weight"].copy_(at::eye(2));
  const at::Tensor y = attention.forward(at::tensor({1.f, 5.f, 2.f, -1.f}).view({1, 2, 2}));
  EXPECT_NEAR(y[0][0][0].item<double>(), 1.0, 1e-6);
  EXPECT_NEAR(y[0][0][1].item<double>(), 5.0, 1e-5);
  // Scores of token 1: 2*1/sqrt(2) and 2*2/sqrt(2).
  const double w = 1 / (1 + std::exp(2 / std::sqrt(2.0)));
  EXPECT_NEAR(y[0][1][0].item<double>(), w * 1 + (1 - w) * 2, 1e-6);
  EXPECT_NEAR(y[0][1][1].item<double>(), w * 5 - (1 - w), 1e-5);
}

TEST(Gpt2, UsesTheTanhFormOfGelu) {
  Mlp mlp({.d_model = 1, .d_ffn = 1});
  mlp.reset_parameters({});
  const at::NoGradGuard no_grad;
  auto parameters = mlp.named_parameters();
  parameters["c_fc.weight"].fill_(1.0);
  parameters["c_proj.weight"].fill_(1.0);
  const double x = 1.7;
  const double expected =
      0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
  EXPECT_NEAR(mlp.forward(at::full({1, 1, 1}, x)).item<double>(), expected, 1e-6);
}

TEST(Gpt2, StartsAsPublished) {
  at::manual_seed(4);
  const auto block = make_gpt2_block({.d_model = 256, .n_head = 8});
  block->reset_parameters({.index = 0, .count = 12});
  const auto parameters = block->named_parameters();
  const auto deviation = [&](const char* name) { return parameters[name].std().item<double>(); };
  EXPECT_NEAR(deviation("attn.c_attn.weight"), 0.02, 2e-4);
  EXPECT_NEAR(deviation("mlp.c_fc.weight"), 0.02, 2e-4);
  EXPECT_NEAR(deviation("attn.c_proj.weight"), 0.02 / std::sqrt(24.0), 4e-5);
  EXPECT_NEAR(deviation("mlp.c_proj.weight"), 0.02 / std::sqrt(24.0), 4e-5);
  EXPECT_EQ(largest(parameters["attn.c_attn.bias"]), 0.0);
  EXPECT_EQ(largest(parameters["mlp.c_proj.bias"]), 0.0);
  EXPECT_EQ(largest(parameters["ln_1.weight"] - 1), 0.0);
  EXPECT_EQ(largest(parameters["ln_2.bias"]), 0.0);
}

}  // namespace
}  // namespace icl
