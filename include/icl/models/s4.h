// SPDX-License-Identifier: Apache-2.0
//
// The mixer of S4 and S4D (Gu, Goel and Re 2022; Gu, Gupta, Goel and Re 2022): one linear state
// space for each channel, applied as a long convolution, then a gated linear map of the channels.
//
//   S4Mixer mixer({.d_model = 64});
//   at::Tensor y = mixer.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <memory>
#include <string>

#include "icl/models/block.h"
#include "icl/models/family.h"

namespace icl {

struct S4Options {
  int64_t d_model = 256;                    // H
  int64_t d_state = 64;                     // N, even: N/2 complex modes and their conjugates
  std::string kernel = "diagonal";          // or "dplr"
  std::string init = "s4d_lin";             // "s4d_inv", "s4d_legs"; of the diagonal kernel
  std::string discretization = "bilinear";  // "zoh"; of the dplr kernel
  Block::Placement norm = Block::Placement::kPost;
  double dropout = 0.1;
};

// The state spaces of all channels: x' = A x + B u, y = 2 Re(C x), discretised with the step
// exp(log_dt). The complex modes of a channel are N/2, each standing for a conjugate pair.
class StateSpace : public torch::nn::Module {
 public:
  virtual void reset_parameters() = 0;
  // The response to an impulse: k [H, L], y_l = sum_j k_j u_(l-j).
  virtual at::Tensor kernel(int64_t length) const = 0;
  virtual at::Tensor initial_state(int64_t batch) const = 0;
  // The same step by step: u [B, L, H] -> y [B, L, H], replacing the state [B, H, ...].
  virtual at::Tensor recur(const at::Tensor& u_BLH, at::Tensor& state) const = 0;
};

// S4D: A = -exp(log_A_real) + i A_imag diagonal, B = 1, zero-order hold.
class DiagonalStateSpace : public StateSpace {
 public:
  // `init` names the imaginary parts: s4d_lin, s4d_inv or s4d_legs (section 4 of the S4D paper).
  DiagonalStateSpace(int64_t n_channels, int64_t d_state, std::string init);
  void reset_parameters() override;
  at::Tensor kernel(int64_t length) const override;
  at::Tensor initial_state(int64_t batch) const override;  // [B, H, N/2, 2]
  at::Tensor recur(const at::Tensor& u_BLH, at::Tensor& state) const override;

 private:
  std::string init_;
  at::Tensor c_, log_dt_, log_a_real_, a_imag_;
};

// S4: A = diag(-exp(log_A_real) + i A_imag) - P P*, from HiPPO-LegS in normal plus low-rank form.
// With the bilinear rule the kernel is its generating function at the roots of unity, a Cauchy sum
// corrected by Woodbury's identity; with the zero-order hold it comes from dense matrix
// exponentials, which cost H N^3.
class DplrStateSpace : public StateSpace {
 public:
  DplrStateSpace(int64_t n_channels, int64_t d_state, std::string discretization);
  void reset_parameters() override;
  at::Tensor kernel(int64_t length) const override;
  at::Tensor initial_state(int64_t batch) const override;  // [B, H, N]
  at::Tensor recur(const at::Tensor& u_BLH, at::Tensor& state) const override;
  // kernel() by powers of the discrete A: slow, the reference for the Cauchy sum.
  at::Tensor kernel_by_powers(int64_t length) const;

 private:
  // x_t = A x_(t-1) + B u_t, y_t = C x_t in real numbers: the N/2 real, then the imaginary parts.
  struct Discrete {
    at::Tensor a, b, c;  // [H, N, N], [H, N], [H, N]
  };
  Discrete discrete() const;
  at::Tensor kernel_by_cauchy(int64_t length) const;

  std::string discretization_;
  at::Tensor c_, b_, p_, log_dt_, log_a_real_, a_imag_;
};

// u -> glu(W dropout(gelu(S u + D u)) + b), then dropout; both dropouts drop whole channels of a
// sequence, drawn from ATen's default CPU generator. State: that of the StateSpace.
class S4Mixer : public Mixer {
 public:
  explicit S4Mixer(const S4Options& options);
  // Published: steps log-uniform in [1e-3, 0.1], C complex normal, D normal, W as torch.nn.Conv1d.
  void reset_parameters(Depth depth) override;
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;
  // One convolution: what the context gives at each length is the same for every query.
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  // The state space's, in the parameters' own type whatever the precision of the products around
  // it.
  at::Tensor kernel(int64_t length) const;
  at::Tensor recur(const at::Tensor& x_BTM, at::Tensor& state) const;
  // From the outputs of the state spaces, D u included, to those of the mixer.
  at::Tensor finish(const at::Tensor& y_BTM) const;
  at::Tensor drop_channels(const at::Tensor& x_BTM) const;

  double dropout_;
  std::shared_ptr<StateSpace> space_;
  at::Tensor d_;                 // [H]
  std::shared_ptr<Linear> out_;  // [2H, H]
};

// S4Mixer "mixer" with LayerNorm "norm" after the sum (as published) or in front.
std::shared_ptr<Block> make_s4_block(const S4Options& options);

// HiPPO-LegS as diag(lambda) - p p*, acting on the half of the modes with positive frequency, in
// float64: complex lambda, p, b [N/2].
struct LegS {
  at::Tensor lambda, p, b;
};
LegS hippo_legs(int64_t d_state);

// Blocks of S4 with a LayerNorm after each sum, or before each S4 and one at the end.
struct S4Family {
  static constexpr const char* kName = "s4";
  static constexpr const char* kTitle = "S4";
  static constexpr const char* kSummary =
      "S4 and S4D: linear state spaces as long convolutions (Gu et al. 2022)";
  int64_t d_state = 16;
  std::string kernel = "diagonal";          // or "dplr"
  std::string init = "s4d_lin";             // of the diagonal kernel
  std::string discretization = "bilinear";  // of the dplr kernel
  std::string norm = "post";                // or "pre"
  double dropout = 0.1;

  void describe(Fields& f);
  void check(const ModelSize& size, Problems& problems) const;
  std::shared_ptr<Backbone> make(const ModelSize& size) const;
};

}  // namespace icl
