// SPDX-License-Identifier: Apache-2.0
//
// A backbone between a linear read-in and a linear read-out, predicting y_i from
// x_0, y_0, ..., x_{i-1}, y_{i-1}, x_i (Grazzi et al. 2024, section 3; Garg et al. 2022).
//
//   RegressionModel model(config.model, config.task.n_dims);
//   at::Tensor predictions_BK = model.predict(batch.xs_BKD, batch.ys_BK);
#pragma once

#include <memory>

#include "icl/models/backbone.h"
#include "icl/models/model_config.h"

namespace icl {

// Interleaved tokens x_0, (y_0, 0, ..., 0), x_1, ...: [B, 2K, D].
at::Tensor prompt_tokens(const at::Tensor& xs_BKD, const at::Tensor& ys_BK);

class RegressionModel : public torch::nn::Module {
 public:
  // Parameters "read_in", "backbone", "read_out"; initialised as make_backbone() does.
  RegressionModel(const ModelConfig& config, int64_t n_dims,
                  Initialization init = Initialization::kPublished);
  // Around a backbone of the caller's, which may be of no family; read-in and read-out are drawn if
  // asked for, the backbone is taken as it is.
  RegressionModel(std::shared_ptr<Backbone> backbone, int64_t n_dims,
                  Initialization init = Initialization::kPublished);

  // Predictions [B, K]; `tap` sees the residual stream [B, 2K, M] after each block.
  at::Tensor predict(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                     const Backbone::Tap& tap = {});
  // Prediction i is made for queries[:, i] after the first i points of the context: [B, K].
  at::Tensor predict_queries(const at::Tensor& xs_BKD, const at::Tensor& ys_BK,
                             const at::Tensor& queries_BKD);

  at::Tensor read_in(const at::Tensor& tokens_BTD) const;  // [B, T, D] -> [B, T, M]
  at::Tensor read_out(const at::Tensor& normed) const;     // [..., M] -> [...]
  Backbone& backbone() { return *backbone_; }
  int64_t n_dims() const { return n_dims_; }
  int64_t parameter_count() const;

 private:
  int64_t n_dims_;
  std::shared_ptr<Linear> read_in_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Linear> read_out_;
};

}  // namespace icl
