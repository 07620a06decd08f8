// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/selective_scan.h"

namespace icl::kernels {
namespace {

// Each multiprocessor has 4 schedulers; two warps on each hide the latency of the recurrence, as
// every thread carries several independent states. One less, so that 64 sequences of 512 channels
// (1024 warps) count as enough for 132 multiprocessors: splitting their states would only add work.
constexpr int kWarpsPerMultiprocessor = 7;
// Cutting time costs two more passes over delta and B and three launches instead of one: a piece
// shorter than this does not repay them.
constexpr int64_t kShortestChunk = 128;

ScanPlan cut(int lanes, int64_t warps, int64_t length, int64_t wanted_warps) {
  ScanPlan plan;
  plan.lanes = lanes;
  plan.chunk_length = length;
  if (warps == 0 || warps >= wanted_warps || length < 2 * kShortestChunk) return plan;
  const int64_t wanted = (wanted_warps + warps - 1) / warps;
  const int64_t chunks = std::min(wanted, length / kShortestChunk);
  plan.chunk_length = (length + chunks - 1) / chunks;
  plan.chunk_length = (plan.chunk_length + 31) / 32 * 32;
  plan.chunks = (length + plan.chunk_length - 1) / plan.chunk_length;
  return plan;
}

}  // namespace

// One thread to a channel does the least work per element: taken when there are channels enough.
// Otherwise the states of a channel are split over lanes, and if that is still too little the
// sequence is cut into pieces. Beyond 16 states a thread's registers ask for lanes in any case.
ScanPlan plan_scan_forward(int64_t batch, int64_t length, int64_t width, int64_t n_state,
                           int multiprocessors) {
  const int64_t wanted = int64_t{kWarpsPerMultiprocessor} * multiprocessors;
  const auto warps = [&](int lanes) { return batch * ((width * lanes + 31) / 32); };
  int lanes = n_state <= 16 ? 1 : n_state <= 64 ? 4 : 16;
  if (lanes == 1 && warps(1) < wanted) lanes = 4;
  return cut(lanes, warps(lanes), length, wanted);
}

// The backward kernel has one shape, 32 channels to a warp; only time can be cut.
ScanPlan plan_scan_backward(int64_t batch, int64_t length, int64_t width, int64_t,
                            int multiprocessors) {
  const int64_t wanted = int64_t{kWarpsPerMultiprocessor} * multiprocessors;
  return cut(1, batch * ((width + 31) / 32), length, wanted);
}

}  // namespace icl::kernels
