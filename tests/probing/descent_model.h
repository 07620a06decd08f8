// SPDX-License-Identifier: Apache-2.0
//
// A linear-attention model with weights that are set, not trained: each of its layers is one step
// of gradient descent on the context, with the optimal step of the prompt.
#pragma once

#include <ATen/ATen.h>

#include "icl/probing/probed_model.h"

namespace icl {

// The residual stream of a token is [x, y so far explained, y]: D + 2 wide. A layer lets every
// token attend to the context with scores <x_i, x_j> and values (y_j - prediction_j) / K and adds
// the result, times the step, to the prediction. The read-out is the prediction.
class DescentModel : public ProbedModel {
 public:
  DescentModel(int64_t n_dims, int64_t n_layer) : n_dims_(n_dims), n_layer_(n_layer) {}

  int64_t n_layer() const override { return n_layer_; }

  Residuals observe(const at::Tensor& xs, const at::Tensor& ys,
                    const at::Tensor& queries) override {
    const int64_t points = xs.size(1);
    const at::Tensor moments = at::bmm(xs.transpose(1, 2), xs) / static_cast<double>(points);
    const at::Tensor values = at::linalg_eigvalsh(moments);
    const at::Tensor step = (2 / (values.select(1, 0) + values.select(1, -1))).reshape({-1, 1, 1});
    at::Tensor context = stream_of(xs, ys);
    at::Tensor asked = stream_of(queries, at::zeros({xs.size(0), queries.size(1)}));
    Residuals result;
    for (int64_t layer = 0; layer < n_layer_; ++layer) {
      const at::Tensor value = (at_y(context) - at_prediction(context)) / points * step;
      const at::Tensor to_context = at::bmm(at::bmm(xs, xs.transpose(1, 2)), value);
      const at::Tensor to_queries = at::bmm(at::bmm(queries, xs.transpose(1, 2)), value);
      context = context.clone();
      asked = asked.clone();
      at_prediction(context).add_(to_context);
      at_prediction(asked).add_(to_queries);
      // x and y tokens of a point carry the same here.
      result.context.push_back(context.repeat_interleave(2, 1));
      result.queries.push_back(asked);
    }
    result.predictions_BQ = decode(asked);
    return result;
  }

  at::Tensor decode(const at::Tensor& residual) override { return residual.select(-1, n_dims_); }

 private:
  static at::Tensor stream_of(const at::Tensor& xs, const at::Tensor& ys) {
    return at::cat({xs, at::zeros_like(ys).unsqueeze(2), ys.unsqueeze(2)}, 2);
  }
  at::Tensor at_prediction(const at::Tensor& stream) const { return stream.narrow(2, n_dims_, 1); }
  at::Tensor at_y(const at::Tensor& stream) const { return stream.narrow(2, n_dims_ + 1, 1); }

  int64_t n_dims_;
  int64_t n_layer_;
};

}  // namespace icl
