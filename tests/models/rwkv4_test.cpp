// SPDX-License-Identifier: Apache-2.0
#include "icl/models/rwkv4.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/zoo.h"

namespace icl {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(Rwkv4, MixesTimeByHand) {
  TimeMix mixer({.d_model = 1});
  const at::NoGradGuard no_grad;
  auto parameters = mixer.named_parameters();
  const auto set = [&](const char* name, double value) { parameters[name].fill_(value); };
  set("time_decay", std::log(0.7));  // decay -0.7 a step
  set("time_first", 0.4);
  set("time_mix_k", 0.25);
  set("time_mix_v", 0.5);
  set("time_mix_r", 1.0);
  set("key.weight", 1.5);
  set("value.weight", 2.0);
  set("receptance.weight", -1.0);
  set("output.weight", 3.0);
  const double x[] = {1.0, -2.0, 0.5};
  const at::Tensor y = mixer.forward(at::tensor({1.f, -2.f, 0.5f}).view({1, 3, 1}));
  double k[3], v[3];
  for (int t = 0; t < 3; ++t) {
    const double before = t > 0 ? x[t - 1] : 0;
    k[t] = 1.5 * (0.25 * x[t] + 0.75 * before);
    v[t] = 2.0 * (0.5 * x[t] + 0.5 * before);
    double top = std::exp(0.4 + k[t]) * v[t], bottom = std::exp(0.4 + k[t]);
    for (int i = 0; i < t; ++i) {
      const double weight = std::exp(-(t - 1 - i) * 0.7 + k[i]);
      top += weight * v[i];
      bottom += weight;
    }
    EXPECT_NEAR(y[0][t][0].item<double>(), 3 * sigmoid(-x[t]) * top / bottom, 1e-5) << t;
  }
}

TEST(Rwkv4, MixesChannelsByHand) {
  ChannelMix mixer({.d_model = 1, .d_ffn = 1});
  const at::NoGradGuard no_grad;
  auto parameters = mixer.named_parameters();
  parameters["time_mix_k"].fill_(0.5);
  parameters["time_mix_r"].fill_(0.0);
  parameters["key.weight"].fill_(2.0);
  parameters["receptance.weight"].fill_(1.0);
  parameters["value.weight"].fill_(1.5);
  const at::Tensor y = mixer.forward(at::tensor({1.f, 3.f}).view({1, 2, 1}));
  EXPECT_NEAR(y[0][0][0].item<double>(), sigmoid(0.0) * 1.5 * 1.0, 1e-6);   // relu(2 * 0.5)^2
  EXPECT_NEAR(y[0][1][0].item<double>(), sigmoid(1.0) * 1.5 * 16.0, 1e-5);  // relu(2 * 2)^2
}

TEST(Rwkv4, StartsAsPublished) {
  at::manual_seed(1);
  const auto backbone = make_backbone({.family = Rwkv4Family{}, .d_model = 8, .n_layer = 3});
  const auto parameters = backbone->named_parameters();
  const auto value = [&](const std::string& name, int64_t channel) {
    return parameters[name][channel].item<double>();
  };
  for (const char* name :
       {"att.key", "att.receptance", "att.output", "ffn.value", "ffn.receptance"}) {
    EXPECT_EQ(largest(parameters[std::string("blocks.1.") + name + ".weight"]), 0.0) << name;
  }
  const at::Tensor v = parameters["blocks.1.att.value.weight"];
  EXPECT_LE(largest(at::mm(v, v.t()) - at::eye(8)), 1e-5);
  const at::Tensor k = parameters["blocks.1.ffn.key.weight"];  // gain sqrt(32 / 8)
  EXPECT_LE(largest(at::mm(k.t(), k) - 4 * at::eye(8)), 1e-5);
  // Block 1 of 3: rising 1/2, falling 2/3.
  EXPECT_NEAR(value("blocks.1.att.time_decay", 0), -5, 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_decay", 7), 3, 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_decay", 3), -5 + 8 * std::pow(3 / 7.0, 0.7 + 0.65), 1e-5);
  EXPECT_NEAR(value("blocks.1.att.time_first", 0), std::log(0.3), 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_first", 1), std::log(0.3) + 0.5, 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_first", 2), std::log(0.3) - 0.5, 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_mix_k", 4), std::pow(0.5, 2 / 3.0), 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_mix_v", 4), std::pow(0.5, 2 / 3.0) + 0.15, 1e-6);
  EXPECT_NEAR(value("blocks.1.att.time_mix_r", 4), std::pow(0.5, 1 / 3.0), 1e-6);
  EXPECT_NEAR(value("blocks.1.ffn.time_mix_r", 4), std::pow(0.5, 2 / 3.0), 1e-6);
}

TEST(Rwkv4, HasOneBlockAtLeast) {
  at::manual_seed(1);
  const auto backbone = make_backbone({.family = Rwkv4Family{}, .d_model = 8, .n_layer = 1});
  EXPECT_TRUE(at::isfinite(backbone->forward(at::randn({1, 3, 8}))).all().item<bool>());
}

}  // namespace
}  // namespace icl
