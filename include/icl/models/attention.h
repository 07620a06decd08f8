// SPDX-License-Identifier: Apache-2.0
//
// Causal softmax attention in the forms that the known transformers use: one projection for
// queries, keys and values or three, rotary positions (Su et al. 2021), grouped heads (Ainslie et
// al. 2023).
//
//   Attention attention({.d_model = 64, .n_head = 2});
//   at::Tensor y = attention.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "icl/models/block.h"

namespace icl {

struct RotaryOptions {
  // Which coordinates are turned together: j and j + width/2, or 2j and 2j + 1.
  enum class Pairs { kHalves, kNeighbours };
  // Llama 3.1: frequencies of wavelengths above context / low are divided by `factor`, those below
  // context / high are kept, with a smooth passage in between.
  struct Llama3 {
    double factor = 8, low = 1, high = 4, context = 8192;
  };

  int64_t width = 0;  // leading coordinates of a head that are turned; even
  Pairs pairs = Pairs::kHalves;
  double theta = 10000;  // pair j turns by position / theta^(2 j / width)
  double stretch = 1;    // positions are divided by it
  std::optional<Llama3> llama3;
};

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

 private:
  RotaryOptions options_;
  at::Tensor frequencies_;  // [width / 2] float64
  mutable std::mutex mutex_;
  mutable Angles table_;
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
  at::Tensor attend(const Heads& heads, const std::optional<at::Tensor>& mask, bool causal) const;

  AttentionOptions options_;
  std::shared_ptr<Linear> c_attn_, q_proj_, k_proj_, v_proj_, c_proj_;
};

}  // namespace icl
