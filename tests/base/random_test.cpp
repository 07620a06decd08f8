// SPDX-License-Identifier: Apache-2.0
#include "icl/base/random.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/PhiloxRNGEngine.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace icl {
namespace {

// The published answer for a zero key and counter, from the engine that the streams must agree
// with.
TEST(Random, EngineGivesThePublishedAnswer) {
  at::Philox4_32 engine(0, 0, 0);
  EXPECT_EQ(engine(), 0x6627e8d5U);
  EXPECT_EQ(engine(), 0xe169c58dU);
  EXPECT_EQ(engine(), 0xbc57ac4cU);
  EXPECT_EQ(engine(), 0x9b00dbd8U);
}

TEST(Random, ElementsAreTheWordsOfTheEngine) {
  const RandomStream stream(7, "words");
  const at::Tensor uniform = stream.uniform({1030});
  const at::Tensor normal = stream.normal({1030});
  const at::Tensor integers = stream.integers({1030}, 1000);
  for (int64_t i = 0; i < 1030; ++i) {
    at::Philox4_32 engine(stream.key(), static_cast<uint64_t>(i / 4), 0);
    uint32_t words[4];
    for (uint32_t& word : words) word = engine();
    const uint32_t word = words[i % 4];
    EXPECT_EQ(uniform[i].item<float>(), static_cast<float>(word >> 8) / 16777216.0F);
    EXPECT_EQ(integers[i].item<int64_t>(), static_cast<int64_t>(word * uint64_t{1000} >> 32));
    const int64_t pair = i % 4 / 2;
    const double radius = std::sqrt(-2 * std::log((words[2 * pair] + 1.0) / 4294967296.0));
    const double angle = 2 * std::numbers::pi * words[2 * pair + 1] / 4294967296.0;
    const double expected = radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
    EXPECT_NEAR(normal[i].item<float>(), expected, 1e-6 * std::abs(expected) + 1e-9) << i;
  }
}

TEST(Random, ALongerDrawBeginsWithTheShorter) {
  const RandomStream stream(7, "prefix");
  EXPECT_TRUE(at::equal(stream.normal({5}), stream.normal({40, 13}).flatten().slice(0, 0, 5)));
}

TEST(Random, HasTheMomentsOfItsDistributions) {
  const RandomStream stream(1, "moments");
  const int64_t n = 1 << 20;  // standard error of a mean: 1e-3 standard deviations
  const at::Tensor z = stream.normal({n}).to(at::kDouble);
  EXPECT_NEAR(z.mean().item<double>(), 0, 0.004);
  EXPECT_NEAR(z.square().mean().item<double>(), 1, 0.006);
  EXPECT_NEAR(z.pow(3).mean().item<double>(), 0, 0.016);
  EXPECT_NEAR(z.pow(4).mean().item<double>(), 3, 0.04);
  EXPECT_NEAR((z.slice(0, 0, n, 2) * z.slice(0, 1, n, 2)).mean().item<double>(), 0, 0.006);
  EXPECT_NEAR((z > 1.6448536).to(at::kDouble).mean().item<double>(), 0.05, 0.001);
  const at::Tensor u = stream.child("u").uniform({n}).to(at::kDouble);
  EXPECT_NEAR(u.mean().item<double>(), 0.5, 0.0012);
  EXPECT_NEAR(u.var().item<double>(), 1.0 / 12, 0.0004);
  EXPECT_GE(u.min().item<double>(), 0);
  EXPECT_LT(u.max().item<double>(), 1);
  const at::Tensor counts = at::bincount(stream.child("i").integers({n}, 20));
  EXPECT_EQ(counts.numel(), 20);
  EXPECT_LT((counts.to(at::kDouble) - n / 20.0).abs().max().item<double>(),
            5 * std::sqrt(n / 20.0));
}

TEST(Random, StreamsAreIndependent) {
  const RandomStream root(3, "root");
  const int64_t n = 1 << 18;
  const std::vector<RandomStream> streams = {root,
                                             root.child("a"),
                                             root.child("b"),
                                             root.at_step(0),
                                             root.at_step(1),
                                             root.at_step(1).child("a"),
                                             root.child("a").at_step(1),
                                             RandomStream(4, "root"),
                                             RandomStream(3, "roots")};
  std::vector<at::Tensor> draws;
  for (const RandomStream& stream : streams) draws.push_back(stream.normal({n}));
  const at::Tensor all = at::stack(draws).to(at::kDouble);
  const at::Tensor correlation = at::matmul(all, all.t()) / static_cast<double>(n);
  const at::Tensor off = correlation - at::diag(correlation.diagonal());
  EXPECT_LT(off.abs().max().item<double>(), 5 / std::sqrt(static_cast<double>(n)));
}

TEST(Random, PermutationsAreUniform) {
  const at::Tensor orders = RandomStream(5, "orders").permutations(60000, 3);
  EXPECT_TRUE(at::equal(std::get<0>(orders.sort(1)), at::arange(3).expand({60000, 3})));
  const at::Tensor code = orders.select(1, 0) * 3 + orders.select(1, 1);
  const at::Tensor counts = at::bincount(code, {}, 9).to(at::kDouble);
  for (const int64_t key : {1, 2, 3, 5, 6, 7}) {
    EXPECT_NEAR(counts[key].item<double>(), 10000, 500);
  }
}

TEST(Random, DoesNotDependOnThreads) {
  const RandomStream stream(9, "threads");
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = stream.normal({100001});
  at::set_num_threads(3);
  const at::Tensor three = stream.normal({100001});
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, three));
}

}  // namespace
}  // namespace icl
