// SPDX-License-Identifier: Apache-2.0
#include "icl/models/backbone.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/shape.h"

namespace icl {

State State::select(const at::Tensor& rows) const {
  State result;
  result.length = length;
  for (const auto& slots : layers) {
    auto& selected = result.layers.emplace_back();
    for (const auto& slot : slots) selected.push_back(slot.index_select(0, rows.to(slot.device())));
  }
  return result;
}

State State::clone() const {
  State result;
  result.length = length;
  for (const auto& slots : layers) {
    auto& copies = result.layers.emplace_back();
    for (const auto& slot : slots) copies.push_back(slot.clone());
  }
  return result;
}

int64_t State::bytes() const {
  int64_t total = 0;
  for (const auto& slots : layers) {
    for (const auto& slot : slots) total += static_cast<int64_t>(slot.nbytes());
  }
  return total;
}

Backbone::Backbone(int64_t d_model, std::vector<std::shared_ptr<Block>> blocks, Stages stages)
    : d_model_(d_model), blocks_(std::move(blocks)), stages_(std::move(stages)) {
  if (stages_.positions) register_module("positions", stages_.positions);
  if (stages_.input_norm) register_module("input_norm", stages_.input_norm);
  auto stack = register_module("blocks", std::make_shared<torch::nn::Module>());
  for (size_t i = 0; i < blocks_.size(); ++i) stack->register_module(str(i), blocks_[i]);
  if (stages_.norm) register_module("norm", stages_.norm);
}

void Backbone::reset_parameters() {
  if (stages_.positions) stages_.positions->reset_parameters();
  if (stages_.input_norm) stages_.input_norm->reset_parameters();
  for (int64_t i = 0; i < n_layer(); ++i) {
    blocks_[static_cast<size_t>(i)]->reset_parameters({.index = i, .count = n_layer()});
  }
  if (stages_.norm) stages_.norm->reset_parameters();
}

at::Tensor Backbone::forward(const at::Tensor& x_BTM, const Tap& tap, const Edit& edit) {
  return run(x_BTM, nullptr, tap, edit);
}

at::Tensor Backbone::forward(const at::Tensor& x_BTM, State& state, const Tap& tap,
                             const Edit& edit) {
  return run(x_BTM, &state, tap, edit);
}

at::Tensor Backbone::run(const at::Tensor& x_BTM, State* state, const Tap& tap, const Edit& edit) {
  if (x_BTM.dim() != 3 || x_BTM.size(2) != d_model_) {
    throw UsageError(str("the input of a backbone of width ", d_model_, " has the shape ",
                         describe_shape(x_BTM.sizes()), ", expected [B, T, ", d_model_, "]"));
  }
  Stream stream{.residual = x_BTM, .update = {}};
  if (stages_.positions) {
    stream.residual = stages_.positions->forward(x_BTM, state ? state->length : 0);
  }
  if (stages_.input_norm) stream.residual = stages_.input_norm->forward(stream.residual);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i]->forward(stream, state ? Slots(state->layers[i]) : Slots());
    if (edit) stream = {.residual = edit(static_cast<int64_t>(i), stream.value()), .update = {}};
    if (tap) tap(static_cast<int64_t>(i), stream.value());
  }
  if (state) state->length += x_BTM.size(1);
  return finish(stream);
}

at::Tensor Backbone::finish(Stream& stream) const {
  return stages_.norm ? stages_.norm->forward(stream) : stream.value();
}

at::Tensor Backbone::final_norm(const at::Tensor& residual) const {
  return stages_.norm ? stages_.norm->forward(residual) : residual;
}

State Backbone::initial_state(int64_t batch) const {
  State state;
  for (const auto& block : blocks_) state.layers.push_back(block->initial_state(batch));
  return state;
}

at::Tensor Backbone::step(const at::Tensor& x_BM, State& state) {
  return forward(x_BM.unsqueeze(1), state).squeeze(1);
}

at::Tensor Backbone::branch(const at::Tensor& context_BTM, const at::Tensor& queries_BQM,
                            const std::vector<int64_t>& lengths) {
  const bool fits = static_cast<int64_t>(lengths.size()) == queries_BQM.size(1) &&
                    std::is_sorted(lengths.begin(), lengths.end()) && !lengths.empty() &&
                    lengths.front() >= 0 && lengths.back() <= context_BTM.size(1);
  if (!fits) {
    throw UsageError(str("branch: expected an ascending length within the context of ",
                         context_BTM.size(1), " tokens for each of ", queries_BQM.size(1),
                         " queries, got ", lengths.size(), " lengths"));
  }
  Stream context{.residual = context_BTM, .update = {}};
  Stream queries{.residual = queries_BQM, .update = {}};
  if (stages_.positions) {
    context.residual = stages_.positions->forward(context_BTM, 0);
    queries.residual = stages_.positions->forward(queries_BQM, lengths);
  }
  if (stages_.input_norm) {
    context.residual = stages_.input_norm->forward(context.residual);
    queries.residual = stages_.input_norm->forward(queries.residual);
  }
  for (const auto& block : blocks_) block->branch(context, queries, lengths);
  return finish(queries);
}

std::shared_ptr<Backbone> make_stack(
    const ModelSize& size, Backbone::Stages stages,
    const std::function<std::shared_ptr<Block>(int64_t index)>& make_block) {
  std::vector<std::shared_ptr<Block>> blocks;
  for (int64_t i = 0; i < size.n_layer; ++i) blocks.push_back(make_block(i));
  return std::make_shared<Backbone>(size.d_model, std::move(blocks), std::move(stages));
}

}  // namespace icl
