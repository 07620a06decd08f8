// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/predict.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/models/chunks.h"

namespace icl {

at::Tensor predict(RegressionModel& model, const Prompts& prompts,
                   const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  const at::Device device = model.parameters().front().device();
  const int64_t n_prompts = prompts.xs_BKD.size(0);
  const bool asks = prompts.queries_BKD.defined();
  // A pass with queries of their own costs about two.
  const int64_t rows = chunk_rows(model, (asks ? 4 : 2) * prompts.xs_BKD.size(1));
  at::Tensor predictions = at::empty({n_prompts, prompts.xs_BKD.size(1)}, at::kFloat);
  for (int64_t first = 0; first < n_prompts; first += rows) {
    const double share = static_cast<double>(first) / static_cast<double>(n_prompts);
    if (progress) progress(share);
    const auto poll = [&](int64_t, const at::Tensor&) {
      if (progress) progress(share);
    };
    const at::Tensor xs = rows_of(prompts.xs_BKD, first, rows).to(device);
    const at::Tensor ys = rows_of(prompts.ys_BK, first, rows).to(device);
    const at::Tensor said =
        asks ? model.predict_queries(xs, ys, rows_of(prompts.queries_BKD, first, rows).to(device))
             : model.predict(xs, ys, poll);
    const int64_t count = std::min(rows, n_prompts - first);
    predictions.narrow(0, first, count).copy_(said.narrow(0, 0, count));
  }
  return predictions;
}

}  // namespace icl
