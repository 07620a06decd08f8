// SPDX-License-Identifier: Apache-2.0
#include "icl/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "icl/base/error.h"

namespace icl::report {
namespace {

constexpr const char* kMinus = "\u2212";

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, std::abs(value));
  const std::string digits = text.data();
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !zero ? kMinus : "") + digits;
}

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

struct Unit {
  double value;
  const char* suffix;
};

Unit unit_for(double largest) {
  if (largest >= 1e9) return {1e9, "B"};
  if (largest >= 1e6) return {1e6, "M"};
  if (largest >= 1e4) return {1e3, "k"};
  return {1, ""};
}

// Digits after the point that tell multiples of `step` apart.
int decimals_of(double step) {
  int decimals = 0;
  while (decimals < 12 &&
         std::abs(step * std::pow(10, decimals) - std::round(step * std::pow(10, decimals))) >
             1e-6 * std::max(1.0, step * std::pow(10, decimals))) {
    ++decimals;
  }
  return decimals;
}

// "3.2e-7"
std::string with_exponent(double value) {
  const double size = std::abs(value);
  const int exponent = static_cast<int>(std::floor(std::log10(size)));
  std::array<char, 32> text{};
  // In two factors, because 10^-exponent of the smallest numbers is too large for a double.
  const double digits = size * std::pow(10, -exponent / 2) * std::pow(10, -exponent + exponent / 2);
  std::snprintf(text.data(), text.size(), "%.1fe%d", digits, exponent);
  return (value < 0 ? kMinus : "") + std::string(text.data());
}

constexpr double kLargestPlain = 1e12;  // larger numbers are written with an exponent

std::string superscript(int exponent) {
  constexpr std::array<const char*, 10> kDigits = {"\u2070", "\u00b9", "\u00b2", "\u00b3",
                                                   "\u2074", "\u2075", "\u2076", "\u2077",
                                                   "\u2078", "\u2079"};
  std::string text = exponent < 0 ? "\u207b" : "";
  for (const char digit : std::to_string(std::abs(exponent))) {
    text += kDigits[static_cast<size_t>(digit - '0')];
  }
  return text;
}

// Decimals as long as they stay short, powers of ten otherwise; one manner for a whole axis.
std::string log_label(double value, bool powers) {
  if (powers) {
    const int exponent = static_cast<int>(std::lround(std::log10(value)));
    return exponent == 0 ? "1" : "10" + superscript(exponent);
  }
  if (value >= 1e4) {
    const Unit unit = unit_for(value);
    return without_trailing_zeros(fixed(value / unit.value, 3)) + unit.suffix;
  }
  return without_trailing_zeros(fixed(value, 4));
}

}  // namespace

std::pair<double, double> axis_range(Scale scale, double low, double high) {
  constexpr double kLargest = 1e300, kSmallest = 1e-300;
  constexpr double kNarrowest = 1e-9;  // relative: ticks within it could not be told apart
  const bool logarithmic = scale == Scale::kLog;
  const double least = logarithmic ? kSmallest : -kLargest;
  low = std::isfinite(low) ? std::clamp(low, least, kLargest) : least;
  high = std::isfinite(high) ? std::clamp(high, least, kLargest) : kLargest;
  if (logarithmic) {
    if (std::log(high) - std::log(low) > kNarrowest) return {low, high};
    return {low / 2, low * 2};
  }
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low > std::max(kSmallest, kNarrowest * size)) return {low, high};
  const double half = std::max(0.5, 0.01 * size);
  return {low - half, low + half};
}

