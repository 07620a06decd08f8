// SPDX-License-Identifier: Apache-2.0
//
// Ten thousand steps of the recurrences, whose references take one step at a time.
#include "icl/ops/selective_scan.h"
#include "icl/ops/wkv.h"
#include "tests/ops/operator_check.h"

namespace icl {
namespace {

using namespace testing;  // NOLINT: the checks of every operator

constexpr int64_t kLength = 10007;

template <class Call>
TensorFunction pair_of(const Call& call) {
  return [call](const Tensors& in) {
    const auto [first, second] = call(in);
    return Tensors{first, second};
  };
}

TEST(GreatLengths, SelectiveScan) {
  const auto form = [](const auto& function) {
    return pair_of([function](const Tensors& in) {
      return function(in[0], in[1], in[2], in[3], in[4], {}, {}, {}, /*delta_softplus=*/true, {});
    });
  };
  at::manual_seed(1);
  check_against_reference(
      {"selective_scan",
       {"u", "delta", "A", "B", "C"},
       {"y", "last_state"},
       form(selective_scan),
       form(selective_scan_reference)},
      {normal({1, kLength, 2}), normal({1, kLength, 2}) * 0.5 - 1,
       -at::rand({2, 2}, at::kDouble) * 4 - 0.1, normal({1, kLength, 2}), normal({1, kLength, 2})},
      str("L=", kLength));
}

TEST(GreatLengths, Wkv) {
  const auto form = [](const auto& function) {
    return pair_of(
        [function](const Tensors& in) { return function(in[0], in[1], in[2], in[3], {}); });
  };
  at::manual_seed(1);
  check_against_reference(
      {.name = "wkv",
       .inputs = {"decay", "bonus", "k", "v"},
       .outputs = {"y", "state"},
       .fast = form(wkv),
       .reference = form(wkv_reference),
       .gradient_bound = 1e-5},
      {-normal({2}).exp(), normal({2}), normal({1, kLength, 2}), normal({1, kLength, 2})},
      str("L=", kLength));
}

}  // namespace
}  // namespace icl
