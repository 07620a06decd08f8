// SPDX-License-Identifier: Apache-2.0
#include "src/evaluation/baselines/prompts.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <mutex>

#include "icl/base/error.h"
#include "icl/base/shape.h"

namespace icl {
namespace {

void check_finite(const char* name, const at::Tensor& tensor) {
  const at::Tensor good = at::isfinite(tensor).flatten(1).all(1);
  if (good.all().item<bool>()) return;
  const int64_t prompt = at::argmin(good.to(at::kInt)).item<int64_t>();
  throw DataError(
      str("prompts: ", name, " of prompt ", prompt, " has a number that is not finite"));
}

at::Tensor on_cpu(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, at::kDouble).contiguous();
}

}  // namespace

void check_input(const BaselineInput& input) {
  check_shape("baseline", "xs", input.xs_BKD, {-1, -1, -1});
  const int64_t batch = input.xs_BKD.size(0);
  const int64_t n_points = input.xs_BKD.size(1);
  check_shape("baseline", "ys", input.ys_BK, {batch, n_points});
  check_finite("xs", input.xs_BKD);
  check_finite("ys", input.ys_BK);
  if (input.queries_BKD.defined()) {
    check_shape("baseline", "queries", input.queries_BKD, input.xs_BKD.sizes());
    check_finite("queries", input.queries_BKD);
  }
}

struct WorkCount::Shared {
  std::mutex mutex;
  int64_t done = 0;
  int64_t total = 0;
  const std::function<void(double)>& report;
};

WorkCount::WorkCount(int64_t total, const BaselineOptions& options)
    : shared_(new Shared{.total = std::max<int64_t>(1, total), .report = options.progress}) {}

WorkCount::~WorkCount() = default;

void WorkCount::add(int64_t done) {
  if (!shared_->report) return;
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  shared_->done += done;
  shared_->report(static_cast<double>(shared_->done) / static_cast<double>(shared_->total));
}

void in_parallel(int64_t n, const std::function<void(int64_t i)>& work) {
  // A region of one index alone would run outside of any, with all threads at its disposal.
  at::parallel_for(0, std::max<int64_t>(n, 2), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < std::min(end, n); ++i) work(i);
  });
}

at::Tensor for_each_prompt(const BaselineInput& input, const BaselineOptions& options,
                           const std::function<void(const PromptView&, double* out)>& predict) {
  check_input(input);
  const at::Tensor xs = on_cpu(input.xs_BKD);
  const at::Tensor ys = on_cpu(input.ys_BK);
  const at::Tensor queries = input.queries_BKD.defined() ? on_cpu(input.queries_BKD) : xs;
  const int64_t batch = xs.size(0);
  const int64_t n_points = xs.size(1);
  const int64_t n_dims = xs.size(2);
  at::Tensor predictions = at::zeros({batch, n_points}, at::kDouble);
  double* out = predictions.data_ptr<double>();
  WorkCount count(batch * n_points, options);
  in_parallel(batch, [&](int64_t b) {
    const int64_t offset = b * n_points * n_dims;
    int64_t left = n_points;
    predict({.n_points = n_points,
             .n_dims = n_dims,
             .xs = xs.const_data_ptr<double>() + offset,
             .ys = ys.const_data_ptr<double>() + b * n_points,
             .queries = queries.const_data_ptr<double>() + offset,
             .point_done =
                 [&] {
                   --left;
                   count.add(1);
                 }},
            out + b * n_points);
    count.add(left);
  });
  return predictions.to(input.xs_BKD.options());
}

}  // namespace icl
