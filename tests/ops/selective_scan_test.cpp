// SPDX-License-Identifier: Apache-2.0
#include "icl/ops/selective_scan.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include "icl/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using testing::expect_close;
using ::testing::HasSubstr;
using testing::message_of;

// All arguments in the operator's order: u delta A B C D z delta_bias initial_state.
using Inputs = std::vector<at::Tensor>;
constexpr double kForward = 2e-6;
constexpr double kGradient = 5e-6;

Inputs make(int64_t batch, int64_t length, int64_t width, int64_t n_state) {
  at::manual_seed(static_cast<uint64_t>(batch + 10 * length + 100 * width + 1000 * n_state));
  const auto normal = [](at::IntArrayRef shape) { return at::randn(shape, at::kDouble); };
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

Inputs leaves(const Inputs& inputs, at::ScalarType type) {
  Inputs result;
  for (const at::Tensor& input : inputs) {
    result.push_back(
        input.detach().to(type, /*non_blocking=*/false, /*copy=*/true).set_requires_grad(true));
  }
  return result;
}

std::vector<at::Tensor> run_scan(const Inputs& in, bool reference = false) {
  const auto function = reference ? selective_scan_reference : selective_scan;
  const auto [y, state] =
      function(in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], true, in[8]);
  return {y, state};
}

// Both results and the gradients of all arguments, for fixed incoming gradients.
std::vector<at::Tensor> results(const Inputs& inputs, at::ScalarType type, bool reference) {
  Inputs in = leaves(inputs, type);
  std::vector<at::Tensor> out = run_scan(in, reference);
  at::manual_seed(5);
  const at::Tensor dy = at::randn(out[0].sizes(), at::kDouble).to(type);
  const at::Tensor dstate = at::randn(out[1].sizes(), at::kDouble).to(type);
  ((out[0] * dy).sum() + (out[1] * dstate).sum()).backward();
  for (const at::Tensor& leaf : in) {
    out.push_back(leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf));
  }
  return out;
}

void check_case(const Inputs& inputs, const std::string& name) {
  const auto oracle = results(inputs, at::kDouble, /*reference=*/true);
  const auto fast = results(inputs, at::kFloat, false);
  const auto reference = results(inputs, at::kFloat, true);
  const auto fast_double = results(inputs, at::kDouble, false);
  static const char* const kNames[] = {
      "y", "last_state", "du", "ddelta", "dA", "dB", "dC", "dD", "dz", "dbias", "dinitial_state"};
  for (size_t i = 0; i < oracle.size(); ++i) {
    expect_close(name + " " + kNames[i], fast[i], reference[i], oracle[i],
                 i < 2 ? kForward : kGradient);
    if (oracle[i].numel() > 0) {
      EXPECT_LE(testing::relative_error(fast_double[i], oracle[i]), 1e-13) << name << kNames[i];
    }
  }
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
  for (const int64_t length : {1, 2, 3, 31, 32, 33, 41, 64, 65, 81, 82, 201, 255, 257}) {
    check_case(make(2, length, 5, 4), str("L=", length));
  }
}

TEST(SelectiveScan, LongSequences) {
  for (const int64_t length : {2047, 2049}) check_case(make(1, length, 1, 2), str("L=", length));
}

TEST(SelectiveScan, EveryStateSizeAndUnevenWidths) {
  for (const int64_t n_state : {1, 2, 3, 4, 7, 8, 16, 32, 64, 256}) {
    check_case(make(1, 35, 9, n_state), str("N=", n_state));
  }
  for (const int64_t width : {1, 7, 8, 63, 64, 65, 130}) {
    check_case(make(2, 5, width, 3), str("I=", width));
  }
}

TEST(SelectiveScan, ExtremeStepSizes) {
  for (const double offset : {-100.0, 0.0, 19.999, 20.001, 300.0}) {
    Inputs inputs = make(1, 17, 9, 4);
    inputs[1] = at::full_like(inputs[1], offset);
    inputs[7].zero_();
    check_case(inputs, str("delta=", offset));
  }
}

TEST(SelectiveScan, EmptyBatchAndEmptySequence) {
  check_case(make(0, 5, 3, 2), "B=0");
  Inputs inputs = make(2, 0, 3, 2);
  const auto out = run_scan(inputs);
  EXPECT_EQ(out[0].sizes(), (std::vector<int64_t>{2, 0, 3}));
  EXPECT_TRUE(at::equal(out[1], inputs[8]));
}

