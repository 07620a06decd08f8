// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/delta_rule.h"

#include <limits>

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

constexpr double kScale = 0.7;

template <class Function>
TensorFunction run(const Function& function) {
  return [function](const Tensors& in) {
    const auto [y, state] = function(in[0], in[1], in[2], in[3], optional(in[4]), optional(in[5]),
                                     kScale, optional(in[6]));
    return Tensors{y, state};
  };
}

const Operator kDelta{.name = "delta_rule",
                      .inputs = {"q", "k", "v", "log_decay", "a", "b", "initial_state"},
                      .outputs = {"y", "last_state"},
                      .fast = run(delta_rule),
                      .reference = run(delta_rule_reference)};

struct Sizes {
  int64_t B = 2, L = 9, G = 2, H = 2, K = 4, V = 5;
  bool per_key = true, delta = true, state = true;

  std::string name() const {
    return str("B=", B, " L=", L, " G=", G, " H=", H, " K=", K, " V=", V, per_key ? " per key" : "",
               delta ? "" : " without a and b", state ? "" : " without a state");
  }
};

at::Tensor unit(const at::Tensor& x) {
  return x / x.norm(2, -1, /*keepdim=*/true);
}

// Keys of length 1 and a = -beta k, as the models have them: the state stays bounded.
Tensors make(const Sizes& s) {
  at::manual_seed(static_cast<uint64_t>(s.B + 10 * s.L + 100 * s.K + 1000 * s.V));
  const at::Tensor k = unit(normal({s.B, s.L, s.G, s.K}));
  const at::Tensor b = unit(normal({s.B, s.L, s.H, s.K}));
  const at::Tensor beta = at::rand({s.B, s.L, s.H, 1}, at::kDouble) * 1.5;
  const at::Tensor decay = s.per_key ? normal({s.B, s.L, s.H, s.K}) : normal({s.B, s.L, s.H});
  return {normal({s.B, s.L, s.G, s.K}),
          k,
          normal({s.B, s.L, s.H, s.V}),
          -0.5 * decay.square(),
          s.delta ? -beta * b : at::Tensor(),
          s.delta ? b : at::Tensor(),
          s.state ? normal({s.B, s.H, s.K, s.V}) : at::Tensor()};
}

// K = V = 1, decay 1/2: S = 3/2 + (-1)(2)(3) + (5)(7) = 30.5 after one step from S = 3.
TEST(DeltaRule, OneStepByHand) {
  const auto one = [](double value, at::IntArrayRef shape) {
    return at::full(shape, value, at::kDouble);
  };
  const auto [y, state] =
      delta_rule(one(11, {1, 1, 1, 1}), one(5, {1, 1, 1, 1}), one(7, {1, 1, 1, 1}),
                 one(std::log(0.5), {1, 1, 1}), one(-1, {1, 1, 1, 1}), one(2, {1, 1, 1, 1}), 0.1,
                 one(3, {1, 1, 1, 1}));
  EXPECT_NEAR(state.item<double>(), 30.5, 1e-14);
  EXPECT_NEAR(y.item<double>(), 0.1 * 11 * 30.5, 1e-13);
}

// DeltaNet with beta = 1 and orthonormal keys is a memory: a value written under a key is read
// back, and a second value under the same key takes the place of the first.
TEST(DeltaRule, IsAMemoryThatOverwrites) {
  const at::Tensor key = at::eye(3, at::kDouble);
  const at::Tensor k = at::stack({key[0], key[1], key[0]}).view({1, 3, 1, 3});
  const at::Tensor v = at::tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, at::kDouble).view({1, 3, 1, 2});
  const auto [y, state] = delta_rule(k, k, v, at::zeros({1, 3, 1}, at::kDouble), -k, k);
  EXPECT_TRUE(at::equal(y, v));
  EXPECT_TRUE(at::equal(state[0][0][0], v[0][2][0]));
  EXPECT_TRUE(at::equal(state[0][0][1], v[0][1][0]));
  EXPECT_TRUE(at::equal(state[0][0][2], at::zeros({2}, at::kDouble)));
}

// y_t = sum_{s<=t} (q_t . k_s) v_s: attention without a softmax.
TEST(DeltaRule, WithoutDecayAndDeltaIsLinearAttention) {
  const Tensors in = make({.L = 21, .delta = false, .state = false});
  const at::Tensor q = in[0].transpose(1, 2), k = in[1].transpose(1, 2), v = in[2].transpose(1, 2);
  const at::Tensor expected = at::matmul(at::matmul(q, k.transpose(-1, -2)).tril(), v);
  const auto [y, state] = delta_rule(in[0], in[1], in[2], at::zeros_like(in[3]));
  EXPECT_LE(relative_error(y, expected.transpose(1, 2)), 1e-14);
  EXPECT_LE(relative_error(state, at::matmul(k.transpose(-1, -2), v)), 1e-14);
}

