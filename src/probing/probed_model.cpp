// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/probed_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/models/chunks.h"

namespace icl {
namespace {

// Queries that run side by side: bounds the memory of branched attention states.
constexpr int64_t kBranches = 256;

}  // namespace

at::Tensor RegressionProbe::observe_chunk(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                                          const at::Tensor& queries_BQD, Layers& context,
                                          Layers& branched, int64_t count) {
  Backbone& backbone = model_.backbone();
  const int64_t rows = xs_BKD.size(0);
  const int64_t queries = queries_BQD.size(1);
  const auto keep = [&](Layers& layers, int64_t layer, const at::Tensor& residual) {
    layers[static_cast<size_t>(layer)].push_back(residual.narrow(0, 0, count));
    if (poll_) poll_();
  };
  State state = backbone.initial_state(rows);
  backbone.forward(
      model_.read_in(prompt_tokens(xs_BKD, ys_BK)), state,
      [&](int64_t layer, const at::Tensor& residual) { keep(context, layer, residual); });
  const at::Tensor branches = at::arange(rows, at::TensorOptions(at::kLong).device(xs_BKD.device()))
                                  .repeat_interleave(queries);
  State branch = state.select(branches);
  const at::Tensor asked = queries_BQD.reshape({rows * queries, 1, -1});
  const at::Tensor out = backbone.forward(
      model_.read_in(asked), branch, [&](int64_t layer, const at::Tensor& residual) {
        keep(branched, layer, residual.reshape({rows, queries, residual.size(2)}));
      });
  return model_.read_out(out).reshape({rows, queries}).narrow(0, 0, count);
}

Residuals RegressionProbe::observe(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                                   const at::Tensor& queries_BQD) {
  const at::NoGradGuard no_grad;
  const int64_t prompts = xs_BKD.size(0);
  const int64_t rows = std::clamp<int64_t>(kBranches / queries_BQD.size(1), 1,
                                           chunk_rows(model_, 2 * xs_BKD.size(1)));
  const auto layers = static_cast<size_t>(n_layer());
  Layers context(layers);
  Layers branched(layers);
  std::vector<at::Tensor> predictions;
  for (int64_t first = 0; first < prompts; first += rows) {
    predictions.push_back(observe_chunk(rows_of(xs_BKD, first, rows), rows_of(ys_BK, first, rows),
                                        rows_of(queries_BQD, first, rows), context, branched,
                                        std::min(rows, prompts - first)));
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
  // One prompt at a time: the read-out rounds by the number of its rows.
  std::vector<at::Tensor> decoded;
  for (const at::Tensor& prompt : residual.split(1)) {
    decoded.push_back(model_.read_out(model_.backbone().final_norm(prompt)));
  }
  return at::cat(decoded);
}

}  // namespace icl
