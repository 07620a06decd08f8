// SPDX-License-Identifier: Apache-2.0
//
// Causal softmax attention in the forms that the known transformers use: one projection for
// queries, keys and values or three, rotary positions (Su et al. 2021), grouped heads (Ainslie et
// al. 2023), normalised queries and keys, a window of the last tokens (Beltagy et al. 2020).
//
//   Attention attention({.d_model = 64, .n_head = 2});
//   at::Tensor y = attention.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "icl/models/block.h"
#include "icl/models/family.h"

namespace icl {

struct RotaryOptions {
  // Which coordinates are turned together: j and j + width/2, or 2j and 2j + 1.
  enum class Pairs { kHalves, kNeighbours };

  int64_t width = 0;  // leading coordinates of a head that are turned; even
  Pairs pairs = Pairs::kHalves;
  // Radians by which each pair turns from one position to the next, [width / 2]; empty: those of
  // rotary_frequencies(10000, width).
  std::vector<double> frequencies;
  double scale = 1;  // of cosines and sines: turned queries and keys are longer by this factor
  // Calls whose last position is `longest` or beyond use the frequencies that this function gives
  // for the number of tokens up to there. Empty: all use `frequencies`. Turned keys that a state
  // holds are not turned again when a sequence grows past `longest`.
  std::function<std::vector<double>(int64_t n_tokens)> longer;
  int64_t longest = 0;
};

// theta^(-2 j / width) for each pair j.
std::vector<double> rotary_frequencies(double theta, int64_t width);

// Turns pairs of coordinates by angles that grow with the position. Shared by the blocks of a
// model: the table of cosines and sines is kept and grows as needed.
class Rotary {
 public:
  explicit Rotary(const RotaryOptions& options);

  struct Angles {
    at::Tensor cos, sin;  // [T, width / 2]
  };
  // Of positions first .. first + count - 1, in the type and on the device of `like`.
  Angles angles(int64_t first, int64_t count, const at::Tensor& like) const;
  Angles angles(const std::vector<int64_t>& positions, const at::Tensor& like) const;
  // x [B, H, T, d], d at least the width.
  at::Tensor turn(const at::Tensor& x_BHTd, const Angles& angles) const;
  const RotaryOptions& options() const { return options_; }

 private:
  // Of positions 0 .. count - 1.
  Angles table(const std::vector<double>& frequencies, int64_t count, const at::Tensor& like) const;

  RotaryOptions options_;
  mutable std::mutex mutex_;
  mutable Angles table_;   // by options_.frequencies
  mutable Angles longer_;  // by options_.longer(longer_count_)
  mutable int64_t longer_count_ = 0;
};

struct AttentionOptions {
  // What makes queries, keys and values: "c_attn", its rows three parts one after another (GPT-2)
  // or three parts for each head in turn (GPT-NeoX), or "q_proj", "k_proj", "v_proj".
  enum class Projection { kParts, kPartsByHead, kSeparate };

  int64_t d_model = 256;
  int64_t n_head = 8;
  int64_t n_kv_head = 0;  // divides n_head, each serves as many; 0: n_head. kSeparate only
  int64_t d_head = 0;     // 0: d_model / n_head, which then has to be whole
  double scale = 0;       // of the scores; 0: 1 / sqrt(d_head)
  Projection projection = Projection::kParts;
  bool qkv_bias = true;
  bool out_bias = true;
  std::shared_ptr<const Rotary> rotary;  // may be null
  // RMSNorms "q_norm" and "k_norm" [d_head] of each head's query and key, before they are turned.
  std::optional<double> head_norm_eps;
  int64_t window = 0;  // a token sees itself and the window - 1 before it; 0: all before it
};

// State: keys (turned) and values [B, H, T, d], growing with the tokens seen.
class Attention : public Mixer {
 public:
  explicit Attention(const AttentionOptions& options);
  // GPT-2's: N(0, 0.02); c_proj 0.02 / sqrt(2 depth.count); biases zero.
  void reset_parameters(Depth depth) override;
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;
  // One masked pass over context and queries together.
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  struct Heads {
    at::Tensor q, k, v;  // [B, H, T, d]
  };
  Heads heads(const at::Tensor& x_BTM) const;
  Heads projected(const at::Tensor& x_BTM) const;
  at::Tensor attend(const Heads& heads, const std::optional<at::Tensor>& mask, bool causal) const;

  AttentionOptions options_;
  std::shared_ptr<Linear> c_attn_, q_proj_, k_proj_, v_proj_, c_proj_;
  std::shared_ptr<Norm> q_norm_, k_norm_;  // null without head_norm_eps
};

// The cross-key rule of every family with attention: "n_head" divides the width.
void check_heads(int64_t n_head, const ModelSize& size, Problems& problems);

}  // namespace icl
