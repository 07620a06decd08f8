// SPDX-License-Identifier: Apache-2.0
#include "src/evaluation/strategies.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace icl {
namespace {

at::Tensor in_a_quadrant(const at::Tensor& drawn_BKD, const RandomStream& stream) {
  const at::Tensor signs =
      stream.child("signs").integers({drawn_BKD.size(0), 1, drawn_BKD.size(2)}, 2).to(at::kFloat) *
          2 -
      1;
  return drawn_BKD.abs() * signs;
}

}  // namespace

Arrangement points_of_a_quadrant(const at::Tensor& drawn_BKD, const RandomStream& stream) {
  return {in_a_quadrant(drawn_BKD, stream), drawn_BKD};
}

Arrangement queries_of_the_opposite_quadrant(const at::Tensor& drawn_BKD,
                                             const RandomStream& stream) {
  const at::Tensor points = in_a_quadrant(drawn_BKD, stream);
  return {points, -points};
}

Arrangement orthogonal_queries(const at::Tensor& drawn_BKD, const RandomStream& /*stream*/) {
  const int64_t n_points = std::min(drawn_BKD.size(1), drawn_BKD.size(2));
  const at::Tensor xs = drawn_BKD.to(at::kDouble);
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
  return {drawn_BKD, queries.to(at::kFloat)};
}

Arrangement overlapping_queries(const at::Tensor& drawn_BKD, const RandomStream& stream) {
  const int64_t batch = drawn_BKD.size(0);
  const int64_t n_points = drawn_BKD.size(1);
  const at::Tensor before = at::arange(n_points).clamp_min(1);
  const at::Tensor uniform =
      stream.child("chosen points").uniform({batch, n_points}).to(at::kDouble);
  const at::Tensor chosen = (uniform * before).floor().to(at::kLong);
  return {drawn_BKD, drawn_BKD.gather(1, chosen.unsqueeze(2).expand_as(drawn_BKD))};
}

}  // namespace icl
