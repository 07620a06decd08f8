// SPDX-License-Identifier: Apache-2.0
//
// What the forward and the backward delta rule share. Included once for each SIMD target.
//
// The columns of the state do not know of each other: with state[k][c], column c is read and
// written with v[c] and y[c] alone. A vector holds neighbouring columns, and W vectors are worked
// on at once, so that each factor of a row (decay, key, query, a, b) is spread over a vector's
// lanes once for all of them. One pass over the rows makes a step: it decays the row, adds to it,
// reads the output and what the next step will read before its decay.
#include "hwy/aligned_allocator.h"
#include "kernels/cpu/vector-inl.h"
#include "kernels/delta_rule.h"

#if defined(ICL_KERNELS_CPU_DELTA_RULE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_DELTA_RULE_INL_H_
#undef ICL_KERNELS_CPU_DELTA_RULE_INL_H_
#else
#define ICL_KERNELS_CPU_DELTA_RULE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

// Vectors of columns worked on at once: as many as the registers hold.
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
constexpr int kColumnVectors = 4;
#else
constexpr int kColumnVectors = 2;
#endif

// One head of one prompt, and its rows at each step.
template <class T>
struct Head {
  const DeltaRuleParams<T, T>& p;
  int64_t b, h;

  int64_t row(int64_t t) const { return b * p.length + t; }
  int64_t group() const { return h / (p.heads / p.groups); }
  const T* q(int64_t t) const { return p.q + row(t) * p.q_stride + group() * p.key; }
  const T* k(int64_t t) const { return p.k + row(t) * p.k_stride + group() * p.key; }
  const T* v(int64_t t) const { return p.v + row(t) * p.v_stride + h * p.value; }
  const T* first(int64_t t) const { return p.a + row(t) * p.a_stride + h * p.key; }   // a
  const T* second(int64_t t) const { return p.b + row(t) * p.b_stride + h * p.key; }  // b
  // exp(log_decay) of the step for every row of the state, into `decay`, which holds whole vectors.
  void decays(int64_t t, T* decay) const {
    const Tag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const T* from = p.log_decay + row(t) * p.decay_stride;
    for (int64_t j = 0; j < p.key; j += lanes) {
      const auto logarithm =
          p.decay_per_key ? load_lanes(d, from + h * p.key + j, p.key - j) : hn::Set(d, from[h]);
      hn::Store(fast_exp(d, logarithm), d, decay + j);
    }
  }
  // The state's rows in a tensor [B, H, K, V], from column `column` on.
  template <class U>
  U* state(U* tensor, int64_t column) const {
    return tensor + (b * p.heads + h) * p.key * p.value + column;
  }
  T* saved(int64_t segment, int64_t column) const {
    const int64_t segments = (p.length + kDeltaSegment - 1) / kDeltaSegment;
    return p.saved + ((b * p.heads + h) * segments + segment) * p.key * p.value + column;
  }
};

// The factors of one step, [K] each.
template <class T>
struct Factors {
  const T *decay, *k, *q, *a, *b, *b_next;
};
template <class T>
Factors<T> factors(const Head<T>& head, int64_t t, const T* decay) {
  if (head.p.a == nullptr) return {decay, head.k(t), head.q(t), nullptr, nullptr, nullptr};
  const int64_t next = t + 1 < head.p.length ? t + 1 : t;  // past the end nobody looks at it
  return {decay, head.k(t), head.q(t), head.first(t), head.second(t), head.second(next)};
}

// Rows of `count` elements, `stride` apart in memory, to and from whole vectors of W: [K][W lanes].
template <int W, class T>
void load_rows(const T* from, int64_t rows, int64_t stride, int64_t count, T* to) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t j = 0; j < rows; ++j) {
    for (int c = 0; c < W; ++c) {
      const auto value = from == nullptr ? hn::Zero(d)
                                         : load_lanes(d, from + j * stride + c * lanes,
                                                      std::max<int64_t>(0, count - c * lanes));
      hn::Store(value, d, to + (j * W + c) * lanes);
    }
  }
}
template <int W, class T>
void store_rows(const T* from, int64_t rows, int64_t stride, int64_t count, T* to) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t j = 0; j < rows; ++j) {
    for (int c = 0; c < W; ++c) {
      const auto value = hn::Load(d, from + (j * W + c) * lanes);
      store_lanes(d, value, to + j * stride + c * lanes, std::max<int64_t>(0, count - c * lanes));
    }
  }
}

// b^T S: what the first step of a sequence or segment reads.
template <int W, class T>
void read_state(const T* b, int64_t rows, const T* state, T* u) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int c = 0; c < W; ++c) {
    auto sum = hn::Zero(d);
    for (int64_t j = 0; j < rows; ++j) {
      sum = hn::MulAdd(hn::Set(d, b[j]), hn::Load(d, state + (j * W + c) * lanes), sum);
    }
    hn::Store(sum, d, u + c * lanes);
  }
}

// One step from the state `before` to `after` (which may be the same memory) with u = b^T before;
// writes u of the next step, and y = S^T q if kOutput.
template <int W, bool kDelta, bool kOutput, class T>
HWY_INLINE void step(const Factors<T>& x, int64_t rows, const T* before, T* after, const T* v,
                     const T* u, T* y, T* u_next) {
  const Tag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V<T> vs[W], us[W], ys[W], nexts[W];
  for (int c = 0; c < W; ++c) {
    vs[c] = hn::Load(d, v + c * lanes);
    us[c] = kDelta ? hn::Load(d, u + c * lanes) : hn::Zero(d);
    ys[c] = nexts[c] = hn::Zero(d);
  }
  for (int64_t j = 0; j < rows; ++j) {
    const auto decay = hn::Set(d, x.decay[j]), k = hn::Set(d, x.k[j]);
    const auto q = kOutput ? hn::Set(d, x.q[j]) : hn::Zero(d);
    const auto a = kDelta ? hn::Set(d, x.a[j]) : hn::Zero(d);
    const auto b = kDelta ? hn::Set(d, x.b_next[j]) : hn::Zero(d);
    for (int c = 0; c < W; ++c) {
      const int64_t place = (j * W + c) * lanes;
      auto s = hn::Mul(decay, hn::Load(d, before + place));
      if (kDelta) s = hn::MulAdd(a, us[c], s);
      s = hn::MulAdd(k, vs[c], s);
      hn::Store(s, d, after + place);
      if (kOutput) ys[c] = hn::MulAdd(q, s, ys[c]);
      if (kDelta) nexts[c] = hn::MulAdd(b, s, nexts[c]);
    }
  }
  for (int c = 0; c < W; ++c) {
    if (kOutput) hn::Store(ys[c], d, y + c * lanes);
    if (kDelta) hn::Store(nexts[c], d, u_next + c * lanes);
  }
}

// Calls work.template operator()<W>(first column, columns) for the columns [0, V), the same cut for
// every prompt.
template <class T, class Work>
void for_columns(int64_t columns, const Work& work) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  int64_t first = 0;
  const auto next = [&]<int W>() {
    const int64_t count = std::min(columns - first, W * lanes);
    work.template operator()<W>(first, count);
    first += count;
  };
  while (columns - first > 2 * lanes) next.template operator()<kColumnVectors>();
  if (columns - first > lanes) next.template operator()<2>();
  if (columns > first) next.template operator()<1>();
}

template <class T>
int64_t padded(int64_t size) {
  constexpr int64_t kMost = 64 / sizeof(T);  // lanes of the widest vector, and the sums of 4 rows
  return (size + kMost - 1) / kMost * kMost;
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
