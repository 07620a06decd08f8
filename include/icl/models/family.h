// SPDX-License-Identifier: Apache-2.0
//
// The families of sequence models, an open table. A family is a settings struct: its name, its
// config keys, how they fit together, and how its backbone is made. icl's own are in
// icl/models/mamba.h, gpt2.h, s4.h, rwkv4.h and mambaformer.h; a program adds one of its own before
// it reads a config:
//
//   struct Running {                                   // a running mean of what was seen
//     static constexpr const char* kName = "running";
//     static constexpr const char* kSummary = "the mean of all tokens so far";
//     int64_t heads = 1;
//     void describe(icl::Fields& f) { f.integer("heads", heads, icl::at_least(1), "groups of
//     channels"); } std::shared_ptr<icl::Backbone> make(const icl::ModelSize& size) const;
//   };
//   icl::families().add<Running>();
//
// Optional members: `void check(const icl::ModelSize&, icl::Problems&) const` for keys that do not
// fit each other, `std::optional<icl::SequenceLimit> longest_sequence() const`, and kTitle, the
// name in figures and tables (default: kName).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "icl/config/fields.h"
#include "icl/config/kinds.h"
#include "icl/config/problems.h"
#include "icl/models/backbone.h"

namespace icl {

// The longest sequence that a model can take, and the config key that says so.
struct SequenceLimit {
  int64_t tokens = 0;
  const char* key = "";
};

class FamilyInterface {
 public:
  static constexpr const char* kWhat = "model family";
  static Kinds<FamilyInterface>& table();
  template <class Settings>
  class Of;

  virtual ~FamilyInterface() = default;
  virtual void describe(Fields& f) = 0;
  virtual void check(const ModelSize& size, Problems& problems) const = 0;
  // On the CPU in float32; the parameters are not drawn yet (Backbone::reset_parameters()).
  virtual std::shared_ptr<Backbone> make(const ModelSize& size) const = 0;
  // No value: sequences of any length.
  virtual std::optional<SequenceLimit> longest_sequence() const = 0;
  // Whether the published initialisation sets the biases of the linear maps around the backbone to
  // zero.
  virtual bool zeroes_outer_biases() const = 0;
  // The name in figures and tables, "GPT-2".
  virtual std::string title() const = 0;
  virtual std::unique_ptr<FamilyInterface> clone() const = 0;
};

using Family = Kind<FamilyInterface>;

// The table of all families. Reading src/models/families.cpp is reading icl's own.
inline Kinds<FamilyInterface>& families() {
  return FamilyInterface::table();
}

template <class Settings>
class FamilyInterface::Of final : public FamilyInterface {
 public:
  explicit Of(Settings own) : settings(std::move(own)) {}

  void describe(Fields& f) override {
    if constexpr (requires { settings.describe(f); }) settings.describe(f);
  }
  void check(const ModelSize& size, Problems& problems) const override {
    if constexpr (requires { settings.check(size, problems); }) settings.check(size, problems);
  }
  std::shared_ptr<Backbone> make(const ModelSize& size) const override {
    return settings.make(size);
  }
  std::optional<SequenceLimit> longest_sequence() const override {
    if constexpr (requires { settings.longest_sequence(); }) return settings.longest_sequence();
    return std::nullopt;
  }
  bool zeroes_outer_biases() const override {
    if constexpr (requires { Settings::kZeroesOuterBiases; }) return Settings::kZeroesOuterBiases;
    return false;
  }
  std::string title() const override {
    if constexpr (requires { Settings::kTitle; }) return Settings::kTitle;
    return Settings::kName;
  }
  std::unique_ptr<FamilyInterface> clone() const override { return std::make_unique<Of>(settings); }

  Settings settings;
};

}  // namespace icl
