// SPDX-License-Identifier: Apache-2.0
#include "icl/models/block.h"

#include <ATen/ATen.h>

#include "icl/base/error.h"

namespace icl {
namespace {

// The sum of the terms so far (none: undefined) and one more.
at::Tensor plus(const at::Tensor& sum, const at::Tensor& term) {
  return sum.defined() ? sum + term : term;
}

}  // namespace

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

void Block::set_scales(double update, double residual) {
  ICL_ASSERT(placement_ == Placement::kPre, "only blocks of placement kPre are rescaled");
  update_scale_ = update;
  residual_scale_ = residual;
}

void Block::rescale(Stream& stream) const {
  if (residual_scale_ != 1) stream = {.residual = stream.value() * residual_scale_, .update = {}};
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
        if (update_scale_ != 1) stream.update = stream.update * update_scale_;
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
  rescale(stream);
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
      if (update_scale_ != 1) {
        context.update = context.update * update_scale_;
        queries.update = queries.update * update_scale_;
      }
    } else {
      sum = {plus(sum.first, update.first), plus(sum.second, update.second)};
    }
  }
  if (placement_ == Placement::kParallel) std::tie(context.update, queries.update) = sum;
  rescale(context);
  rescale(queries);
}

}  // namespace icl
