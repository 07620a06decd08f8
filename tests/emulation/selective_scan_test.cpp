// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kernels/cuda/scan_backward.cuh"
#include "tests/emulation/scan_case.h"

namespace icl::kernels {
namespace {

ScanPlan whole(int lanes, int64_t length) {
  return {lanes, 1, length};
}
ScanPlan in_chunks(int64_t length, int64_t chunk) {
  return {4, (length + chunk - 1) / chunk, chunk};
}

struct Bounds {
  double forward, gradient;
};

template <class S>
constexpr Bounds bounds() {
  return sizeof(S) == 8 ? Bounds{1e-14, 1e-13} : Bounds{2e-6, 5e-6};
}

// Runs both passes. Each result is within its bound, and where the equations themselves lose more
// in this precision (`hard`), within twice their loss.
template <class S>
void check(const ScanSizes& sizes, const ScanPlan& plan, bool hard = false) {
  SCOPED_TRACE("B " + std::to_string(sizes.batch) + " L " + std::to_string(sizes.length) + " I " +
               std::to_string(sizes.width) + " N " + std::to_string(sizes.n_state) + " lanes " +
               std::to_string(plan.lanes) + " chunks " + std::to_string(plan.chunks));
  ScanCase<S, S> c(sizes);
  const ScanExpected<double> e = scan_expected(c);
  const ScanExpected<S> own = scan_expected<S>(c);
  const Bounds bound = bounds<S>();
  const auto expect = [&](const char* what, const std::vector<S>& found, const Wide& expected,
                          const std::vector<S>& plain, double limit) {
    if (hard) limit = std::fmax(limit, 2 * relative_error(plain, expected));
    EXPECT_LE(relative_error(found, expected), limit) << what;
  };
  c.run_forward(plan);
  expect("y", c.y, e.y, own.y, bound.forward);
  expect("last_state", c.last, e.last, own.last, bound.forward);
  c.run_backward(plan);
  expect("du", c.du, e.du, own.du, bound.gradient);
  expect("ddelta", c.ddelta, e.ddelta, own.ddelta, bound.gradient);
  expect("dA", c.dA, e.dA, own.dA, bound.gradient);
  expect("dB", c.dB, e.dB, own.dB, bound.gradient);
  expect("dC", c.dC, e.dC, own.dC, bound.gradient);
  expect("dD", c.dD, e.dD, own.dD, bound.gradient);
  expect("dz", c.dz, e.dz, own.dz, bound.gradient);
  expect("ddelta_bias", c.dbias, e.dbias, own.dbias, bound.gradient);
  expect("dinitial_state", c.dinitial, e.dinitial, own.dinitial, bound.gradient);
}

// One state, decay 1/2 each step, worked by hand: h = 1, 1.5; y = h.
TEST(CudaSelectiveScan, WorkedExample) {
  ScanSizes sizes{1, 2, 1, 1, false, false};
  ScanCase<double, double> c(sizes);
  c.u = {1, 1}, c.delta = {1, 1}, c.A = {-std::log(2.0)}, c.B = {1, 1}, c.C = {1, 1};
  c.dy = {0, 1};
  c.run_forward(whole(1, 2));
  EXPECT_DOUBLE_EQ(c.y[0], 1);
  EXPECT_DOUBLE_EQ(c.y[1], 1.5);
  EXPECT_DOUBLE_EQ(c.last[0], 1.5);
  c.run_backward(whole(1, 2));
  EXPECT_DOUBLE_EQ(c.du[0], 0.5);
  EXPECT_DOUBLE_EQ(c.du[1], 1);
  EXPECT_DOUBLE_EQ(c.dA[0], 0.5);  // d (a h) / dA = dt a h
}

TEST(CudaSelectiveScan, Lengths) {
  for (int64_t length : {1, 2, 3, 7, 8, 9, 31, 32, 33, 41, 82}) {
    check<float>({2, length, 5, 16}, whole(1, length));
    check<float>({1, length, 5, 16}, whole(4, length));
  }
  for (int64_t length : {3, 4, 5, 17}) check<double>({1, length, 3, 16}, whole(1, length));
}

TEST(CudaSelectiveScan, WidthsBesideATile) {
  for (int64_t width : {1, 31, 33, 129}) check<float>({1, 9, width, 4}, whole(1, 9));
  check<float>({1, 5, 37, 7}, whole(4, 5));
}

TEST(CudaSelectiveScan, StateSizes) {
  for (int64_t n : {1, 4, 7, 8, 16}) {
    check<float>({1, 11, 3, n}, whole(1, 11));
    check<float>({1, 11, 3, n}, whole(4, 11));
  }
  for (int64_t n : {17, 32, 64}) check<float>({1, 19, 3, n}, whole(4, 19));
  for (int64_t n : {65, 256}) check<float>({1, 19, 3, n}, whole(16, 19));
  check<double>({1, 9, 3, 7}, whole(4, 9));
  check<double>({1, 9, 2, 33}, whole(16, 9));
}

TEST(CudaSelectiveScan, CutInTime) {
  for (int64_t length : {33, 64, 97}) check<float>({2, length, 5, 16}, in_chunks(length, 32));
  check<float>({1, 70, 3, 20}, in_chunks(70, 32));
  check<double>({1, 65, 3, 5}, in_chunks(65, 32));
}

TEST(CudaSelectiveScan, ExtremeSteps) {
  for (const auto& [low, high] : {std::pair{-60.0, -40.0}, {15.0, 25.0}, {100.0, 1000.0}}) {
    ScanSizes sizes{1, 17, 3, 4};
    sizes.delta_low = low, sizes.delta_high = high;
    check<float>(sizes, whole(1, 17), true);
  }
  ScanSizes zero{1, 9, 3, 4, true, false, 0, 0};
  ScanCase<float, float> c(zero);
  c.bias.assign(c.bias.size(), 0.0f);
  c.run_forward(whole(1, 9));
  EXPECT_TRUE(same_bits(c.last, c.initial));  // no step, no change
}

TEST(CudaSelectiveScan, WithoutOptionalArguments) {
  const int64_t length = 70;
  for (const ScanPlan& plan : {whole(1, length), whole(4, length), in_chunks(length, 32)}) {
    ScanCase<float, float> c(ScanSizes{2, length, 3, 4, false, true});
    const ScanExpected<double> e = scan_expected(c);
    c.run_forward(plan);
    c.run_backward(plan);
    EXPECT_LE(relative_error(c.y, e.y), 2e-6);
    EXPECT_LE(relative_error(c.last, e.last), 2e-6);
    EXPECT_LE(relative_error(c.du, e.du), 5e-6);
    EXPECT_LE(relative_error(c.ddelta, e.ddelta), 5e-6);
    EXPECT_LE(relative_error(c.dA, e.dA), 5e-6);
    EXPECT_LE(relative_error(c.dB, e.dB), 5e-6);
    EXPECT_LE(relative_error(c.dC, e.dC), 5e-6);
  }
}

template <class T>
void check_rounded_once() {
  ScanCase<T, float> c(ScanSizes{1, 19, 5, 7});
  const ScanExpected<double> e = scan_expected(c);
  for (int lanes : {1, 4}) {
    c.run_forward(whole(lanes, 19));
    EXPECT_LE(roundings(c.y, e.y), 1.0);
    EXPECT_LE(relative_error(c.last, e.last), 2e-6);
    c.run_backward(whole(lanes, 19));
    for (const auto& [found, expected] : {std::pair{&c.du, &e.du},
                                          {&c.ddelta, &e.ddelta},
                                          {&c.dB, &e.dB},
                                          {&c.dC, &e.dC},
                                          {&c.dz, &e.dz}}) {
      EXPECT_LE(roundings(*found, *expected), 1.0);
    }
    EXPECT_LE(relative_error(c.dA, e.dA), 5e-6);
  }
}

TEST(CudaSelectiveScan, SixteenBitsRoundedOnce) {
  check_rounded_once<__half>();
  check_rounded_once<__nv_bfloat16>();
}

TEST(CudaSelectiveScan, SplitSequenceEqualsOnePass) {
  ScanCase<float, float> c(ScanSizes{1, 21, 5, 16});
  c.run_forward(whole(1, 21));
  for (int64_t cut : {1, 8, 13}) {
    SelectiveScanParams<float, float> p = c.params();
    std::vector<float> y = unwritten<float>(c.y.size()), middle = unwritten<float>(c.last.size()),
                       last = middle;
    p.length = cut;
    p.y = y.data(), p.last_state = middle.data();
    selective_scan<float, float>(p, whole(1, cut), nullptr, nullptr);
    p.length = 21 - cut;
    p.u += cut * 5, p.delta += cut * 5, p.z += cut * 5, p.y += cut * 5;
    p.B += cut * 16, p.C += cut * 16;
    p.initial_state = middle.data(), p.last_state = last.data();
    selective_scan<float, float>(p, whole(1, 21 - cut), nullptr, nullptr);
    EXPECT_TRUE(same_bits(y, c.y));
    EXPECT_TRUE(same_bits(last, c.last));
  }
}

TEST(CudaSelectiveScan, StridedRowsAreReadInPlace) {
  ScanCase<float, float> c(ScanSizes{2, 9, 3, 4});
  c.run_forward(whole(1, 9));
  const std::vector<float> plain = c.y;
  SelectiveScanParams<float, float> p = c.params();
  std::vector<float> wide(2 * 9 * 11, NAN), y = unwritten<float>(plain.size());
  for (int64_t row = 0; row < 18; ++row) {
    for (int64_t n = 0; n < 4; ++n) wide[row * 11 + n] = c.B[row * 4 + n];
    for (int64_t n = 0; n < 4; ++n) wide[row * 11 + 5 + n] = c.C[row * 4 + n];
  }
  p.B = wide.data(), p.C = wide.data() + 5, p.B_stride = p.C_stride = 11;
  p.y = y.data();
  selective_scan<float, float>(p, whole(1, 9), nullptr, nullptr);
  EXPECT_TRUE(same_bits(y, plain));
}

// Another order of the threads would show a missing barrier; repeats, what was left uninitialised.
TEST(CudaSelectiveScan, SameBitsInAnyThreadOrder) {
  for (const ScanPlan& plan : {whole(1, 41), whole(4, 41), in_chunks(41, 32)}) {
    ScanCase<float, float> c(ScanSizes{1, 41, 35, 7});
    c.run_forward(plan);
    c.run_backward(plan);
    for (auto order : {emulation::ThreadOrder::kDescending, emulation::ThreadOrder::kScattered}) {
      ScanCase<float, float> other(c.sizes);
      emulation::set_thread_order(order);
      other.run_forward(plan);
      other.run_backward(plan);
      emulation::set_thread_order(emulation::ThreadOrder::kAscending);
      EXPECT_TRUE(same_bits(c.y, other.y) && same_bits(c.last, other.last));
      EXPECT_TRUE(same_bits(c.du, other.du) && same_bits(c.ddelta, other.ddelta));
      EXPECT_TRUE(same_bits(c.dA, other.dA) && same_bits(c.dD, other.dD));
      EXPECT_TRUE(same_bits(c.dB, other.dB) && same_bits(c.dC, other.dC));
      EXPECT_TRUE(same_bits(c.dz, other.dz) && same_bits(c.dbias, other.dbias));
      EXPECT_TRUE(same_bits(c.dinitial, other.dinitial));
    }
  }
}

TEST(CudaSelectiveScan, PlanFillsTheGpu) {
  constexpr int kH200 = 132;
  EXPECT_EQ(plan_scan_forward(64, 82, 512, 16, kH200).lanes, 1);
  EXPECT_EQ(plan_scan_forward(8, 82, 512, 16, kH200).lanes, 4);
  EXPECT_EQ(plan_scan_forward(1, 82, 512, 16, kH200).lanes, 4);
  EXPECT_EQ(plan_scan_forward(1, 82, 512, 16, kH200).chunks, 1);  // too short to cut
  EXPECT_EQ(plan_scan_forward(64, 82, 512, 64, kH200).lanes, 4);
  EXPECT_EQ(plan_scan_forward(64, 82, 512, 256, kH200).lanes, 16);
  const ScanPlan longest = plan_scan_forward(1, 10000, 512, 16, kH200);
  EXPECT_GT(longest.chunks, 1);
  EXPECT_EQ(longest.chunk_length % 32, 0);
  EXPECT_GE(longest.chunks * longest.chunk_length, 10000);
  EXPECT_LT((longest.chunks - 1) * longest.chunk_length, 10000);
  EXPECT_GT(plan_scan_backward(1, 10000, 512, 16, kH200).chunks, 1);
  EXPECT_EQ(plan_scan_backward(64, 10000, 512, 16, kH200).chunks, 1);
}

}  // namespace
}  // namespace icl::kernels