TEST(DeltaRule, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : {1, 2, 3, 7, 8, 9, 15, 16, 17, 41, 63, 64, 65, 82, 127, 129, 202}) {
    const Sizes sizes{.L = length};
    check_against_reference(kDelta, make(sizes), sizes.name());
  }
}

TEST(DeltaRule, EveryKindOfArguments) {
  for (const bool per_key : {false, true}) {
    for (const bool delta : {false, true}) {
      for (const bool state : {false, true}) {
        for (const int64_t groups : {1, 2, 4}) {
          const Sizes sizes{
              .L = 21, .G = groups, .H = 4, .per_key = per_key, .delta = delta, .state = state};
          check_against_reference(kDelta, make(sizes), sizes.name());
        }
      }
    }
  }
}

TEST(DeltaRule, EverySizeOfKeysAndValues) {
  for (const auto& [K, V] : std::vector<std::pair<int64_t, int64_t>>{{1, 2},
                                                                     {3, 1},
                                                                     {16, 16},
                                                                     {17, 15},
                                                                     {20, 33},
                                                                     {64, 64},
                                                                     {65, 63},
                                                                     {7, 130},
                                                                     {128, 128},
                                                                     {130, 8}}) {
    const Sizes sizes{.B = 1, .L = 19, .K = K, .V = V};
    check_against_reference(kDelta, make(sizes), sizes.name());
    const Sizes plain{.B = 1, .L = 19, .K = K, .V = V, .per_key = false, .delta = false};
    check_against_reference(kDelta, make(plain), plain.name());
  }
}

TEST(DeltaRule, GreatLengths) {
  for (const int64_t length : {2047, 2049}) {
    const Sizes sizes{.B = 1, .L = length, .G = 1, .H = 1, .K = 3, .V = 2, .per_key = false};
    check_against_reference(kDelta, make(sizes), sizes.name());
  }
}

// The second oracle: products of matrices within chunks, of any size.
TEST(DeltaRule, TheReferencesAgree) {
  for (const int64_t chunk : {1, 4, 16, 100}) {
    for (const bool delta : {false, true}) {
      const Tensors in = make({.L = 41, .G = 1, .H = 3, .delta = delta});
      const auto chunked = [&](const Tensors& x) {
        const auto [y, state] = delta_rule_chunked(x[0], x[1], x[2], x[3], optional(x[4]),
                                                   optional(x[5]), kScale, optional(x[6]), chunk);
        return Tensors{y, state};
      };
      const Tensors steps = outputs_and_gradients(kDelta.reference, in, at::kDouble);
      const Tensors chunks = outputs_and_gradients(chunked, in, at::kDouble);
      for (size_t i = 0; i < steps.size(); ++i) {
        if (!steps[i].defined()) continue;
        EXPECT_LE(relative_error(chunks[i], steps[i]), 1e-12) << i;
      }
    }
  }
}

// Decays that are 1, small, and that underflow, mixed within a sequence: the gradient of a decay
// that matters is right beside those that vanish.
TEST(DeltaRule, StrongDecays) {
  for (const double size : {0.0, 1e-6, 20.0, 100.0, 1000.0, 1e30}) {
    for (const bool per_key : {false, true}) {
      Tensors in = make({.L = 37, .per_key = per_key});
      in[3] = in[3] * size;
      check_against_reference(kDelta, in, str("decays times ", size));
      in[3].slice(1, 0, 37, 3).fill_(-0.1);
      check_against_reference(kDelta, in, str("every third decay mild, others times ", size));
    }
  }
}

// A decay of -inf forgets: what follows is as if the sequence began there.
TEST(DeltaRule, ForgetsAtMinusInfinity) {
  Tensors in = make({.L = 12});
  in[3].select(1, 5).fill_(-std::numeric_limits<double>::infinity());
  in[4].select(1, 5).zero_();
  const Tensors results = outputs_and_gradients(kDelta.fast, in, at::kDouble);
  for (const at::Tensor& result : results) EXPECT_TRUE(at::isfinite(result).all().item<bool>());
  Tensors tail = in;
  for (size_t i = 0; i < 6; ++i) tail[i] = in[i].slice(1, 5);
  tail[6] = at::Tensor();
  const Tensors fresh = kDelta.fast(tail);
  EXPECT_TRUE(at::equal(results[0].slice(1, 5), fresh[0]));
  EXPECT_TRUE(at::equal(results[1], fresh[1]));
}

