// SPDX-License-Identifier: Apache-2.0
//
// The prompt strategies of Grazzi et al. 2024 (their eval.py) and Garg et al. 2022, section 4.
#include <ATen/ATen.h>

#include "icl/evaluation/suites.h"
#include "icl/tasks/task_sampler.h"

namespace icl {
namespace {

// Query i: x_i minus its projection on the span of x_0 .. x_{i-1}, at the length of x_i.
at::Tensor orthogonal_queries(const at::Tensor& xs_BKD) {
  const int64_t n_points = std::min(xs_BKD.size(1), xs_BKD.size(2));
  const at::Tensor xs = xs_BKD.to(at::kDouble);
  at::Tensor queries = at::zeros_like(xs);
  at::Tensor basis = at::zeros_like(xs.narrow(1, 0, n_points));  // orthonormal rows
  for (int64_t i = 0; i < n_points; ++i) {
    const at::Tensor x = xs.narrow(1, i, 1);
    at::Tensor rest = x;
    if (i > 0) {
      const at::Tensor span = basis.narrow(1, 0, i);
      // Twice: the second pass removes what rounding left of the first.
      for (int pass = 0; pass < 2; ++pass) {
        rest = rest - at::bmm(at::bmm(rest, span.transpose(1, 2)), span);
      }
    }
    const at::Tensor direction = rest / rest.norm(2, {2}, true);
    basis.narrow(1, i, 1).copy_(direction);
    queries.narrow(1, i, 1).copy_(direction * x.norm(2, {2}, true));
  }
  return queries.to(at::kFloat);
}

// Query i: one of x_0 .. x_{i-1}; query 0 is x_0.
at::Tensor overlapping_queries(const at::Tensor& xs_BKD, const RandomStream& stream) {
  const int64_t batch = xs_BKD.size(0);
  const int64_t n_points = xs_BKD.size(1);
  const at::Tensor before = at::arange(n_points).clamp_min(1);
  const at::Tensor uniform = stream.uniform({batch, n_points}).to(at::kDouble);
  const at::Tensor chosen = (uniform * before).floor().to(at::kLong);
  return xs_BKD.gather(1, chosen.unsqueeze(2).expand_as(xs_BKD));
}

}  // namespace

Prompts sample_prompts(const Setting& setting, const TaskConfig& trained,
                       const PromptRequest& request) {
  const TaskConfig task = task_of(setting, trained);
  const RandomStream stream(request.seed, request.stream);
  const RandomStream own = stream.at_step(request.batch);
  const RandomStream rotation =
      setting.inputs == "training" ? rotation_of_run(request.train_seed) : stream.child("fixed");
  const int64_t n_dims = task.n_dims;
  Prompts prompts;
  prompts.xs_BKD = sample_inputs(task.inputs, n_dims, own, rotation, request.batch_size,
                                 request.n_points, n_dims);
  const Functions functions(task, own, request.batch_size, n_dims);

  const at::Tensor drawn = prompts.xs_BKD;
  switch (setting.strategy) {
    case Strategy::kSame:
      break;
    case Strategy::kQuadrant:
    case Strategy::kOppositeQuadrant: {
      const at::Tensor signs =
          own.child("signs").integers({request.batch_size, 1, n_dims}, 2).to(at::kFloat) * 2 - 1;
      prompts.xs_BKD = drawn.abs() * signs;
      prompts.queries_BKD = setting.strategy == Strategy::kQuadrant ? drawn : -prompts.xs_BKD;
      break;
    }
    case Strategy::kOrthogonal:
      prompts.queries_BKD = orthogonal_queries(drawn);
      break;
    case Strategy::kOverlapping:
      prompts.queries_BKD = overlapping_queries(drawn, own.child("chosen points"));
      break;
  }

  if (!prompts.queries_BKD.defined()) {
    prompts.ys_BK = functions.observe(prompts.xs_BKD) * setting.y_scale;
    prompts.targets_BK = prompts.ys_BK;
    return prompts;
  }
  // Together, so that both are renormalised by one factor.
  const at::Tensor both =
      functions.observe(at::cat({prompts.xs_BKD, prompts.queries_BKD}, 1)) * setting.y_scale;
  prompts.ys_BK = both.narrow(1, 0, request.n_points).contiguous();
  prompts.targets_BK = both.narrow(1, request.n_points, request.n_points).contiguous();
  return prompts;
}

}  // namespace icl