Ticks linear_ticks(double low, double high, int about, bool whole) {
  ICL_ASSERT(low < high && about >= 1, "ticks for ", low, " .. ", high);
  const double raw = (high - low) / about;
  const double magnitude = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * magnitude;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    const double candidate = factor * magnitude;
    if (whole && std::abs(candidate - std::round(candidate)) > 1e-9) continue;
    if (candidate >= raw * (1 - 1e-9)) {
      step = candidate;
      break;
    }
  }
  if (whole) step = std::max(1.0, step);
  Ticks ticks;
  const auto first = static_cast<int64_t>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<int64_t>(std::floor(high / step + 1e-9));
  for (int64_t i = first; i <= last; ++i) ticks.at.push_back(static_cast<double>(i) * step);
  const double largest = std::max(std::abs(low), std::abs(high));
  const Unit unit = unit_for(largest);
  const int decimals = decimals_of(step / unit.value);
  for (const double at : ticks.at) {
    const bool plain = largest >= 1e-6 && largest < kLargestPlain;
    const std::string label =
        plain ? fixed(at / unit.value, decimals) + unit.suffix : with_exponent(at);
    ticks.labels.push_back(at == 0 ? "0" : label);
  }
  return ticks;
}

Ticks log_ticks(double low, double high, int about) {
  ICL_ASSERT(0 < low && low < high && about >= 1, "log ticks for ", low, " .. ", high);
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const auto inside = [&](double value) {
    return value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9);
  };
  Ticks ticks;
  const int decades = last - first + 1;
  const int stride = std::max(1, (decades + about) / (about + 1));
  const bool fine = decades < 3 && std::log10(high) - std::log10(low) < 2;
  constexpr int kMostMinor = 60;  // more of them run into each other
  for (int exponent = first - 1; exponent <= last; ++exponent) {
    const double decade = std::pow(10, exponent);
    for (int factor = 1; factor <= 9; ++factor) {
      const double value = factor * decade;
      if (!inside(value)) continue;
      const bool major =
          factor == 1 ? (last - exponent) % stride == 0 : fine && (factor == 2 || factor == 5);
      if (major) {
        ticks.at.push_back(value);
      } else if (stride == 1 || (factor == 1 && decades <= kMostMinor)) {
        ticks.minor.push_back(value);
      }
    }
  }
  bool powers = false;
  for (const double at : ticks.at) powers = powers || at < 0.99e-3 || at >= kLargestPlain;
  for (const double at : ticks.at) ticks.labels.push_back(log_label(at, powers && !fine));
  return ticks;
}

std::string short_number(double value) {
  if (std::isnan(value)) return "\u2013";
  if (std::isinf(value)) return value < 0 ? std::string(kMinus) + "\u221e" : "\u221e";
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size < 1e-3 || size >= kLargestPlain) return with_exponent(value);
  const Unit unit = unit_for(size);
  const double scaled = value / unit.value;
  const int digits = static_cast<int>(std::floor(std::log10(std::abs(scaled))));
  const int decimals = std::clamp(2 - digits, 0, 5);
  return without_trailing_zeros(fixed(scaled, decimals)) + unit.suffix;
}

std::string percent(double fraction) {
  if (!std::isfinite(fraction)) return short_number(fraction);
  const double value = fraction * 100;
  const double size = std::abs(value);
  if (size == 0) return "0%";
  if (size < 0.01) return "< 0.01%";
  if (size >= kLargestPlain) return with_exponent(value) + "%";
  return fixed(value, size < 1 ? 2 : size < 100 ? 1 : 0) + "%";
}

Projection::Projection(Scale scale, double low, double high, double from, double to)
    : scale_(scale), low_(low), high_(high), from_(from), to_(to) {
  ICL_ASSERT(low < high && (scale == Scale::kLinear || low > 0), "axis ", low, " .. ", high);
}

double Projection::operator()(double value) const {
  constexpr double kFar = 4.0;  // axis lengths; lines beyond are cut anyway
  if (!std::isfinite(value)) return NAN;
  double part = -kFar;
  if (scale_ == Scale::kLinear) {
    part = (value - low_) / (high_ - low_);
  } else if (value > 0) {
    // Differences of logarithms: the ratio of two doubles may be too large for one.
    part = (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_));
  }
  return from_ + std::clamp(part, -kFar, kFar) * (to_ - from_);
}

}  // namespace icl::report