TEST(DeltaRule, Gradcheck) {
  gradcheck(kDelta.fast, make({.B = 2, .L = 3, .G = 1, .H = 2, .K = 2, .V = 3}));
  gradcheck(kDelta.fast, make({.B = 1, .L = 10, .G = 1, .H = 1, .K = 2, .V = 1, .per_key = false}));
  // Without a and b.
  const Tensors in = make({.B = 1, .L = 9, .G = 1, .H = 2, .K = 2, .V = 2, .delta = false});
  const auto without = [](const Tensors& x) {
    return kDelta.fast({x[0], x[1], x[2], x[3], at::Tensor(), at::Tensor(), x[4]});
  };
  gradcheck(without, {in[0], in[1], in[2], in[3], in[6]});
}

TEST(DeltaRule, SplitAnywhereEqualsOnePass) {
  const Tensors in = make({.L = 40, .K = 9, .V = 20});
  const Tensors whole = kDelta.fast(in);
  for (const int64_t cut : {1, 7, 8, 9, 39}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      Tensors piece = in;
      for (size_t i = 0; i < 6; ++i) piece[i] = in[i].slice(1, from, to);
      piece[6] = state;
      return kDelta.fast(piece);
    };
    const Tensors first = part(0, cut, in[6]);
    const Tensors second = part(cut, 40, first[1]);
    EXPECT_TRUE(at::equal(at::cat({first[0], second[0]}, 1), whole[0])) << cut;
    EXPECT_TRUE(at::equal(second[1], whole[1])) << cut;
  }
}

TEST(DeltaRule, EmptyBatchAndEmptySequence) {
  const Sizes none{.B = 0};
  check_against_reference(kDelta, make(none), none.name());
  const Tensors in = make({.L = 0});
  const Tensors out = kDelta.fast(in);
  EXPECT_EQ(out[0].sizes(), (std::vector<int64_t>{2, 0, 2, 5}));
  EXPECT_TRUE(at::equal(out[1], in[6]));
}

TEST(DeltaRule, SameBitsForAnyThreadsAndNeighbours) {
  for (const bool delta : {false, true}) {
    const Tensors in = make({.B = 5, .L = 41, .G = 1, .H = 3, .K = 20, .V = 35, .delta = delta});
    check_same_bits(kDelta, in);
    check_same_bits_in_any_batch(kDelta, in, {0, 1, 2, 3, 4, 5, 6});
  }
}

TEST(DeltaRule, StridedArgumentsGiveTheSame) {
  check_strided(kDelta, make({}));
}

TEST(DeltaRule, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(kDelta, make({}));
}

TEST(DeltaRule, NamesTheArgumentThatDoesNotFit) {
  const at::Tensor q = at::zeros({2, 3, 2, 4}), v = at::zeros({2, 3, 4, 5});
  const at::Tensor decay = at::zeros({2, 3, 4}), a = at::zeros({2, 3, 4, 4});
  EXPECT_NO_THROW(delta_rule(q, q, v, decay, a, a));
  expect_refused([&] { delta_rule(q[0], q, v, decay); }, {"q is [3, 2, 4]", "4 dimensions"});
  expect_refused([&] { delta_rule(q, q, v.slice(2, 0, 3), decay.slice(2, 0, 3)); },
                 {"v is [2, 3, 3, 5]", "multiple of q's 2 groups"});
  expect_refused(
      [&] {
        delta_rule(q, q, v, at::zeros({2, 3, 4, 5}));
      },
      {"log_decay is [2, 3, 4, 5]", "[2, 3, 4, 4]"});
  expect_refused([&] { delta_rule(q, q, v, decay, a); }, {"b is absent beside a"});
  expect_refused([&] { delta_rule(q, q, v, decay, {}, a); }, {"a is absent beside b"});
  expect_refused(
      [&] {
        delta_rule(q, q, v, decay, {}, {}, 1, at::zeros({2, 4, 5, 4}));
      },
      {"initial_state is [2, 4, 5, 4]", "[2, 4, 4, 5]"});
  // All that is wrong, at once.
  expect_refused([&] { delta_rule(q, q.to(at::kDouble), v, decay.slice(1, 1)); },
                 {"k is [2, 3, 2, 4] float64", "log_decay is [2, 2, 4]"});
}

}  // namespace
}  // namespace icl
