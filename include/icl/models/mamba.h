// SPDX-License-Identifier: Apache-2.0
//
// The mixer of Mamba (Gu & Dao 2023): gated selective state space of inner width I = expand * M.
//
//   icl::MambaMixer mixer({.d_model = 64});
//   at::Tensor y = mixer.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "icl/config/fields.h"
#include "icl/models/block.h"
#include "icl/models/family.h"

namespace icl {

struct MambaOptions {
  int64_t d_model = 256;
  int64_t d_state = 16;
  int64_t d_conv = 4;
  int64_t expand = 2;
  int64_t d_inner = 0;  // I; 0: expand * d_model
  int64_t dt_rank = 0;  // 0: d_model / 16, rounded up
  bool bias = false;    // of in_proj and out_proj
  bool conv_bias = true;
  double norm_eps = 1e-5;  // of the RMSNorm in front
  // Falcon Mamba: dt (before dt_proj), B and C pass an RMSNorm without weights.
  std::optional<double> selection_norm_eps;
};

// x, z = in_proj u; x = silu(conv(x)); dt, B, C = x_proj x; dt = softplus(dt_proj dt);
// h = exp(dt A) h + dt B x, A = -exp(A_log); y = C h + D x; out_proj(y silu(z)).
// State: the last d_conv - 1 inputs of the convolution [B, W-1, I], and h [B, I, N].
class MambaMixer : public Mixer {
 public:
  explicit MambaMixer(const MambaOptions& options);
  // Linears as torch.nn.Linear's, out_proj divided by sqrt(depth.count); A_log = log(1 .. N),
  // D = 1; the bias of dt_proj such that softplus gives steps log-uniform in [1e-3, 0.1].
  void reset_parameters(Depth depth) override;
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;
  // On the CPU, without gradients, one scan over context and queries in turn; else as any mixer.
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  std::optional<at::Tensor> conv_bias() const;
  // dt before bias and softplus, B, C of the convolved inputs x [B, T, I].
  std::array<at::Tensor, 3> selection(const at::Tensor& x_BTI) const;
  MambaOptions options_;
  int64_t d_inner_, dt_rank_;
  std::shared_ptr<Linear> in_proj_, x_proj_, dt_proj_, out_proj_;
  at::Tensor conv_weight_, conv_bias_;  // [I, W], [I] or undefined; children of "conv1d"
  at::Tensor a_log_, d_;                // [I, N], [I]
};

// RMSNorm "norm" and MambaMixer "mixer".
std::shared_ptr<Block> make_mamba_block(const MambaOptions& options);

// Blocks of Mamba and a final RMSNorm.
struct MambaFamily {
  static constexpr const char* kName = "mamba";
  static constexpr const char* kTitle = "Mamba";
  static constexpr const char* kSummary = "Mamba: gated selective state spaces (Gu and Dao 2023)";
  static constexpr bool kZeroesOuterBiases = true;
  int64_t d_state = 16;
  int64_t d_conv = 4;
  int64_t expand = 2;
  int64_t dt_rank = 0;

  void describe(Fields& f);
  MambaOptions options(int64_t d_model) const;
  std::shared_ptr<Backbone> make(const ModelSize& size) const;
};

}  // namespace icl
