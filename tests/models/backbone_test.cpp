// SPDX-License-Identifier: Apache-2.0
//
// What every family of the zoo has to do.
#include "icl/models/backbone.h"
#include "icl/models/gpt2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <set>

#include "icl/base/error.h"
#include "tests/models/zoo.h"

namespace icl {
namespace {

class Zoo : public ::testing::TestWithParam<ModelConfig> {
 protected:
  void SetUp() override {
    at::manual_seed(1);
    backbone_ = make_backbone(GetParam());
    backbone_->eval();
    leave_initialization(*backbone_);
  }
  at::Tensor input(int64_t batch, int64_t length, at::ScalarType type = at::kFloat) {
    return at::randn({batch, length, GetParam().d_model}, at::TensorOptions(type));
  }

  std::shared_ptr<Backbone> backbone_;
};

TEST_P(Zoo, StepsAsTheParallelForm) {
  const at::NoGradGuard no_grad;
  for (const auto& [type, bound] : {std::pair{at::kFloat, 1e-5}, {at::kDouble, 1e-12}}) {
    backbone_->to(type);
    const at::Tensor x = input(2, 23, type);
    const at::Tensor expected = backbone_->forward(x);
    State state = backbone_->initial_state(2);
    for (int64_t t = 0; t < 23; ++t) {
      const at::Tensor y = backbone_->step(x.select(1, t), state);
      const at::Tensor at_t = expected.select(1, t);
      EXPECT_LE(largest(y - at_t), bound * std::max(1.0, largest(at_t))) << "token " << t;
    }
    EXPECT_EQ(state.length, 23);
  }
}

TEST_P(Zoo, GoesOnFromAState) {
  const at::NoGradGuard no_grad;
  backbone_->to(at::kDouble);
  const at::Tensor x = input(2, 20, at::kDouble);
  const at::Tensor expected = backbone_->forward(x);
  State state = backbone_->initial_state(2);
  std::vector<at::Tensor> pieces;
  for (const auto& [first, count] :
       std::vector<std::pair<int64_t, int64_t>>{{0, 7}, {7, 1}, {8, 12}}) {
    pieces.push_back(backbone_->forward(x.narrow(1, first, count), state));
  }
  EXPECT_LE(largest(at::cat(pieces, 1) - expected), 1e-12 * std::max(1.0, largest(expected)));
}

TEST_P(Zoo, IsCausal) {
  const at::NoGradGuard no_grad;
  at::Tensor x = input(1, 12);
  const at::Tensor before = backbone_->forward(x);
  x = x.clone();
  x.select(1, 7).add_(at::randn({GetParam().d_model}));
  const at::Tensor change = (backbone_->forward(x) - before).abs().amax(2).squeeze(0);
  EXPECT_LE(largest(change.narrow(0, 0, 7)), 1e-6);
  EXPECT_GE(change.narrow(0, 7, 5).min().item<float>(), 1e-5);
}

TEST_P(Zoo, ShowsTheResidualStream) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = input(2, 6);
  std::vector<int64_t> layers;
  at::Tensor last;
  const at::Tensor y = backbone_->forward(x, [&](int64_t layer, const at::Tensor& residual) {
    layers.push_back(layer);
    EXPECT_EQ(residual.sizes(), x.sizes());
    if (last.defined()) {
      EXPECT_GE(largest(residual - last), 1e-4);
    }
    last = residual;
  });
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < GetParam().n_layer; ++i) expected.push_back(i);
  EXPECT_EQ(layers, expected);
  EXPECT_EQ(backbone_->n_layer(), GetParam().n_layer);
  EXPECT_LE(largest(backbone_->final_norm(last) - y), 1e-5);
  EXPECT_TRUE(at::equal(backbone_->forward(x), y));  // watching changes nothing
}

