// SPDX-License-Identifier: Apache-2.0
//
// The one abstraction of the zoo: a causal map [B, T, M] -> [B, T, M] with an observable residual
// stream and a recurrent form.
//
//   std::shared_ptr<Backbone> backbone = make_backbone(config.model);   //
//   icl/models/model_config.h at::Tensor y = backbone->forward(x); // all positions at once State
//   state = backbone->initial_state(/*batch=*/2); at::Tensor y0 = backbone->step(x.select(1, 0),
//   state);              // the same, one by one
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "icl/models/block.h"

namespace icl {

// What every model has.
struct ModelSize {
  int64_t d_model = 256;  // width M of the residual stream
  int64_t n_layer = 24;   // blocks
};

// What a backbone remembers of the tokens it has seen. Every tensor has the batch in front, so that
// prompts can be selected, repeated and branched without knowing the family.
struct State {
  std::vector<std::vector<at::Tensor>> layers;  // [layer][slot], each [B, ...]
  int64_t length = 0;                           // tokens seen

  // The states of the prompts `rows` (int64 [B']), in that order.
  State select(const at::Tensor& rows) const;
  // A deep copy.
  State clone() const;
  // Bytes held by all slots.
  int64_t bytes() const;
};

// A stack of blocks between an optional input stage (positions or a norm) and an optional final
// norm. Every family of the zoo is one; they differ in their blocks.
// Parameters: "blocks.<i>.<part>...", and "positions", "input_norm", "norm" where there are any.
class Backbone : public torch::nn::Module {
 public:
  // Called after each block with its index (from 0) and the residual stream [B, T, M] there, as the
  // final norm would receive it.
  using Tap = std::function<void(int64_t layer, const at::Tensor& residual_BTM)>;
  // Called after each block, before the tap: what it returns [B, T, M] replaces the residual
  // stream.
  using Edit = std::function<at::Tensor(int64_t layer, const at::Tensor& residual_BTM)>;

  // What stands before and after the blocks; any of them may be null.
  struct Stages {
    std::shared_ptr<Positions> positions;  // added to the input
    std::shared_ptr<Norm> input_norm;      // of the input
    std::shared_ptr<Norm> norm;            // of the output of the last block
  };
  Backbone(int64_t d_model, std::vector<std::shared_ptr<Block>> blocks, Stages stages);

  int64_t n_layer() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t d_model() const { return d_model_; }
  // Draws all parameters as published, from ATen's default CPU generator (seed it first).
  void reset_parameters();

  // Parallel form; the final norm is applied. `x` [B, T, M].
  at::Tensor forward(const at::Tensor& x_BTM, const Tap& tap = {}, const Edit& edit = {});
  // The norm between the last block and the read-out (identity for families without one).
  at::Tensor final_norm(const at::Tensor& residual) const;

  // Recurrent form. forward() of a whole prompt, forward() in pieces and step() by step agree.
  State initial_state(int64_t batch) const;
  at::Tensor forward(const at::Tensor& x_BTM, State& state, const Tap& tap = {},
                     const Edit& edit = {});
  // One token: `x` [B, M] -> [B, M].
  at::Tensor step(const at::Tensor& x_BM, State& state);

  // Outputs of query tokens that each see the context up to a point and themselves: output [:, i]
  // is what forward() gives for query i placed after context[:, :lengths[i]]. `lengths` ascends
  // (equal neighbours are fine). Costs about one pass over the context and one over the queries:
  // state spaces branch their state, attention masks.
  at::Tensor branch(const at::Tensor& context_BTM, const at::Tensor& queries_BQM,
                    const std::vector<int64_t>& lengths);

 private:
  at::Tensor run(const at::Tensor& x_BTM, State* state, const Tap& tap, const Edit& edit);
  at::Tensor finish(Stream& stream) const;

  int64_t d_model_;
  std::vector<std::shared_ptr<Block>> blocks_;
  Stages stages_;
};

// `n_layer` blocks of a family, block `index` from 0 made by `make_block`.
std::shared_ptr<Backbone> make_stack(
    const ModelSize& size, Backbone::Stages stages,
    const std::function<std::shared_ptr<Block>(int64_t index)>& make_block);

}  // namespace icl
