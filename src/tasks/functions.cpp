// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <ATen/ATen.h>

#include <cmath>

#include "products.h"

namespace icl::functions {

FunctionParameters draw_linear(const TaskConfig& config, const RandomStream& stream, int64_t count,
                               int64_t /*n_dims*/) {
  return {stream.child("weights").normal({count, config.n_dims})};
}

at::Tensor evaluate_linear(const TaskConfig& config, const FunctionParameters& parameters,
                           const at::Tensor& xs_BKD) {
  return product(xs_BKD, parameters[0].unsqueeze(2)).squeeze(2) * config.scale;
}

FunctionParameters draw_sparse(const TaskConfig& config, const RandomStream& stream, int64_t count,
                               int64_t n_dims) {
  const int64_t k = std::min(config.sparsity, n_dims);
  const at::Tensor kept = stream.child("support").permutations(count, n_dims).slice(1, 0, k);
  const at::Tensor mask = at::zeros({count, config.n_dims}).scatter_(1, kept, 1.0);
  return {stream.child("weights").normal({count, config.n_dims}) * mask};
}

at::Tensor evaluate_quadratic(const TaskConfig& config, const FunctionParameters& parameters,
                              const at::Tensor& xs_BKD) {
  // E[x^4] = 3 for a Gaussian x: the division makes E[y^2] = D.
  return evaluate_linear(config, parameters, xs_BKD.square()) / std::sqrt(3.0);
}

at::Tensor evaluate_classification(const TaskConfig& /*config*/,
                                   const FunctionParameters& parameters, const at::Tensor& xs_BKD) {
  return product(xs_BKD, parameters[0].unsqueeze(2)).squeeze(2).sign();
}

FunctionParameters draw_network(const TaskConfig& config, const RandomStream& stream, int64_t count,
                                int64_t /*n_dims*/) {
  return {stream.child("first layer").normal({count, config.n_dims, config.hidden_width}),
          stream.child("second layer").normal({count, config.hidden_width, 1})};
}

at::Tensor evaluate_network(const TaskConfig& config, const FunctionParameters& parameters,
                            const at::Tensor& xs_BKD) {
  const at::Tensor hidden = product(xs_BKD, parameters[0]).relu();
  const double factor = std::sqrt(2.0 / static_cast<double>(config.hidden_width));
  return product(hidden, parameters[1]).squeeze(2) * factor;
}

FunctionParameters draw_tree(const TaskConfig& config, const RandomStream& stream, int64_t count,
                             int64_t /*n_dims*/) {
  const int64_t leaves = int64_t{1} << config.depth;
  return {stream.child("coordinates").integers({count, leaves - 1}, config.n_dims),
          stream.child("leaves").normal({count, leaves})};
}

at::Tensor evaluate_tree(const TaskConfig& config, const FunctionParameters& parameters,
                         const at::Tensor& xs_BKD) {
  const at::Tensor& coordinates = parameters[0];
  at::Tensor node = at::zeros({xs_BKD.size(0), xs_BKD.size(1)}, xs_BKD.options().dtype(at::kLong));
  for (int64_t level = 0; level < config.depth; ++level) {
    const at::Tensor coordinate = coordinates.gather(1, node);
    const at::Tensor value = xs_BKD.gather(2, coordinate.unsqueeze(2)).squeeze(2);
    node = node * 2 + 1 + (value > 0).to(at::kLong);
  }
  return parameters[1].gather(1, node - ((int64_t{1} << config.depth) - 1));
}

}  // namespace icl::functions
