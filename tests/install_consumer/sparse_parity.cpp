// SPDX-License-Identifier: Apache-2.0
//
// A task that icl does not have, sparse parity: x in {-1, 1}^D and y the product of k hidden
// coordinates. Predictions are logits.
#include <ATen/ATen.h>
#include <icl/tasks/function_class.h>
#include <icl/tasks/input_distribution.h>

#include "additions.h"

namespace {

struct SignInputs {
  static constexpr const char* kName = "signs";
  static constexpr const char* kSummary = "uniform on the corners of the cube";

  at::Tensor draw(const icl::InputRequest& request) const {
    return request.stream.child("signs").integers(request.shape(), 2).to(at::kFloat) * 2 - 1;
  }
};

struct SparseParity {
  static constexpr const char* kName = "sparse_parity";
  static constexpr const char* kSummary = "the product of k hidden signs";
  int64_t k = 2;

  void describe(icl::Fields& f) {
    f.integer("k", k, icl::at_least(1), "number of hidden coordinates");
  }
  void check(int64_t n_dims, icl::Problems& problems) const {
    if (k > n_dims) problems.add("k", icl::str(k, ", expected at most task.n_dims (", n_dims, ")"));
  }
  icl::FunctionTraits traits(int64_t) const {
    return {.metric = "share of wrong signs",
            .scales = false,
            .baselines = {"zero", "nearest_3", "averaging"}};
  }
  // The hidden coordinates, [count, k].
  icl::FunctionParameters draw(const icl::FunctionRequest& request,
                               const icl::RandomStream& stream) const {
    const int64_t hidden = std::min(k, request.used_dims);
    return {
        stream.child("hidden").permutations(request.count, request.used_dims).slice(1, 0, hidden)};
  }
  at::Tensor evaluate(const icl::FunctionParameters& parameters, const at::Tensor& xs_BKD) const {
    const at::Tensor& hidden = parameters[0];
    const at::Tensor index = hidden.unsqueeze(1).expand({-1, xs_BKD.size(1), -1});
    return xs_BKD.gather(2, index).sign().prod(2);
  }
  static at::Tensor loss(const at::Tensor& logits_BK, const at::Tensor& ys_BK) {
    return at::binary_cross_entropy_with_logits(logits_BK, (ys_BK + 1) / 2);
  }
  static at::Tensor error(const at::Tensor& logits_BK, const at::Tensor& ys_BK) {
    return (1 - logits_BK.sign() * ys_BK) / 2;
  }
};

}  // namespace

void add_sparse_parity() {
  icl::inputs().add<SignInputs>();
  icl::tasks().add<SparseParity>();
}
