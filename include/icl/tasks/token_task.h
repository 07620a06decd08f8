// SPDX-License-Identifier: Apache-2.0
//
// Tasks on token sequences, an open table: "objective": "tokens" trains a model to predict the
// targets of sequences, each made from a random language, memory or group of its own. A task is a
// settings struct: its name, its config keys, its vocabulary, and how a batch is drawn. icl's own
// is in icl/tasks/demonstrations.h; a program adds one of its own before it reads a config:
//
//   struct Echo {                                         // every token is the one before it
//     static constexpr const char* kName = "echo";
//     static constexpr const char* kSummary = "one token, over and over";
//     icl::TokenTaskTraits traits(int64_t n_points) const { return {.vocabulary = 8, .length =
//     n_points}; } icl::TokenBatch draw(const icl::TokenRequest& request) const;
//   };
//   icl::token_tasks().add<Echo>();
//
// Optional members: `void describe(icl::Fields&)` and `void check(int64_t most_points,
// icl::Problems&) const`, whose keys are those of the group "tokens".
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "icl/config/fields.h"
#include "icl/config/kinds.h"
#include "icl/config/problems.h"

namespace icl {

struct TokenRequest {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t batch_size = 64;
  int64_t n_points = 41;  // scored places of a sequence
};

// B sequences of T tokens.
struct TokenBatch {
  at::Tensor inputs_BT;   // int64
  at::Tensor targets_BT;  // int64: what a model shall predict at each input
  at::Tensor weights_BT;  // float32: weight of each target in the loss
  at::Tensor scored_BK;   // int64: the places in 0 .. T-1 whose prediction is judged, by point
};

struct TokenTaskTraits {
  int64_t vocabulary = 0;  // tokens are 0 .. vocabulary - 1
  int64_t length = 0;      // longest sequence of `n_points` points, in tokens
  bool bytes = false;      // tokens are the bytes of text
  // For people: what the trained model can be asked by icl-nlp, as names of its tasks.
  std::vector<std::string> language_tasks;
};

class TokenTaskInterface {
 public:
  static constexpr const char* kWhat = "token task";
  static Kinds<TokenTaskInterface>& table();
  template <class Settings>
  class Of;

  virtual ~TokenTaskInterface() = default;
  virtual void describe(Fields& f) = 0;
  // `most_points` is the end of the curriculum.
  virtual void check(int64_t most_points, Problems& problems) const = 0;
  virtual TokenTaskTraits traits(int64_t n_points) const = 0;
  // A pure function of the request.
  virtual TokenBatch draw(const TokenRequest& request) const = 0;
  virtual std::unique_ptr<TokenTaskInterface> clone() const = 0;
};

using TokenTask = Kind<TokenTaskInterface>;

// The table of all token tasks. Reading src/tasks/token_task.cpp is reading icl's own.
inline Kinds<TokenTaskInterface>& token_tasks() {
  return TokenTaskInterface::table();
}

template <class Settings>
class TokenTaskInterface::Of final : public TokenTaskInterface {
 public:
  explicit Of(Settings own) : settings(std::move(own)) {}

  void describe(Fields& f) override {
    if constexpr (requires { settings.describe(f); }) settings.describe(f);
  }
  void check(int64_t most_points, Problems& problems) const override {
    if constexpr (requires { settings.check(most_points, problems); }) {
      settings.check(most_points, problems);
    }
  }
  TokenTaskTraits traits(int64_t n_points) const override { return settings.traits(n_points); }
  TokenBatch draw(const TokenRequest& request) const override { return settings.draw(request); }
  std::unique_ptr<TokenTaskInterface> clone() const override {
    return std::make_unique<Of>(settings);
  }

  Settings settings;
};

}  // namespace icl
