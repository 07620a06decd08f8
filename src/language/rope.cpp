// SPDX-License-Identifier: Apache-2.0
#include "src/language/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "icl/base/error.h"
#include "icl/base/log.h"

namespace icl::language {
namespace {

using Frequencies = std::vector<double>;

// What the types of rotary positions are computed from.
struct Rope {
  const Settings& config;  // the top level
  const Settings& inner;   // rope_scaling or rope_parameters
  double theta;
  int64_t max_positions;

  double positive(const char* key) const {
    const double value = inner.number(key);
    if (!(value > 0)) inner.refuse(key, "a number above 0");
    return value;
  }
  // The context that the model was trained with before its positions were stretched. The key of the
  // top level wins over the inner one, as in transformers.
  double original_context() const {
    const char* const key = "original_max_position_embeddings";
    const Settings& owner = config.has(key) ? config : inner;
    return static_cast<double>(owner.size(key, max_positions));
  }
  // By how much positions are stretched; if the config does not say: to its
  // max_position_embeddings.
  double stretch() const {
    if (inner.has("factor")) return positive("factor");
    return static_cast<double>(max_positions) / original_context();
  }
};

// linear (Chen et al. 2023): positions are divided by the factor.
void set_linear(const Rope& rope, RotaryOptions& options) {
  const double factor = rope.positive("factor");
  for (double& frequency : options.frequencies) frequency /= factor;
}

// dynamic: sequences longer than max_position_embeddings get a larger base.
void set_dynamic(const Rope& rope, RotaryOptions& options) {
  const double factor = rope.positive("factor");
  const auto width = static_cast<double>(options.width);
  if (options.width < 4) rope.inner.refuse("rope_type", "heads of at least 4 turned coordinates");
  options.longest = rope.max_positions;
  options.longer = [theta = rope.theta, factor, width, longest = options.longest](int64_t n) {
    const double ratio = static_cast<double>(n) / static_cast<double>(longest);
    const double base = theta * std::pow(factor * ratio - (factor - 1), width / (width - 2));
    return rotary_frequencies(base, static_cast<int64_t>(width));
  };
}

// yarn (Peng et al. 2023): pairs that turn often within the original context keep their frequency,
// those that turn less than once are stretched, with a ramp in between.
void set_yarn(const Rope& rope, RotaryOptions& options) {
  const double factor = rope.stretch();
  const double context = rope.original_context();
  const auto width = static_cast<double>(options.width);
  if (!(rope.theta > 1)) rope.inner.refuse("rope_type", "a rope_theta above 1 with this type");
  const auto or_default = [&](const char* key, double fallback) {
    const double value = rope.inner.number(key, fallback);
    return value == 0 ? fallback : value;
  };
  // The pair that turns this often within the original context.
  const auto pair_of = [&](double turns) {
    return width * std::log(context / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
  };
  double low = pair_of(or_default("beta_fast", 32));
  double high = pair_of(or_default("beta_slow", 1));
  if (rope.inner.flag("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  for (size_t j = 0; j < options.frequencies.size(); ++j) {
    const double ramp = std::clamp((static_cast<double>(j) - low) / (high - low), 0.0, 1.0);
    double& frequency = options.frequencies[j];
    frequency = frequency / factor * ramp + frequency * (1 - ramp);
  }
  const auto attention = [&](double scale) {
    return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1;
  };
  const double mscale = rope.inner.number("mscale", 0),
               all = rope.inner.number("mscale_all_dim", 0);
  const bool both = mscale != 0 && all != 0;
  options.scale = rope.inner.number("attention_factor",
                                    both ? attention(mscale) / attention(all) : attention(1));
}

Frequencies divided(const Rope& rope, const char* key, Frequencies frequencies) {
  const std::vector<double> factors = rope.inner.numbers(key);
  const bool fits = factors.size() == frequencies.size() &&
                    std::all_of(factors.begin(), factors.end(), [](double f) { return f > 0; });
  if (!fits) {
    rope.inner.refuse(key, str("a list of ", frequencies.size(), " numbers above 0, one a pair"));
  }
  for (size_t j = 0; j < factors.size(); ++j) frequencies[j] /= factors[j];
  return frequencies;
}

// longrope (Ding et al. 2024): a factor for each pair, others beyond the original context.
void set_longrope(const Rope& rope, RotaryOptions& options) {
  const double context = rope.original_context(), factor = rope.stretch();
  const Frequencies long_ones = divided(rope, "long_factor", options.frequencies);
  options.frequencies = divided(rope, "short_factor", options.frequencies);
  options.longest = static_cast<int64_t>(context);
  options.longer = [long_ones](int64_t) { return long_ones; };
  const double scale = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(context));
  options.scale = rope.inner.number("attention_factor", scale);
}

// llama3: frequencies of wavelengths above context / low are divided by the factor, those below
// context / high are kept, with a smooth passage in between.
void set_llama3(const Rope& rope, RotaryOptions& options) {
  const double factor = rope.positive("factor"), low = rope.positive("low_freq_factor");
  const double high = rope.inner.number("high_freq_factor"), context = rope.original_context();
  if (!(high > low)) rope.inner.refuse("high_freq_factor", "a number above low_freq_factor");
  for (double& frequency : options.frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    const double kept = std::clamp((context / wavelength - low) / (high - low), 0.0, 1.0);
    frequency = kept * frequency + (1 - kept) * frequency / factor;
  }
}

struct RopeType {
  const char* name;
  void (*set)(const Rope& rope, RotaryOptions& options);
};
constexpr RopeType kTypes[] = {
    {"default", [](const Rope&, RotaryOptions&) {}},
    {"linear", set_linear},
    {"dynamic", set_dynamic},
    {"yarn", set_yarn},
    {"longrope", set_longrope},
    {"llama3", set_llama3},
};

// The inner key, else the first of the top level's, else the fallback. `owner` receives who has it.
double number_of(const Rope& rope, const char* key, const std::vector<const char*>& top,
                 double fallback, std::pair<const Settings*, const char*>& owner) {
  owner = {&rope.inner, key};
  if (rope.inner.has(key)) return rope.inner.number(key);
  for (const char* older : top) {
    if (!rope.config.has(older)) continue;
    owner = {&rope.config, older};
    return rope.config.number(older);
  }
  return fallback;
}

int64_t width_of(const Rope& rope, const RopeKeys& keys, int64_t d_head, bool plain) {
  std::pair<const Settings*, const char*> owner;
  const bool whole = keys.share_keys.empty();
  const double share =
      number_of(rope, "partial_rotary_factor",
                whole ? std::vector<const char*>{"partial_rotary_factor"} : keys.share_keys,
                keys.share, owner);
  if (whole && share != 1) {
    if (!plain) owner.first->refuse(owner.second, "1: models of this type turn whole heads");
    log_warning(str(owner.first->where(), ": '", owner.second, "' is ", share,
                    ", which models of this type ignore: they turn whole heads"));
  }
  const auto width = static_cast<int64_t>(static_cast<double>(d_head) * (whole ? 1 : share));
  if (width < 2 || width > d_head || width % 2 != 0) {
    owner.first->refuse(owner.second, str("a share that makes an even number of a head's ", d_head,
                                          " coordinates"));
  }
  return width;
}

}  // namespace

std::shared_ptr<const Rotary> rope_of(const Settings& config, const RopeKeys& keys,
                                      int64_t d_head) {
  const Settings older = config.object("rope_scaling");
  const Settings inner = older.json().empty() ? config.object("rope_parameters") : older;
  for (const char* layers : {"full_attention", "sliding_attention"}) {
    if (inner.has(layers)) inner.refuse(layers, "the same rotary positions in all layers");
  }
  Rope rope{config, inner, 1, keys.max_positions};
  std::pair<const Settings*, const char*> owner;
  rope.theta = number_of(rope, "rope_theta", keys.theta_keys, 10000, owner);
  if (!(rope.theta > 0)) owner.first->refuse(owner.second, "a number above 0");

  std::vector<std::string> names;
  for (const RopeType& type : kTypes) names.emplace_back(type.name);
  const size_t type = inner.choice(inner.has("rope_type") ? "rope_type" : "type", "default", names);
  RotaryOptions options;
  options.width = width_of(rope, keys, d_head, /*plain=*/type == 0);
  options.frequencies = rotary_frequencies(rope.theta, options.width);
  kTypes[type].set(rope, options);
  return std::make_shared<Rotary>(options);
}

}  // namespace icl::language
