// SPDX-License-Identifier: Apache-2.0
//
// Gradients of the delta rule on the CPU. With S_t the state after step t, u_t = b_t^T S_{t-1}, and
// dS the gradient of S_t (what later steps left, plus scale q_t dy_t^T), a step back gives
//
//   dq = S_t scale dy     dk = dS v     da = dS u     dv = dS^T k     du = dS^T a
//   dlog_decay = decay * rows of (dS . S_{t-1})       db = S_{t-1} du
//   dS of the step before = decay * dS + b du^T
//
// Segments are visited in reverse, each run forward again from the state that the forward pass
// saved at its start, so that nothing is divided by a decay. Sums over columns are kept as vectors
// of columns first; a group of rows is then summed across lanes at once.
#include <algorithm>

#include "kernels/cpu/kernels.h"
#include "kernels/delta_rule.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/delta_rule_backward.cpp"
#include "hwy/foreach_target.h"
#include "kernels/cpu/delta_rule-inl.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

enum RowSum { kQuery, kKey, kDecay, kFirst, kSecond, kRowSums };  // of q, k, log_decay, a, b

template <class T>
struct GradScratch {
  static constexpr int64_t kLanes = HWY_LANES(T);
  static constexpr int64_t kColumns = kColumnVectors * kLanes;
  const int64_t rows;                     // K in whole vectors
  hwy::AlignedFreeUniquePtr<T[]> states;  // before each step of the segment, and after the last
  hwy::AlignedFreeUniquePtr<T[]> ds, decays, sums, totals;
  HWY_ALIGN T v[kDeltaSegment][kColumns];
  HWY_ALIGN T u[kDeltaSegment + 1][kColumns];
  HWY_ALIGN T dy[kColumns];
  HWY_ALIGN T dv[kColumns];
  HWY_ALIGN T du[kColumns];

  explicit GradScratch(int64_t key)
      : rows(padded<T>(key)),
        states(hwy::AllocateAligned<T>((kDeltaSegment + 1) * key * kColumns)),
        ds(hwy::AllocateAligned<T>(key * kColumns)),
        decays(hwy::AllocateAligned<T>(kDeltaSegment * rows)),
        sums(hwy::AllocateAligned<T>(kRowSums * rows * kLanes)),
        totals(hwy::AllocateAligned<T>(kRowSums * rows)) {
    std::fill_n(sums.get(), kRowSums * rows * kLanes, T(0));
  }
  T* state(int64_t step, int64_t key, int vectors) {
    return states.get() + step * key * vectors * kLanes;
  }
  T* sum(RowSum kind) { return sums.get() + kind * rows * kLanes; }
  T* total(RowSum kind) { return totals.get() + kind * rows; }
};

// Sums over the lanes of vectors [rows][lanes], rows a multiple of 4.
template <class T>
void sum_lanes(const T* vectors, int64_t rows, T* sums) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  for (int64_t j = 0; j < rows; ++j) {
    T sum = 0;
    for (int64_t i = 0; i < lanes; ++i) sum += vectors[j * lanes + i];
    sums[j] = sum;
  }
}
#if HWY_TARGET != HWY_SCALAR
// Four rows at once.
void sum_lanes(const float* vectors, int64_t rows, float* sums) {
  const Tag<float> d;
  const hn::Repartition<double, Tag<float>> pairs;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float buffer[HWY_LANES(float)];
  const auto added = [&](V<float> x, V<float> y) {
    return hn::Add(hn::InterleaveLower(d, x, y), hn::InterleaveUpper(d, x, y));
  };
  for (int64_t j = 0; j < rows; j += 4) {
    const auto row = [&](int64_t i) { return hn::Load(d, vectors + (j + i) * lanes); };
    const auto left = hn::BitCast(pairs, added(row(0), row(1)));
    const auto right = hn::BitCast(pairs, added(row(2), row(3)));
    // In each 128 bits: the four rows' sums over every fourth of those lanes.
    const auto four = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, left, right)),
                              hn::BitCast(d, hn::InterleaveUpper(pairs, left, right)));
    hn::Store(four, d, buffer);
    for (int i = 0; i < 4; ++i) {
      float sum = buffer[i];
      for (int64_t block = 4; block < lanes; block += 4) sum += buffer[block + i];
      sums[j + i] = sum;
    }
  }
}
#endif

