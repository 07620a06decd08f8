// SPDX-License-Identifier: Apache-2.0
//
// What probes need of a model: its residual stream after every block, at the tokens of a context
// and at queries that each follow the whole context.
//
//   icl::RegressionProbe model(*run.model);
//   const icl::Residuals residuals = model.observe(xs_BKD, ys_BK, queries_BQD);
//   const at::Tensor decoded_BQ = model.decode(residuals.queries[3]);   // after block 3
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "icl/models/regression_model.h"

namespace icl {

struct Residuals {
  std::vector<at::Tensor> context;  // by layer, [B, 2K, M]; tokens x_0, y_0, x_1, ...
  std::vector<at::Tensor> queries;  // by layer, [B, Q, M]
  at::Tensor predictions_BQ;        // what the model says at the queries
};

class ProbedModel {
 public:
  virtual ~ProbedModel() = default;

  virtual int64_t n_layer() const = 0;
  virtual Residuals observe(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                            const at::Tensor& queries_BQD) = 0;
  // The model's own final norm and read-out: [B, ..., M] -> [B, ...].
  virtual at::Tensor decode(const at::Tensor& residual) = 0;
};

// One pass over the context; its state is then branched to all queries. What is observed of a
// prompt does not depend on the prompts around it: the same bytes alone or among others.
class RegressionProbe : public ProbedModel {
 public:
  // `poll` is called after every block of the model and may throw to stop.
  explicit RegressionProbe(RegressionModel& model, std::function<void()> poll = {})
      : model_(model), poll_(std::move(poll)) {}

  int64_t n_layer() const override { return model_.backbone().n_layer(); }
  Residuals observe(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                    const at::Tensor& queries_BQD) override;
  at::Tensor decode(const at::Tensor& residual) override;

 private:
  // The prompts of one chunk; appends to lists by layer.
  using Layers = std::vector<std::vector<at::Tensor>>;
  at::Tensor observe_chunk(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                           const at::Tensor& queries_BQD, Layers& context, Layers& branched,
                           int64_t count);

  RegressionModel& model_;
  std::function<void()> poll_;
};

}  // namespace icl
