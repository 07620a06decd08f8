// SPDX-License-Identifier: Apache-2.0
#include "icl/models/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/models/backbone.h"
#include "icl/models/mlp.h"
#include "tests/models/zoo.h"

namespace icl {
namespace {

using Projection = AttentionOptions::Projection;

at::Tensor turned(const RotaryOptions& options, const std::vector<float>& x, int64_t position) {
  const Rotary rotary(options);
  const at::Tensor head = at::tensor(x).view({1, 1, 1, -1});
  return rotary.turn(head, rotary.angles(position, 1, head)).flatten();
}

TEST(Rotary, TurnsByThePosition) {
  // One pair, frequency 1; the third coordinate is left alone.
  const at::Tensor y = turned({.width = 2}, {1, 0, 7}, 3);
  EXPECT_NEAR(y[0].item<double>(), std::cos(3.0), 1e-6);
  EXPECT_NEAR(y[1].item<double>(), std::sin(3.0), 1e-6);
  EXPECT_EQ(y[2].item<double>(), 7);
}

TEST(Rotary, PairsHalvesOrNeighbours) {
  // Frequencies 1 and 1/10.
  const double expected[] = {std::cos(2.0), std::cos(0.2), std::sin(2.0), std::sin(0.2)};
  const at::Tensor halves = turned({.width = 4, .frequencies = {1, 0.1}}, {1, 1, 0, 0}, 2);
  using Pairs = RotaryOptions::Pairs;
  const at::Tensor neighbours =
      turned({.width = 4, .pairs = Pairs::kNeighbours, .frequencies = {1, 0.1}}, {1, 0, 1, 0}, 2);
  for (int64_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(halves[j].item<double>(), expected[j], 1e-6);
    EXPECT_NEAR(neighbours[j % 2 * 2 + j / 2].item<double>(), expected[j], 1e-6);
  }
}

TEST(Rotary, FrequenciesFallFromPairToPair) {
  const std::vector<double> frequencies = rotary_frequencies(10000, 4);
  ASSERT_EQ(frequencies.size(), 2u);
  EXPECT_DOUBLE_EQ(frequencies[0], 1);
  EXPECT_DOUBLE_EQ(frequencies[1], 0.01);
}

TEST(Rotary, ScalesAndTurnsLongSequencesByOtherFrequencies) {
  const Rotary rotary({.width = 2,
                       .frequencies = {1},
                       .scale = 3,
                       .longer = [](int64_t n) { return std::vector<double>{1.0 / double(n)}; },
                       .longest = 4});
  const at::Tensor like = at::ones({1});
  EXPECT_NEAR(rotary.angles(3, 1, like).sin.item<double>(), 3 * std::sin(3.0), 1e-6);
  // Five tokens: positions turn by 1/5 each.
  EXPECT_NEAR(rotary.angles(0, 5, like).sin[3].item<double>(), 3 * std::sin(3.0 / 5), 1e-6);
  EXPECT_NEAR(rotary.angles(5, 1, like).sin.item<double>(), 3 * std::sin(5.0 / 6), 1e-6);
  EXPECT_NEAR(rotary.angles(3, 1, like).sin.item<double>(), 3 * std::sin(3.0), 1e-6);
}

// A token sees itself and the two before it, however the model is run.
TEST(Attention, AWindowHidesWhatLiesBefore) {
  at::manual_seed(5);
  Attention attention({.d_model = 8, .n_head = 2, .head_norm_eps = 1e-5, .window = 3});
  attention.reset_parameters({.index = 0, .count = 1});
  attention.to(at::kDouble);
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({1, 7, 8}, at::kDouble);
  const at::Tensor whole = attention.forward(x);
  const at::Tensor tail = attention.forward(x.narrow(1, 4, 3));
  EXPECT_LE(largest(whole.select(1, 6) - tail.select(1, 2)), 1e-14);
  EXPECT_GE(largest(whole.select(1, 6) - attention.forward(x.narrow(1, 5, 2)).select(1, 1)), 1e-6);

  std::vector<at::Tensor> state = attention.initial_state(1);
  const at::Tensor first = attention.forward(x.narrow(1, 0, 5), state);
  const at::Tensor rest = attention.forward(x.narrow(1, 5, 2), state);
  EXPECT_LE(largest(at::cat({first, rest}, 1) - whole), 1e-14);

  const auto [context, queries] = attention.branch(x.narrow(1, 0, 6), x.narrow(1, 6, 1), {6});
  EXPECT_LE(largest(context - whole.narrow(1, 0, 6)), 1e-14);
  EXPECT_LE(largest(queries - whole.narrow(1, 6, 1)), 1e-14);
}

TEST(Rotary, ItsTableGrows) {
  const Rotary rotary({.width = 2});
  const at::Tensor x = at::ones({1, 1, 1, 2});
  const at::Tensor before = rotary.angles(5, 3, x).sin;
  EXPECT_NEAR(rotary.angles(2000, 1, x).sin.item<double>(), std::sin(2000.0), 1e-6);
  EXPECT_TRUE(at::equal(rotary.angles(5, 3, x).sin, before));
  EXPECT_TRUE(at::equal(rotary.angles({5, 6, 7}, x).sin, before));
  EXPECT_EQ(rotary.angles(0, 1, x.to(at::kDouble)).cos.scalar_type(), at::kDouble);
}

TEST(Attention, GroupedHeadsShareKeysAndValues) {
  const AttentionOptions options{
      .d_model = 12, .n_head = 4, .n_kv_head = 2, .d_head = 5, .projection = Projection::kSeparate};
  Attention grouped(options);
  AttentionOptions all = options;
  all.n_kv_head = 4;
  Attention repeated(all);
  at::manual_seed(1);
  grouped.reset_parameters({});
  leave_initialization(grouped);
  const at::NoGradGuard no_grad;
  auto parameters = grouped.named_parameters();
  for (auto& item : repeated.named_parameters()) {
    at::Tensor source = parameters[item.key()];
    if (source.sizes() != item.value().sizes()) {  // of keys or values: each head twice
      source = source.unflatten(0, {2, 1, 5}).repeat_interleave(2, 1).flatten(0, 2);
    }
    item.value().copy_(source);
  }
  const at::Tensor x = at::randn({2, 6, 12});
  EXPECT_LE(largest(grouped.forward(x) - repeated.forward(x)), 1e-5);
}

TEST(Attention, RefusesHeadsThatDoNotFit) {
  EXPECT_THROW(
      Attention({.d_model = 12, .n_head = 4, .n_kv_head = 3, .projection = Projection::kSeparate}),
      UsageError);
  EXPECT_THROW(Attention({.d_model = 10, .n_head = 4}), UsageError);
}

TEST(Block, ParallelPartsSeeTheSameInput) {
  at::manual_seed(2);
  const auto make = [](bool shared) {
    auto block = std::make_shared<Block>(Block::Placement::kParallel);
    const auto norm = [] { return std::make_shared<Norm>(Norm::Kind::kLayer, 8); };
    block->add("ln_1", norm(), "a", std::make_shared<Mlp>(MlpOptions{.d_model = 8}));
    const auto second = std::make_shared<Mlp>(MlpOptions{.d_model = 8, .gated = true});
    shared ? block->add("b", second) : block->add("ln_2", norm(), "b", second);
    block->reset_parameters({});
    leave_initialization(*block);
    return block;
  };
  const at::NoGradGuard no_grad;
  for (const bool shared : {true, false}) {
    const auto block = make(shared);
    const auto children = block->named_children();
    const at::Tensor x = at::randn({2, 3, 8});
    Stream stream{.residual = 0.25 * x, .update = 0.75 * x};
    block->forward(stream);
    const auto normed = [&](const char* name) {
      return std::dynamic_pointer_cast<Norm>(children[name])->forward(x);
    };
    const auto mixed = [&](const char* name, const at::Tensor& input) {
      return std::dynamic_pointer_cast<Mlp>(children[name])->forward(input);
    };
    const at::Tensor expected =
        x + mixed("a", normed("ln_1")) + mixed("b", normed(shared ? "ln_1" : "ln_2"));
    EXPECT_LE(largest(stream.value() - expected), 1e-5);
  }
}

// Rotary grouped attention in parallel blocks: every form of running it agrees.
class RotaryStack : public ::testing::TestWithParam<RotaryOptions::Pairs> {
 protected:
  void SetUp() override {
    at::manual_seed(3);
    const AttentionOptions attention{
        .d_model = 12,
        .n_head = 4,
        .n_kv_head = 2,
        .d_head = 6,
        .projection = Projection::kSeparate,
        .rotary = std::make_shared<Rotary>(RotaryOptions{.width = 4, .pairs = GetParam()})};
    std::vector<std::shared_ptr<Block>> blocks;
    for (int i = 0; i < 2; ++i) {
      auto block = std::make_shared<Block>(Block::Placement::kParallel);
      block->add("ln", std::make_shared<Norm>(Norm::Kind::kRms, 12), "attn",
                 std::make_shared<Attention>(attention));
      block->add("mlp", std::make_shared<Mlp>(MlpOptions{.d_model = 12}));
      blocks.push_back(block);
    }
    backbone_ = std::make_shared<Backbone>(12, blocks, Backbone::Stages{});
    backbone_->reset_parameters();
    leave_initialization(*backbone_);
    backbone_->to(at::kDouble);
  }

