// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mixer.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace icl {
namespace {

// How many numbers the branched states of one batched query step may hold: 64 MiB of float32.
constexpr int64_t kBranchElements = int64_t{1} << 24;

// Query i of `queries` answered by `mixer` from `states[i]`: all of them as one batch.
at::Tensor answer(Mixer& mixer, const std::vector<std::vector<at::Tensor>>& states,
                  const at::Tensor& queries_BQM) {
  const int64_t n_queries = queries_BQM.size(1);
  std::vector<at::Tensor> slots;
  for (size_t slot = 0; slot < states.front().size(); ++slot) {
    std::vector<at::Tensor> of_slot;
    for (const auto& state : states) of_slot.push_back(state[slot]);
    slots.push_back(at::cat(of_slot, 0));  // [Q * B, ...]
  }
  const at::Tensor rows = queries_BQM.transpose(0, 1).reshape({-1, 1, queries_BQM.size(2)});
  return mixer.forward(rows, slots).view({n_queries, -1, queries_BQM.size(2)}).transpose(0, 1);
}

bool same_shapes(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const at::Tensor& x, const at::Tensor& y) { return x.sizes() == y.sizes(); });
}

}  // namespace

std::pair<at::Tensor, at::Tensor> Mixer::branch(const at::Tensor& context_BTM,
                                                const at::Tensor& queries_BQM,
                                                const std::vector<int64_t>& lengths) {
  std::vector<at::Tensor> state = initial_state(context_BTM.size(0));
  int64_t state_elements = 1;
  for (const auto& slot : state) state_elements += slot.numel();
  const auto group = static_cast<size_t>(std::max<int64_t>(1, kBranchElements / state_elements));

  std::vector<at::Tensor> context_outputs, query_outputs;
  std::vector<std::vector<at::Tensor>> waiting;  // states whose queries are not yet answered
  int64_t seen = 0;
  int64_t answered = 0;
  const auto advance = [&](int64_t to) {
    if (to == seen) return;
    context_outputs.push_back(forward(context_BTM.narrow(1, seen, to - seen), state));
    seen = to;
  };
  const auto flush = [&] {
    if (waiting.empty()) return;
    const auto count = static_cast<int64_t>(waiting.size());
    query_outputs.push_back(answer(*this, waiting, queries_BQM.narrow(1, answered, count)));
    answered += count;
    waiting.clear();
  };
  for (const int64_t length : lengths) {
    advance(length);
    // States that grow have another shape at each length, and are answered by themselves.
    if (!waiting.empty() && !same_shapes(waiting.back(), state)) flush();
    waiting.push_back(state);
    if (waiting.size() == group) flush();
  }
  flush();
  advance(context_BTM.size(1));
  return {context_outputs.empty() ? context_BTM : at::cat(context_outputs, 1),
          at::cat(query_outputs, 1)};
}

}  // namespace icl