// The first half of a step back, all but db: `ds` gets the output's part; `sums` and dv, du.
template <int W, bool kDelta, class T>
HWY_INLINE void read_back(const Factors<T>& x, int64_t rows, const T* before, const T* after,
                          const T* v, const T* u, GradScratch<T>& s) {
  const Tag<T> d;
  constexpr int64_t kLanes = GradScratch<T>::kLanes;
  V<T> vs[W], us[W], dys[W], dvs[W], dus[W];
  for (int c = 0; c < W; ++c) {
    vs[c] = hn::Load(d, v + c * kLanes);
    us[c] = kDelta ? hn::Load(d, u + c * kLanes) : hn::Zero(d);
    dys[c] = hn::Load(d, s.dy + c * kLanes);
    dvs[c] = dus[c] = hn::Zero(d);
  }
  T* const ds = s.ds.get();
  for (int64_t j = 0; j < rows; ++j) {
    const auto q = hn::Set(d, x.q[j]), k = hn::Set(d, x.k[j]), decay = hn::Set(d, x.decay[j]);
    const auto a = kDelta ? hn::Set(d, x.a[j]) : hn::Zero(d);
    auto dq = hn::Zero(d), dk = hn::Zero(d), dw = hn::Zero(d), da = hn::Zero(d);
    for (int c = 0; c < W; ++c) {
      const int64_t place = (j * W + c) * kLanes;
      const auto grad = hn::MulAdd(q, dys[c], hn::Load(d, ds + place));
      dq = hn::MulAdd(hn::Load(d, after + place), dys[c], dq);
      dk = hn::MulAdd(grad, vs[c], dk);
      dw = hn::MulAdd(grad, hn::Load(d, before + place), dw);
      dvs[c] = hn::MulAdd(k, grad, dvs[c]);
      if (kDelta) {
        da = hn::MulAdd(grad, us[c], da);
        dus[c] = hn::MulAdd(a, grad, dus[c]);
      }
      hn::Store(hn::Mul(decay, grad), d, ds + place);
    }
    hn::Store(dq, d, s.sum(kQuery) + j * kLanes);
    hn::Store(dk, d, s.sum(kKey) + j * kLanes);
    hn::Store(dw, d, s.sum(kDecay) + j * kLanes);
    if (kDelta) hn::Store(da, d, s.sum(kFirst) + j * kLanes);
  }
  for (int c = 0; c < W; ++c) {
    hn::Store(dvs[c], d, s.dv + c * kLanes);
    if (kDelta) hn::Store(dus[c], d, s.du + c * kLanes);
  }
}

// The second half, of u = b^T S_{t-1}: db, and its part of `ds`.
template <int W, class T>
HWY_INLINE void read_back_u(const Factors<T>& x, int64_t rows, const T* before, GradScratch<T>& s) {
  const Tag<T> d;
  constexpr int64_t kLanes = GradScratch<T>::kLanes;
  V<T> dus[W];
  for (int c = 0; c < W; ++c) dus[c] = hn::Load(d, s.du + c * kLanes);
  T* const ds = s.ds.get();
  for (int64_t j = 0; j < rows; ++j) {
    const auto b = hn::Set(d, x.b[j]);
    auto db = hn::Zero(d);
    for (int c = 0; c < W; ++c) {
      const int64_t place = (j * W + c) * kLanes;
      db = hn::MulAdd(hn::Load(d, before + place), dus[c], db);
      hn::Store(hn::MulAdd(b, dus[c], hn::Load(d, ds + place)), d, ds + place);
    }
    hn::Store(db, d, s.sum(kSecond) + j * kLanes);
  }
}

// The sums of one step into the gradients' rows; later blocks of columns add to earlier ones.
template <class T>
void add_row_gradients(const DeltaRuleGradParams<T, T>& p, const Head<T>& head, int64_t t,
                       const T* decay, bool first, GradScratch<T>& s) {
  const DeltaRuleParams<T, T>& f = p.forward;
  const int64_t kinds = f.a == nullptr ? kFirst : kRowSums;
  sum_lanes(s.sums.get(), kinds * s.rows, s.totals.get());
  const int64_t place = (head.row(t) * f.heads + head.h) * f.key;
  const auto add = [&](T* to, T value) { *to = first ? value : *to + value; };
  T scalar_decay = 0;
  for (int64_t j = 0; j < f.key; ++j) {
    add(p.dq + place + j, s.total(kQuery)[j]);
    add(p.dk + place + j, s.total(kKey)[j]);
    const T dlog = decay[j] * s.total(kDecay)[j];
    if (f.decay_per_key) {
      add(p.dlog_decay + place + j, dlog);
    } else {
      scalar_decay += dlog;
    }
    if (f.a != nullptr) {
      add(p.da + place + j, s.total(kFirst)[j]);
      add(p.db + place + j, s.total(kSecond)[j]);
    }
  }
  if (!f.decay_per_key) add(p.dlog_decay + head.row(t) * f.heads + head.h, scalar_decay);
}

