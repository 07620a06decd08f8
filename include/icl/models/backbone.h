// SPDX-License-Identifier: Apache-2.0
//
// The one abstraction of the zoo: a causal map [B, T, M] -> [B, T, M] with an observable residual
// stream and a recurrent form.
//
//   std::shared_ptr<Backbone> backbone = make_backbone(config.model);   // icl/models/registry.h
//   at::Tensor y = backbone->forward(x);                                // all positions at once
//   State state = backbone->initial_state(/*batch=*/2);
//   at::Tensor y0 = backbone->step(x.select(1, 0), state);              // the same, one by one
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace icl {

// What a backbone remembers of the tokens it has seen. Every tensor has the batch in front, so that
// prompts can be selected, repeated and branched without knowing the family.
struct State {
  std::vector<std::vector<at::Tensor>> layers;  // [layer][slot], each [B, ...]
  int64_t length = 0;                           // tokens seen

  // The states of the prompts `rows` (int64 [B']), in that order.
  State select(const at::Tensor& rows) const;
  // A deep copy: steps taken on it leave this one alone.
  State clone() const;
};

class Backbone : public torch::nn::Module {
 public:
  // Called after each block with its index (from 0) and the residual stream [B, T, M] there, as the
  // final norm would receive it.
  using Tap = std::function<void(int64_t layer, const at::Tensor& residual_BTM)>;

  virtual int64_t n_layer() const = 0;
  virtual int64_t d_model() const = 0;

  // Parallel form; final_norm is applied. `x` [B, T, M].
  virtual at::Tensor forward(const at::Tensor& x_BTM, const Tap& tap = {}) = 0;
  // The norm between the last block and the read-out (identity for families without one).
  virtual at::Tensor final_norm(const at::Tensor& residual) = 0;

  // Recurrent form. forward() of a whole prompt, forward() in pieces and step() by step agree.
  virtual State initial_state(int64_t batch) const = 0;
  virtual at::Tensor forward(const at::Tensor& x_BTM, State& state, const Tap& tap = {}) = 0;
  // One token: `x` [B, M] -> [B, M].
  virtual at::Tensor step(const at::Tensor& x_BM, State& state);

  // Outputs of query tokens that each see the context up to a point and themselves: output [:, i]
  // is what forward() gives for query i placed after context[:, :lengths[i]]. `lengths` ascends.
  // The default carries the state along and branches it; attention masks instead.
  virtual at::Tensor branch(const at::Tensor& context_BTM, const at::Tensor& queries_BQM,
                            const std::vector<int64_t>& lengths);
};

}  // namespace icl