  std::shared_ptr<Backbone> backbone_;
};

TEST_P(RotaryStack, GoesOnFromAState) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({2, 11, 12}, at::kDouble);
  const at::Tensor expected = backbone_->forward(x);
  State state = backbone_->initial_state(2);
  std::vector<at::Tensor> pieces;
  for (const auto& [first, count] : {std::pair{0, 4}, {4, 1}, {5, 6}}) {
    pieces.push_back(backbone_->forward(x.narrow(1, first, count), state));
  }
  EXPECT_LE(largest(at::cat(pieces, 1) - expected), 1e-12 * largest(expected));
}

TEST_P(RotaryStack, BranchesAsSeparatePasses) {
  const at::NoGradGuard no_grad;
  const at::Tensor context = at::randn({2, 7, 12}, at::kDouble);
  const at::Tensor queries = at::randn({2, 4, 12}, at::kDouble);
  const std::vector<int64_t> lengths = {0, 3, 3, 7};
  const at::Tensor y = backbone_->branch(context, queries, lengths);
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t length = lengths[static_cast<size_t>(i)];
    const at::Tensor alone =
        backbone_->forward(at::cat({context.narrow(1, 0, length), queries.narrow(1, i, 1)}, 1))
            .select(1, length);
    EXPECT_LE(largest(y.select(1, i) - alone), 1e-12 * largest(alone)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Pairs, RotaryStack,
                         ::testing::Values(RotaryOptions::Pairs::kHalves,
                                           RotaryOptions::Pairs::kNeighbours));

}  // namespace
}  // namespace icl