TEST_P(Zoo, EditsTheResidualStream) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = input(2, 6), other = input(2, 6);
  std::vector<at::Tensor> streams;
  const at::Tensor y = backbone_->forward(
      x, [&](int64_t, const at::Tensor& residual) { streams.push_back(residual); });
  const int64_t last = GetParam().n_layer - 1;
  // The stream of x after the first block, put in place of the other's, carries its outputs along.
  std::vector<at::Tensor> seen;
  const at::Tensor edited = backbone_->forward(
      other, [&](int64_t, const at::Tensor& residual) { seen.push_back(residual); },
      [&](int64_t layer, const at::Tensor& residual) {
        return layer == 0 ? streams[0] : residual;
      });
  EXPECT_LE(largest(edited - y), 1e-5 * std::max(1.0, largest(y)));
  EXPECT_TRUE(at::equal(seen[0], streams[0]));  // a tap sees what the edit left
  EXPECT_LE(largest(seen.back() - streams[static_cast<size_t>(last)]), 1e-5 * largest(seen.back()));
  EXPECT_GE(largest(backbone_->forward(other) - y), 1e-3);
}

// Each query after its part of the context, in a pass of its own.
at::Tensor separate_passes(Backbone& backbone, const at::Tensor& context, const at::Tensor& queries,
                           const std::vector<int64_t>& lengths) {
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const at::Tensor query = queries.narrow(1, static_cast<int64_t>(i), 1);
    outputs.push_back(backbone.forward(at::cat({context.narrow(1, 0, lengths[i]), query}, 1))
                          .narrow(1, lengths[i], 1));
  }
  return at::cat(outputs, 1);
}

TEST_P(Zoo, BranchesAsSeparatePasses) {
  const at::NoGradGuard no_grad;
  const std::vector<std::vector<int64_t>> cases = {
      {0}, {1}, {0, 0, 2}, {0, 2, 4}, {3}, {0, 0, 1, 4, 8, 9, 9}, {2, 5, 7, 40}};
  for (const auto& [type, bound] : {std::pair{at::kFloat, 1e-5}, {at::kDouble, 1e-12}}) {
    backbone_->to(type);
    for (const std::vector<int64_t>& lengths : cases) {
      for (const int64_t more : {0, 3}) {  // context that no query sees
        const at::Tensor context = input(2, lengths.back() + more, type);
        const at::Tensor queries = input(2, static_cast<int64_t>(lengths.size()), type);
        const at::Tensor y = backbone_->branch(context, queries, lengths);
        ASSERT_EQ(y.sizes(), queries.sizes());
        const at::Tensor expected = separate_passes(*backbone_, context, queries, lengths);
        EXPECT_LE(largest(y - expected), bound * std::max(1.0, largest(expected)))
            << lengths.size() << " queries after up to " << lengths.back() << " tokens, " << type;
      }
    }
  }
}

TEST_P(Zoo, BranchesWithGradients) {
  backbone_->to(at::kDouble);
  const at::Tensor context = input(1, 5, at::kDouble).requires_grad_();
  const at::Tensor queries = input(1, 3, at::kDouble).requires_grad_();
  const at::Tensor weights = input(1, 3, at::kDouble);
  std::vector<at::Tensor> inputs = {context, queries};
  for (const at::Tensor& parameter : backbone_->parameters()) inputs.push_back(parameter);
  const auto gradients = [&](const at::Tensor& y) {
    return torch::autograd::grad({(y * weights).sum()}, inputs);
  };
  const auto branched = gradients(backbone_->branch(context, queries, {0, 2, 5}));
  const auto expected = gradients(separate_passes(*backbone_, context, queries, {0, 2, 5}));
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LE(largest(branched[i] - expected[i]), 1e-10 * std::max(1.0, largest(expected[i])))
        << "input " << i;
  }
}

TEST_P(Zoo, SelectsAndClonesStates) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = input(3, 5);
  State state = backbone_->initial_state(3);
  backbone_->forward(x, state);
  const State kept = state.clone();
  const at::Tensor rows = at::tensor({2, 0, 2}, at::kLong);
  State chosen = state.select(rows);
  EXPECT_EQ(chosen.length, 5);
  const at::Tensor next = input(3, 1).select(1, 0);
  const at::Tensor direct = backbone_->step(next, state);
  const at::Tensor selected = backbone_->step(next.index_select(0, rows), chosen);
  EXPECT_LE(largest(selected - direct.index_select(0, rows)), 1e-6);
  State again = kept;  // untouched by the steps taken from `state`
  EXPECT_TRUE(at::equal(backbone_->step(next, again), direct));
}

