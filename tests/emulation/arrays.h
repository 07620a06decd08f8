// SPDX-License-Identifier: Apache-2.0
//
// Arrays for the kernel tests: the same random numbers every time, comparison with float64.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/cuda/device.cuh"

namespace icl::kernels {

using Wide = std::vector<double>;

template <class T>
double widened(T value) {
  return static_cast<double>(widen(value));
}

template <class T>
Wide widened(const std::vector<T>& values) {
  Wide wide;
  for (const T& value : values) wide.push_back(widened(value));
  return wide;
}

template <class T>
T narrowed(double value) {
  if constexpr (sizeof(T) == 8) {
    return value;
  } else {
    return Narrow<T>::from(static_cast<float>(value));
  }
}

// Uniform in [low, high], rounded to T.
template <class T>
std::vector<T> uniform(int64_t count, unsigned seed, double low = -1, double high = 1) {
  std::mt19937 engine(seed);
  std::vector<T> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(narrowed<T>(low + (high - low) * (engine() / 4294967296.0)));
  }
  return values;
}

// Results start as NaN: an element that a kernel forgets to write is found.
template <class T>
std::vector<T> unwritten(int64_t count) {
  std::vector<T> values(count);
  std::memset(static_cast<void*>(values.data()), 0xFF, count * sizeof(T));
  return values;
}

template <class T>
const T* pointer(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}
template <class T>
T* pointer(std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

// |found - expected| / |expected| in the Euclidean norm; infinite if a NaN or a size differs.
template <class T>
double relative_error(const std::vector<T>& found, const Wide& expected) {
  if (found.size() != expected.size()) return INFINITY;
  double difference = 0, size = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double d = widened(found[i]) - expected[i];
    difference += d * d;
    size += expected[i] * expected[i];
  }
  if (std::isnan(difference)) return INFINITY;
  return difference == 0 ? 0 : std::sqrt(difference / size);
}

// Half a unit in the last place of T, relative: 2^-24 for float.
template <class T>
constexpr double roundoff() {
  return sizeof(T) == 8 ? 0x1p-53 : sizeof(T) == 4 ? 0x1p-24 : 0;
}
template <>
constexpr double roundoff<__half>() {
  return 0x1p-11;
}
template <>
constexpr double roundoff<__nv_bfloat16>() {
  return 0x1p-8;
}

// Largest error of a 16-bit result in units of one rounding, beyond what float32 arithmetic of
// values up to the largest explains: at most 1 if it was rounded once.
template <class T>
double roundings(const std::vector<T>& found, const Wide& expected) {
  double largest = 0, worst = 0;
  for (double value : expected) largest = std::fmax(largest, std::fabs(value));
  for (size_t i = 0; i < found.size(); ++i) {
    const double error = std::fabs(widened(found[i]) - expected[i]) - 2e-6 * largest;
    const double unit = roundoff<T>() * std::fabs(expected[i]) + 0x1p-25;
    if (!(error / unit <= worst)) worst = std::isnan(error) ? INFINITY : error / unit;
  }
  return worst;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace icl::kernels
