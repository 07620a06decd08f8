// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/probed_model.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace icl {
namespace {

// Queries that run side by side: bounds the memory of branched attention states.
constexpr int64_t kRows = 256;

}  // namespace

Residuals RegressionProbe::observe(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                                   const at::Tensor& queries_BQD) {
  const at::NoGradGuard no_grad;
  Backbone& backbone = model_.backbone();
  const int64_t prompts = xs_BKD.size(0);
  const int64_t queries = queries_BQD.size(1);
  const int64_t at_once = std::max<int64_t>(1, kRows / queries);
  const auto layers = static_cast<size_t>(n_layer());
  std::vector<std::vector<at::Tensor>> context(layers);
  std::vector<std::vector<at::Tensor>> branched(layers);
  std::vector<at::Tensor> predictions;
  for (int64_t first = 0; first < prompts; first += at_once) {
    const int64_t count = std::min(at_once, prompts - first);
    const at::Tensor tokens =
        prompt_tokens(xs_BKD.narrow(0, first, count), ys_BK.narrow(0, first, count));
    State state = backbone.initial_state(count);
    backbone.forward(model_.read_in(tokens), state, [&](int64_t layer, const at::Tensor& residual) {
      context[static_cast<size_t>(layer)].push_back(residual);
    });
    const at::Tensor rows = at::arange(count, at::TensorOptions(at::kLong).device(xs_BKD.device()))
                                .repeat_interleave(queries);
    State branch = state.select(rows);
    const at::Tensor asked = queries_BQD.narrow(0, first, count).reshape({count * queries, 1, -1});
    const at::Tensor out = backbone.forward(
        model_.read_in(asked), branch, [&](int64_t layer, const at::Tensor& residual) {
          branched[static_cast<size_t>(layer)].push_back(
              residual.reshape({count, queries, residual.size(2)}));
        });
    predictions.push_back(model_.read_out(out).reshape({count, queries}));
  }
  Residuals result;
  for (size_t layer = 0; layer < layers; ++layer) {
    result.context.push_back(at::cat(context[layer]));
    result.queries.push_back(at::cat(branched[layer]));
  }
  result.predictions_BQ = at::cat(predictions);
  return result;
}

at::Tensor RegressionProbe::decode(const at::Tensor& residual) {
  const at::NoGradGuard no_grad;
  return model_.read_out(model_.backbone().final_norm(residual));
}

}  // namespace icl