// The states of the segment's steps, from the saved one on.
template <int W, bool kDelta, class T>
void run_segment(const Head<T>& head, int64_t segment, int64_t steps, int64_t first, int64_t count,
                 GradScratch<T>& s) {
  const DeltaRuleParams<T, T>& f = head.p;
  const int64_t start = segment * kDeltaSegment;
  load_rows<W>(head.saved(segment, first), f.key, f.value, count, s.state(0, f.key, W));
  if (kDelta) read_state<W>(head.second(start), f.key, s.state(0, f.key, W), s.u[0]);
  for (int64_t i = 0; i < steps; ++i) {
    T* const decay = s.decays.get() + i * s.rows;
    head.decays(start + i, decay);
    load_rows<W>(head.v(start + i) + first, 1, 0, count, s.v[i]);
    step<W, kDelta, false>(factors(head, start + i, decay), f.key, s.state(i, f.key, W),
                           s.state(i + 1, f.key, W), s.v[i], s.u[i], s.dy, s.u[i + 1]);
  }
}

template <int W, bool kDelta, class T>
void backward_columns(const DeltaRuleGradParams<T, T>& p, const Head<T>& head, int64_t first,
                      int64_t count, GradScratch<T>& s) {
  const Tag<T> d;
  const DeltaRuleParams<T, T>& f = p.forward;
  const T* dlast = p.dlast_state == nullptr ? nullptr : head.state(p.dlast_state, first);
  load_rows<W>(dlast, f.key, f.value, count, s.ds.get());
  const auto scale = hn::Set(d, static_cast<T>(f.scale));
  for (int64_t segment = (f.length + kDeltaSegment - 1) / kDeltaSegment - 1; segment >= 0;
       --segment) {
    const int64_t start = segment * kDeltaSegment;
    const int64_t steps = std::min(kDeltaSegment, f.length - start);
    run_segment<W, kDelta>(head, segment, steps, first, count, s);
    for (int64_t i = steps - 1; i >= 0; --i) {
      const int64_t t = start + i;
      const T* const decay = s.decays.get() + i * s.rows;
      load_rows<W>(p.dy + head.row(t) * p.dy_stride + head.h * f.value + first, 1, 0, count, s.dy);
      for (int c = 0; c < W; ++c) {
        T* const dy = s.dy + c * GradScratch<T>::kLanes;
        hn::Store(hn::Mul(scale, hn::Load(d, dy)), d, dy);
      }
      const Factors<T> x = factors(head, t, decay);
      read_back<W, kDelta>(x, f.key, s.state(i, f.key, W), s.state(i + 1, f.key, W), s.v[i], s.u[i],
                           s);
      if (kDelta) read_back_u<W>(x, f.key, s.state(i, f.key, W), s);
      store_rows<W>(s.dv, 1, 0, count, p.dv + (head.row(t) * f.heads + head.h) * f.value + first);
      add_row_gradients(p, head, t, decay, first == 0, s);
    }
  }
  if (p.dinitial_state != nullptr) {
    store_rows<W>(s.ds.get(), f.key, f.value, count, head.state(p.dinitial_state, first));
  }
}

template <class T>
void backward(const DeltaRuleGradParams<T, T>& p, int64_t begin, int64_t end) {
  GradScratch<T> scratch(p.forward.key);
  for (int64_t block = begin; block < end; ++block) {
    const Head<T> head{p.forward, block / p.forward.heads, block % p.forward.heads};
    for_columns<T>(p.forward.value, [&]<int W>(int64_t first, int64_t count) {
      p.forward.a == nullptr ? backward_columns<W, false>(p, head, first, count, scratch)
                             : backward_columns<W, true>(p, head, first, count, scratch);
    });
  }
}

void backward_float(const DeltaRuleGradParams<float, float>& p, int64_t begin, int64_t end) {
  backward(p, begin, end);
}
void backward_double(const DeltaRuleGradParams<double, double>& p, int64_t begin, int64_t end) {
  backward(p, begin, end);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

template <>
void delta_rule_backward(const DeltaRuleGradParams<float, float>& params, int64_t begin,
                         int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_float)(params, begin, end);
}
template <>
void delta_rule_backward(const DeltaRuleGradParams<double, double>& params, int64_t begin,
                         int64_t end) {
  HWY_DYNAMIC_DISPATCH(backward_double)(params, begin, end);
}

}  // namespace icl::kernels::cpu
#endif
