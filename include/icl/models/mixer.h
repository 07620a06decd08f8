// SPDX-License-Identifier: Apache-2.0
//
// What a block does to its normalised input: attention, a state space, an MLP. A mixer is a causal
// map [B, T, M] -> [B, T, M] with a recurrent form; blocks (icl/models/block.h) put norms and the
// residual stream around it.
//
//   MambaMixer mixer({.d_model = 64});
//   mixer.reset_parameters({.index = 0, .count = 6});
//   at::Tensor y = mixer.forward(x);                       // all of x at once
//   std::vector<at::Tensor> slots = mixer.initial_state(batch);
//   at::Tensor y0 = mixer.forward(x.narrow(1, 0, 1), slots);   // the same, in pieces
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace icl {

// Where a block stands in its stack; published initialisations depend on it.
struct Depth {
  int64_t index = 0;
  int64_t count = 1;
};

// What a mixer remembers, one tensor a slot, each [B, ...]; empty: start afresh, remember nothing.
using Slots = std::span<at::Tensor>;

class Mixer : public torch::nn::Module {
 public:
  // Draws the parameters as published, from ATen's default CPU generator.
  virtual void reset_parameters(Depth depth) = 0;

  // [B, T, M] -> [B, T, M]. With `slots`, x continues what they remember, and they are replaced by
  // what is remembered after x (new tensors; the old ones are left alone).
  virtual at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) = 0;
  // The state before the first token. Any batch is possible, 0 too: a block asks for the number of
  // slots so. A slot may grow with the tokens seen (keys and values of attention do).
  virtual std::vector<at::Tensor> initial_state(int64_t batch) const = 0;

  // Outputs for the context and for queries, of which query i sees context[:, :lengths[i]] and
  // itself. The default runs the context in pieces and branches the state after each.
  virtual std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                                   const at::Tensor& queries_BQM,
                                                   const std::vector<int64_t>& lengths);
};

}  // namespace icl
