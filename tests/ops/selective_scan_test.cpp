// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/selective_scan.h"

#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

template <class Function>
TensorFunction run(const Function& function, bool softplus) {
  return [function, softplus](const Tensors& in) {
    const auto [y, state] = function(in[0], in[1], in[2], in[3], in[4], optional(in[5]),
                                     optional(in[6]), optional(in[7]), softplus, optional(in[8]));
    return Tensors{y, state};
  };
}

Operator scan(bool softplus) {
  return {.name = "selective_scan",
          .inputs = {"u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state"},
          .outputs = {"y", "last_state"},
          .fast = run(selective_scan, softplus),
          .reference = run(selective_scan_reference, softplus)};
}
const Operator kScan = scan(/*softplus=*/true);

Tensors make(int64_t batch, int64_t length, int64_t width, int64_t n_state) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * width + 1000 * n_state));
  return {normal({batch, length, width}),
          normal({batch, length, width}) * 0.5 - 1,
          -at::rand({width, n_state}, at::kDouble) * 4 - 0.1,
          normal({batch, length, n_state}),
          normal({batch, length, n_state}),
          normal({width}),
          normal({batch, length, width}),
          normal({width}) * 0.5,
          normal({batch, width, n_state})};
}

// One channel, one state: h = (e^-1 * 2 + 1 * 3 * 0.5), y = 4 h + 10 * 3.
TEST(SelectiveScan, OneStepByHand) {
  const auto scalar = [](double value, at::IntArrayRef shape) {
    return at::full(shape, value, at::kDouble);
  };
  const auto [y, state] = selective_scan(
      scalar(3, {1, 1, 1}), scalar(1, {1, 1, 1}), scalar(-1, {1, 1}), scalar(0.5, {1, 1, 1}),
      scalar(4, {1, 1, 1}), scalar(10, {1}), {}, {}, false, scalar(2, {1, 1, 1}));
  const double h = std::exp(-1) * 2 + 1.5;
  EXPECT_NEAR(state.item<double>(), h, 1e-15);
  EXPECT_NEAR(y.item<double>(), 4 * h + 30, 1e-13);
}

TEST(SelectiveScan, ValuesAndGradientsAtEveryLength) {
  for (const int64_t length : kLengths) {
    check_against_reference(kScan, make(2, length, 5, 4), str("L=", length));
  }
}

TEST(SelectiveScan, GreatLengths) {
  for (const int64_t length : {2047, 2049}) {
    check_against_reference(kScan, make(2, length, 17, 4), str("L=", length));
  }
}

TEST(SelectiveScan, EveryStateSizeAndUnevenWidths) {
  for (const int64_t n_state : {1, 2, 3, 4, 7, 8, 16, 32, 64, 256}) {
    check_against_reference(kScan, make(1, 35, 9, n_state), str("N=", n_state));
  }
  for (const int64_t width : kWidths) {
    check_against_reference(kScan, make(2, 5, width, 3), str("I=", width));
  }
}

TEST(SelectiveScan, ExtremeStepSizes) {
  for (const double offset : {-100.0, 0.0, 19.999, 20.001, 300.0}) {
    Tensors inputs = make(4, 17, 33, 8);
    inputs[1] = at::full_like(inputs[1], offset);
    inputs[7].zero_();
    check_against_reference(kScan, inputs, str("delta=", offset));
  }
  Tensors inputs = make(4, 17, 33, 8);
  inputs[1].zero_();
  inputs[7].zero_();
  check_against_reference(scan(/*softplus=*/false), inputs, "no step at all");
}

TEST(SelectiveScan, EmptyBatchAndEmptySequence) {
  check_against_reference(kScan, make(0, 5, 3, 2), "B=0");
  const Tensors inputs = make(2, 0, 3, 2);
  const Tensors out = kScan.fast(inputs);
  EXPECT_EQ(out[0].sizes(), (std::vector<int64_t>{2, 0, 3}));
  EXPECT_TRUE(at::equal(out[1], inputs[8]));
}

TEST(SelectiveScan, OptionalArgumentsMayBeAbsent) {
  for (int mask = 0; mask < 16; ++mask) {
    Tensors inputs = make(4, 37, 17, 8);
    for (int i = 0; i < 4; ++i) {
      if ((mask >> i & 1) == 0) inputs[static_cast<size_t>(5 + i)] = at::Tensor();
    }
    if (mask % 3 != 0) {  // without softplus a step would be negative
      inputs[1] = inputs[1].abs() * 0.3;
      if (inputs[7].defined()) inputs[7] = inputs[7].abs() * 0.3;
    }
    check_against_reference(scan(mask % 3 == 0), inputs, str("optional arguments ", mask));
  }
}