TEST_P(Zoo, RemembersWithoutGrowing) {
  const at::NoGradGuard no_grad;
  State state = backbone_->initial_state(2);
  backbone_->forward(input(2, 3), state);
  const int64_t early = state.bytes();
  backbone_->forward(input(2, 40), state);
  const Family& family = GetParam().family;
  if (family.get_if<Gpt2Family>() || family.get_if<MambaformerFamily>()) {
    EXPECT_GT(state.bytes(), early);  // keys and values of every token
  } else {
    EXPECT_EQ(state.bytes(), early);
  }
}

// Directional derivatives in float64 against the difference quotient.
TEST_P(Zoo, HasTheRightGradients) {
  backbone_->to(at::kDouble);
  const at::Tensor x = input(1, 5, at::kDouble).requires_grad_();
  const at::Tensor weights = at::randn({1, 5, GetParam().d_model}, at::kDouble);
  (backbone_->forward(x) * weights).sum().backward();
  auto inputs = backbone_->parameters();
  inputs.push_back(x);
  const double eps = 1e-5;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::NoGradGuard no_grad;
    ASSERT_TRUE(inputs[i].grad().defined()) << "input " << i;
    const at::Tensor direction = at::randn_like(inputs[i]);
    const double analytic = (inputs[i].grad() * direction).sum().item<double>();
    at::Tensor value = inputs[i];
    value.add_(eps * direction);
    const double above = (backbone_->forward(x) * weights).sum().item<double>();
    value.sub_(2 * eps * direction);
    const double below = (backbone_->forward(x) * weights).sum().item<double>();
    value.add_(eps * direction);
    EXPECT_NEAR(analytic, (above - below) / (2 * eps), 1e-6 * std::max(1.0, std::abs(analytic)))
        << "input " << i;
  }
}

TEST_P(Zoo, StartsTheSameFromTheSameSeed) {
  at::manual_seed(7);
  const auto first = make_backbone(GetParam());
  at::manual_seed(7);
  const auto second = make_backbone(GetParam());
  at::manual_seed(8);
  const auto other = make_backbone(GetParam());
  bool all_equal = true;
  for (const auto& item : first->named_parameters()) {
    EXPECT_TRUE(at::isfinite(item.value()).all().item<bool>()) << item.key();
    EXPECT_TRUE(at::equal(item.value(), *second->named_parameters().find(item.key())))
        << item.key();
    all_equal = all_equal && at::equal(item.value(), *other->named_parameters().find(item.key()));
  }
  EXPECT_FALSE(all_equal);
}

INSTANTIATE_TEST_SUITE_P(Small, Zoo, ::testing::ValuesIn(small_zoo()), zoo_name);

TEST(Backbone, IsFoundByName) {
  EXPECT_THAT(families().names(), ::testing::IsSupersetOf({"gpt2", "mamba"}));
  try {
    families().make("mambo");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean 'mamba'?"));
  }
}

TEST(Backbone, SaysWhenPositionsRunOut) {
  at::manual_seed(1);
  const auto backbone =
      make_backbone({.family = Gpt2Family{.n_head = 2, .positions = "learned", .n_positions = 6},
                     .d_model = 8,
                     .n_layer = 1});
  EXPECT_NO_THROW(backbone->forward(at::zeros({1, 6, 8})));
  EXPECT_THROW(backbone->forward(at::zeros({1, 7, 8})), UsageError);
  EXPECT_THROW(backbone->branch(at::zeros({1, 6, 8}), at::zeros({1, 1, 8}), {6}), UsageError);
}

TEST(Backbone, RefusesHeadsThatDoNotDivideTheWidth) {
  EXPECT_THROW(make_backbone({.family = Gpt2Family{.n_head = 4}, .d_model = 10, .n_layer = 1}),
               UsageError);
}

}  // namespace
}  // namespace icl