TEST(SelectiveScan, OptionalArgumentsMayBeAbsent) {
  const Inputs in = leaves(make(2, 37, 6, 3), at::kDouble);
  for (int mask = 0; mask < 16; ++mask) {
    const auto pick = [&](int bit, const at::Tensor& tensor) {
      return (mask >> bit & 1) != 0 ? std::optional<at::Tensor>(tensor) : std::nullopt;
    };
    const auto run = [&](auto function) {
      const auto [y, state] =
          function(in[0], in[1], in[2], in[3], in[4], pick(0, in[5]), pick(1, in[6]),
                   pick(2, in[7]), mask % 2 == 0, pick(3, in[8]));
      const at::Tensor loss = y.square().sum() + state.sum();
      return torch::autograd::grad({loss}, {in[0], in[1], in[2], in[3], in[4]});
    };
    const auto fast = run(selective_scan);
    const auto reference = run(selective_scan_reference);
    for (size_t i = 0; i < fast.size(); ++i) {
      EXPECT_TRUE(at::allclose(fast[i], reference[i], 1e-10, 1e-10)) << mask << " " << i;
    }
  }
}

TEST(SelectiveScan, Gradcheck) {
  testing::gradcheck([](const Inputs& in) { return run_scan(in); }, make(1, 3, 2, 3));
  testing::gradcheck([](const Inputs& in) { return run_scan(in); }, make(1, 34, 1, 1));
}

TEST(SelectiveScan, SplitAnywhereEqualsOnePass) {
  const Inputs in = make(2, 70, 5, 4);
  const auto whole = run_scan(in);
  for (int64_t cut : {1, 31, 32, 33, 69}) {
    const auto part = [&](int64_t from, int64_t to, const at::Tensor& state) {
      Inputs cut_in = in;
      for (const size_t i : {0, 1, 3, 4, 6}) cut_in[i] = in[i].slice(1, from, to);
      cut_in[8] = state;
      return run_scan(cut_in);
    };
    const auto first = part(0, cut, in[8]);
    const auto second = part(cut, 70, first[1]);
    EXPECT_LE(testing::relative_error(at::cat({first[0], second[0]}, 1), whole[0]), 1e-14);
    EXPECT_LE(testing::relative_error(second[1], whole[1]), 1e-14);
  }
}

TEST(SelectiveScan, SameBitsAgainAndForAnyNumberOfThreads) {
  const Inputs inputs = make(3, 41, 130, 5);
  const int before = at::get_num_threads();
  const auto first = results(inputs, at::kFloat, false);
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const auto again = results(inputs, at::kFloat, false);
    for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(first[i], again[i])) << i;
  }
  at::set_num_threads(before);
}

TEST(SelectiveScan, NotANumberIsHandedOn) {
  Inputs inputs = make(1, 5, 3, 2);
  inputs[1][0][2][1] = NAN;
  const at::Tensor y = run_scan(leaves(inputs, at::kFloat))[0];
  EXPECT_TRUE(y[0][2][1].isnan().item<bool>());
  EXPECT_FALSE(y[0][2][0].isnan().item<bool>());
}

TEST(SelectiveScan, RefusesASecondDerivativeAndNamesTheReference) {
  const Inputs in = leaves(make(1, 3, 2, 2), at::kDouble);
  const at::Tensor u_grad = torch::autograd::grad({run_scan(in)[0].square().sum()}, {in[0]}, {},
                                                  /*retain_graph=*/true, /*create_graph=*/true)[0];
  EXPECT_THAT(message_of([&] { u_grad.sum().backward(); }), HasSubstr("selective_scan_reference"));
}

TEST(SelectiveScan, NamesTheArgumentThatDoesNotFit) {
  Inputs in = make(2, 3, 4, 5);
  in[3] = at::zeros({2, 3, 6}, at::kDouble);
  const std::string message = message_of([&] { run_scan(in); });
  EXPECT_THAT(message, HasSubstr("selective_scan"));
  EXPECT_THAT(message, HasSubstr("B is [2, 3, 6]"));
  EXPECT_THAT(message, HasSubstr("[2, 3, 5]"));
}

TEST(SelectiveScan, StridedArgumentsAreReadAsTheyAre) {
  const Inputs in = make(2, 9, 4, 3);
  Inputs strided = in;
  strided[6] = at::cat({in[0], in[6]}, 2).slice(2, 4);
  strided[3] = in[3].transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_TRUE(at::equal(run_scan(strided)[0], run_scan(in)[0]));
}

}  // namespace
}  // namespace icl