TEST(SelectiveScan, Gradcheck) {
  gradcheck(kScan.fast, make(1, 3, 2, 3));
  gradcheck(kScan.fast, make(1, 34, 1, 1));
}

TEST(SelectiveScan, SplitAnywhereEqualsOnePass) {
  const Tensors in = make(2, 70, 5, 4);
  const Tensors whole = kScan.fast(in);
  for (const int64_t cut : {1, 31, 32, 33, 69}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      Tensors cut_in = in;
      for (const size_t i : {0, 1, 3, 4, 6}) cut_in[i] = in[i].slice(1, from, to);
      cut_in[8] = state;
      return kScan.fast(cut_in);
    };
    const Tensors first = part(0, cut, in[8]);
    const Tensors second = part(cut, 70, first[1]);
    EXPECT_TRUE(at::equal(at::cat({first[0], second[0]}, 1), whole[0])) << cut;
    EXPECT_TRUE(at::equal(second[1], whole[1])) << cut;
  }
}

TEST(SelectiveScan, SameBitsForAnyThreadsAndNeighbours) {
  check_same_bits(kScan, make(5, 41, 130, 5));
  check_same_bits_in_any_batch(kScan, make(5, 41, 130, 5), {0, 1, 3, 4, 6, 8});
}

TEST(SelectiveScan, NotANumberIsHandedOn) {
  Tensors inputs = make(1, 5, 3, 2);
  inputs[1][0][2][1] = NAN;
  const at::Tensor y = kScan.fast(leaves(inputs, at::kFloat))[0];
  EXPECT_TRUE(y[0][2][1].isnan().item<bool>());
  EXPECT_FALSE(y[0][2][0].isnan().item<bool>());
}

TEST(SelectiveScan, RefusesASecondDerivativeAndNamesTheReference) {
  check_second_derivative_is_refused(kScan, make(1, 3, 2, 2));
}

TEST(SelectiveScan, TheReferenceHasASecondDerivative) {
  const Tensors in = leaves(make(1, 3, 2, 2), at::kDouble);
  const at::Tensor grad =
      torch::autograd::grad({kScan.reference(in)[0].square().sum()}, {in[0]}, {},
                            /*retain_graph=*/true, /*create_graph=*/true)[0];
  grad.sum().backward();
  EXPECT_GT(in[0].grad().abs().max().item<double>(), 0);
}

TEST(SelectiveScan, NamesTheArgumentThatDoesNotFit) {
  const Tensors in = make(2, 3, 4, 5);
  const auto refused = [&](size_t index, const at::Tensor& bad, std::vector<std::string> words) {
    Tensors changed = in;
    changed[index] = bad;
    words.insert(words.begin(), "selective_scan");
    expect_refused([&] { kScan.fast(changed); }, words);
  };
  refused(0, at::zeros({3, 4}, at::kDouble), {"u is [3, 4]", "3 dimensions"});
  refused(0, at::zeros({2, 3, 4}, at::kInt), {"u is", "Int"});
  refused(1, at::zeros({2, 3, 5}, at::kDouble), {"delta is [2, 3, 5]", "[2, 3, 4]"});
  refused(2, at::zeros({4, 0}, at::kDouble), {"A is [4, 0]", "1 to 256 states"});
  refused(2, at::zeros({4, 257}, at::kDouble), {"A is [4, 257]", "1 to 256 states"});
  refused(3, at::zeros({2, 3, 6}, at::kDouble), {"B is [2, 3, 6]", "[2, 3, 5]"});
  refused(4, at::zeros({2, 3, 5}), {"C", "float32", "float64"});
  refused(6, at::empty({2, 3, 4}, at::TensorOptions(at::kMeta).dtype(at::kDouble)), {"z", "meta"});
  refused(8, at::zeros({2, 5, 4}, at::kDouble), {"initial_state is [2, 5, 4]", "[2, 4, 5]"});
}

TEST(SelectiveScan, StridedArgumentsGiveTheSame) {
  const Tensors in = make(2, 9, 4, 3);
  check_strided(kScan, in);
  Tensors strided = in;
  strided[6] = at::cat({in[0], in[6]}, 2).slice(2, 4);
  strided[3] = in[3].transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_TRUE(at::equal(kScan.fast(strided)[0], kScan.fast(in)[0]));
}

TEST(SelectiveScan, ShapesWithoutData) {
  Tensors meta;
  for (const at::Tensor& input : make(2, 9, 4, 3)) meta.push_back(input.to(at::kMeta));
  const Tensors out = kScan.fast(meta);
  EXPECT_EQ(out[0].sizes(), meta[0].sizes());
  EXPECT_EQ(out[1].sizes(), (std::vector<int64_t>{2, 4, 3}));
}

