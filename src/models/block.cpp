// SPDX-License-Identifier: Apache-2.0
#include "icl/models/block.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"

namespace icl {
namespace {

// How many numbers the branched states of one batched query step may hold: 64 MiB of float32.
constexpr int64_t kBranchElements = int64_t{1} << 24;

// Query i of `queries` answered by `mixer` from `states[i]`: all of them as one batch.
at::Tensor answer(Mixer& mixer, const std::vector<std::vector<at::Tensor>>& states,
                  const at::Tensor& queries_BQM) {
  const int64_t n_queries = queries_BQM.size(1);
  std::vector<at::Tensor> slots;
  for (size_t slot = 0; slot < states.front().size(); ++slot) {
    std::vector<at::Tensor> of_slot;
    for (const auto& state : states) of_slot.push_back(state[slot]);
    slots.push_back(at::cat(of_slot, 0));  // [Q * B, ...]
  }
  const at::Tensor rows = queries_BQM.transpose(0, 1).reshape({-1, 1, queries_BQM.size(2)});
  return mixer.forward(rows, slots).view({n_queries, -1, queries_BQM.size(2)}).transpose(0, 1);
}

// The sum of the terms so far (none: undefined) and one more.
at::Tensor plus(const at::Tensor& sum, const at::Tensor& term) {
  return sum.defined() ? sum + term : term;
}

}  // namespace

std::pair<at::Tensor, at::Tensor> Mixer::branch(const at::Tensor& context_BTM,
                                                const at::Tensor& queries_BQM,
                                                const std::vector<int64_t>& lengths) {
  std::vector<at::Tensor> state = initial_state(context_BTM.size(0));
  int64_t state_elements = 1;
  for (const auto& slot : state) state_elements += slot.numel();
  const auto group = static_cast<size_t>(std::max<int64_t>(1, kBranchElements / state_elements));

  std::vector<at::Tensor> context_outputs, query_outputs;
  std::vector<std::vector<at::Tensor>> waiting;  // states whose queries are not yet answered
  int64_t seen = 0;
  int64_t answered = 0;
  const auto advance = [&](int64_t to) {
    if (to == seen) return;
    context_outputs.push_back(forward(context_BTM.narrow(1, seen, to - seen), state));
    seen = to;
  };
  const auto flush = [&] {
    if (waiting.empty()) return;
    const auto count = static_cast<int64_t>(waiting.size());
    query_outputs.push_back(answer(*this, waiting, queries_BQM.narrow(1, answered, count)));
    answered += count;
    waiting.clear();
  };
  for (const int64_t length : lengths) {
    advance(length);
    waiting.push_back(state);
    if (waiting.size() == group) flush();
  }
  flush();
  advance(context_BTM.size(1));
  return {context_outputs.empty() ? context_BTM : at::cat(context_outputs, 1),
          at::cat(query_outputs, 1)};
}

Block& Block::add(std::string norm_name, std::shared_ptr<Norm> norm, std::string mixer_name,
                  std::shared_ptr<Mixer> mixer) {
  register_module(std::move(norm_name), norm);
  register_module(std::move(mixer_name), mixer);
  const size_t n_slots = mixer->initial_state(0).size();
  parts_.push_back({std::move(norm), std::move(mixer), n_slots});
  return *this;
}

Block& Block::add(std::string mixer_name, std::shared_ptr<Mixer> mixer) {
  ICL_ASSERT(placement_ == Placement::kParallel && !parts_.empty(),
             "only parallel parts share a norm");
  register_module(std::move(mixer_name), mixer);
  const size_t n_slots = mixer->initial_state(0).size();
  parts_.push_back({nullptr, std::move(mixer), n_slots});
  return *this;
}

void Block::reset_parameters(Depth depth) {
  for (const auto& part : parts_) {
    if (part.norm) part.norm->reset_parameters();
    part.mixer->reset_parameters(depth);
  }
}

void Block::forward(Stream& stream, Slots slots) {
  at::Tensor normed, sum;
  size_t first = 0;
  for (const auto& part : parts_) {
    const Slots own = slots.empty() ? slots : slots.subspan(first, part.n_slots);
    first += part.n_slots;
    switch (placement_) {
      case Placement::kPre:
        stream.update = part.mixer->forward(part.norm->forward(stream), own);
        break;
      case Placement::kPost:
        stream.residual = stream.value();
        stream.update = part.mixer->forward(stream.residual, own);
        stream.residual = part.norm->forward(stream);
        break;
      case Placement::kParallel:
        if (part.norm) normed = part.norm->forward(stream);
        sum = plus(sum, part.mixer->forward(normed, own));
        break;
    }
  }
  if (placement_ == Placement::kParallel) stream.update = sum;
}

std::vector<at::Tensor> Block::initial_state(int64_t batch) const {
  std::vector<at::Tensor> slots;
  for (const auto& part : parts_) {
    for (auto& slot : part.mixer->initial_state(batch)) slots.push_back(std::move(slot));
  }
  return slots;
}

void Block::branch(Stream& context, Stream& queries, const std::vector<int64_t>& lengths) {
  std::pair<at::Tensor, at::Tensor> normed, sum;
  for (const auto& part : parts_) {
    if (placement_ == Placement::kPost) {
      context.residual = context.value();
      queries.residual = queries.value();
      std::tie(context.update, queries.update) =
          part.mixer->branch(context.residual, queries.residual, lengths);
      context.residual = part.norm->forward(context);
      queries.residual = part.norm->forward(queries);
      continue;
    }
    if (part.norm) normed = {part.norm->forward(context), part.norm->forward(queries)};
    const auto update = part.mixer->branch(normed.first, normed.second, lengths);
    if (placement_ == Placement::kPre) {
      std::tie(context.update, queries.update) = update;
    } else {
      sum = {plus(sum.first, update.first), plus(sum.second, update.second)};
    }
  }
  if (placement_ == Placement::kParallel) std::tie(context.update, queries.update) = sum;
}

}  // namespace icl
