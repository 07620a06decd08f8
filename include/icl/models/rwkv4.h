// SPDX-License-Identifier: Apache-2.0
//
// The mixers of RWKV-4 (Peng et al. 2023): time mixing, a decaying weighted mean of the values with
// a receptance gate, and channel mixing. Both look one token back.
//
//   TimeMix mixer({.d_model = 64});
//   at::Tensor y = mixer.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <memory>

#include "icl/models/block.h"
#include "icl/models/family.h"

namespace icl {

struct Rwkv4Options {
  int64_t d_model = 256;
  int64_t d_attention = 0;  // 0: d_model
  int64_t d_ffn = 0;        // 0: 4 * d_model
  double norm_eps = 1e-5;   // of both LayerNorms
};

// With x' = mix x + (1 - mix) x_before, a mix for each of k, v, r:
// output(sigmoid(receptance x'_r) * wkv(key x'_k, value x'_v)).
// State: the last input [B, 1, M], and the sums of wkv [B, 3, A].
class TimeMix : public Mixer {
 public:
  explicit TimeMix(const Rwkv4Options& options);
  // As published: decays and mixes spread over channels and depth; value orthogonal, the other
  // matrices zero.
  void reset_parameters(Depth depth) override;
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;

 private:
  at::Tensor decay_, first_;          // [A]
  at::Tensor mix_k_, mix_v_, mix_r_;  // [M]
  std::shared_ptr<Linear> key_, value_, receptance_, output_;
};

// sigmoid(receptance x'_r) * value(relu(key x'_k)^2). State: the last input [B, 1, M].
class ChannelMix : public Mixer {
 public:
  explicit ChannelMix(const Rwkv4Options& options);
  void reset_parameters(Depth depth) override;  // key orthogonal, the other matrices zero
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;

 private:
  at::Tensor mix_k_, mix_r_;  // [M]
  std::shared_ptr<Linear> key_, receptance_, value_;
};

// LayerNorm "ln1" with TimeMix "att", LayerNorm "ln2" with ChannelMix "ffn".
std::shared_ptr<Block> make_rwkv4_block(const Rwkv4Options& options);

// Blocks of RWKV-4 between two LayerNorms.
struct Rwkv4Family {
  static constexpr const char* kName = "rwkv4";
  static constexpr const char* kTitle = "RWKV-4";
  static constexpr const char* kSummary =
      "RWKV-4: decaying weighted means with gates (Peng et al. 2023)";
  int64_t d_ffn = 0;  // 0: 4 * d_model

  void describe(Fields& f);
  std::shared_ptr<Backbone> make(const ModelSize& size) const;
};

}  // namespace icl