// Without gradients nothing is kept for a backward pass.
TEST(SelectiveScan, IsTheSameWithAndWithoutGradients) {
  const Tensors in = make(2, 41, 9, 4);
  const Tensors recorded = kScan.fast(leaves(in, at::kDouble));
  EXPECT_TRUE(recorded[0].requires_grad());
  const at::NoGradGuard no_grad;
  const Tensors plain = kScan.fast(leaves(in, at::kDouble));
  EXPECT_FALSE(plain[0].requires_grad());
  EXPECT_TRUE(at::equal(plain[0], recorded[0]));
}

// Which steps of a sequence are queries: none, all, first and last, each other, by chance.
std::vector<at::Tensor> query_patterns(int64_t length) {
  const at::Tensor step = at::arange(length);
  at::manual_seed(5);
  return {step < 0, step >= 0, (step == 0).logical_or(step == length - 1), step % 2 == 1,
          at::rand({length}) < 0.4};
}

// What each query sees is what it would see at the end of the steps before it that are none.
TEST(SelectiveScanQueries, EqualsOneScanForEachQuery) {
  for (const auto& [length, n_state] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {2, 3}, {7, 16}, {67, 5}}) {
    const Tensors in = make(2, length, 19, n_state);
    for (const at::Tensor& is_query : query_patterns(length)) {
      const at::Tensor y = selective_scan_queries(is_query, in[0], in[1], in[2], in[3], in[4],
                                                  in[5], in[6], in[7], /*delta_softplus=*/true);
      std::vector<int64_t> seen;  // the steps that are none
      for (int64_t l = 0; l < length; ++l) {
        std::vector<int64_t> rows = seen;
        rows.push_back(l);
        Tensors alone = in;
        for (const size_t i : {0, 1, 3, 4, 6}) {
          alone[i] = in[i].index_select(1, at::tensor(rows, at::kLong));
        }
        alone[8] = at::Tensor();
        const at::Tensor expected = kScan.fast(alone)[0].select(1, -1);
        EXPECT_LE((y.select(1, l) - expected).abs().max().item<double>(),
                  1e-14 * expected.abs().max().item<double>())
            << "L=" << length << " N=" << n_state << " step " << l;
        if (!is_query[l].item<bool>()) seen.push_back(l);
      }
    }
  }
}

TEST(SelectiveScanQueries, IsAsExactAsItsReference) {
  for (const int64_t n_state : {1, 4, 16, 20}) {
    const Tensors in = make(2, 75, 33, n_state);
    for (const at::Tensor& is_query : query_patterns(75)) {
      const auto values = [&](at::ScalarType type, const auto& function) {
        Tensors cast;
        for (const at::Tensor& input : in) cast.push_back(input.to(type));
        return function(is_query, cast[0], cast[1], cast[2], cast[3], cast[4], cast[5], cast[6],
                        cast[7], /*delta_softplus=*/true);
      };
      const at::Tensor exact = values(at::kDouble, selective_scan_queries_reference);
      const auto error = [&](const at::Tensor& y) {
        return ((y.to(at::kDouble) - exact).norm() / exact.norm()).item<double>();
      };
      EXPECT_LE(error(values(at::kDouble, selective_scan_queries)), 1e-14) << n_state;
      const double own = error(values(at::kFloat, selective_scan_queries));
      EXPECT_LE(own, 2e-6) << n_state;
      EXPECT_LE(own, 2 * error(values(at::kFloat, selective_scan_queries_reference))) << n_state;
    }
  }
}

TEST(SelectiveScanQueries, GivesTheSameBitsAsTheScanWhereThereAreNone) {
  const Tensors in = leaves(make(2, 41, 20, 12), at::kFloat);
  const at::NoGradGuard no_grad;
  const auto [y, state] =
      selective_scan(in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], true);
  const at::Tensor none = at::zeros({41}, at::kBool);
  EXPECT_TRUE(at::equal(
      selective_scan_queries(none, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], true),
      y));
}

TEST(SelectiveScanQueries, NamesTheArgumentThatDoesNotFit) {
  const Tensors in = make(2, 3, 4, 5);
  const auto refused = [&](const at::Tensor& is_query, const at::Tensor& u,
                           std::vector<std::string> words) {
    expect_refused(
        [&] { selective_scan_queries(is_query, u, in[1].to(u.dtype()), in[2], in[3], in[4]); },
        words);
  };
  const at::Tensor flags = at::zeros({3}, at::kBool);
  refused(at::zeros({2}, at::kBool), in[0], {"is_query is [2]", "[3]"});
  refused(at::zeros({3}), in[0], {"is_query", "float32", "Bool"});
  refused(flags, at::zeros({2, 3}, at::kDouble), {"u is [2, 3]", "3 dimensions"});
  refused(flags, in[0].clone().set_requires_grad(true), {"selective_scan_queries_reference"});
}

}  // namespace
}  // namespace icl
