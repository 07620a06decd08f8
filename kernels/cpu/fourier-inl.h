// SPDX-License-Identifier: Apache-2.0
//
// Convolution and correlation of a vector of channels by Fourier transforms, each channel in a lane
// of its own. Included once for each SIMD target.
//
// The transforms are complex, of a power of two, in place. Forward is by decimation in frequency
// and leaves the spectrum in bit-reversed order; inverse starts from there: nothing is ever
// reordered, as products of spectra do not mind. Two real signals go through one transform as real
// and imaginary part, and their spectra are taken apart by symmetry: with z the common spectrum,
// (z(f) + conj z(-f)) / 2 is the first's and (z(f) - conj z(-f)) / 2i the second's.
#include <algorithm>
#include <cmath>

#include "hwy/aligned_allocator.h"
#include "kernels/cpu/long_conv.h"
#include "kernels/cpu/vector-inl.h"

#if defined(ICL_KERNELS_CPU_FOURIER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ICL_KERNELS_CPU_FOURIER_INL_H_
#undef ICL_KERNELS_CPU_FOURIER_INL_H_
#else
#define ICL_KERNELS_CPU_FOURIER_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Complex {
  V<T> re, im;
};
template <class T>
HWY_INLINE Complex<T> add(const Complex<T>& x, const Complex<T>& y) {
  return {hn::Add(x.re, y.re), hn::Add(x.im, y.im)};
}
template <class T>
HWY_INLINE Complex<T> subtract(const Complex<T>& x, const Complex<T>& y) {
  return {hn::Sub(x.re, y.re), hn::Sub(x.im, y.im)};
}
template <class T>
HWY_INLINE Complex<T> multiply(const Complex<T>& x, const Complex<T>& y) {
  return {hn::NegMulAdd(x.im, y.im, hn::Mul(x.re, y.re)),
          hn::MulAdd(x.re, y.im, hn::Mul(x.im, y.re))};
}
// conj(x) y
template <class T>
HWY_INLINE Complex<T> multiply_conjugate(const Complex<T>& x, const Complex<T>& y) {
  return {hn::MulAdd(x.im, y.im, hn::Mul(x.re, y.re)),
          hn::NegMulAdd(x.im, y.re, hn::Mul(x.re, y.im))};
}
template <class T>
HWY_INLINE Complex<T> times_i(const Complex<T>& x) {
  return {hn::Neg(x.im), x.re};
}
template <class T>
HWY_INLINE Complex<T> divided_by_i(const Complex<T>& x) {
  return {x.im, hn::Neg(x.re)};
}
template <class T>
HWY_INLINE Complex<T> conjugate(const Complex<T>& x) {
  return {x.re, hn::Neg(x.im)};
}

template <class T>
class Fourier {
 public:
  // For sequences of `length`; 0: never used.
  explicit Fourier(int64_t length) {
    if (length == 0) return;
    while (n_ < 2 * length) n_ *= 2;
    for (Signal* signal : {&signal_, &kernel_, &product_}) {
      *signal = hwy::AllocateAligned<T>(static_cast<size_t>(2 * n_ * lanes()));
    }
    roots_ = hwy::AllocateAligned<T>(static_cast<size_t>(2 * n_));
    for (int64_t i = 0; i < n_; ++i) {
      const double angle = -2 * M_PI * static_cast<double>(i) / static_cast<double>(n_);
      roots_[2 * i] = static_cast<T>(std::cos(angle));
      roots_[2 * i + 1] = static_cast<T>(std::sin(angle));
    }
  }

  // Prompts b .. b + prompts - 1 of a convolution, two vectors of channels. Each prompt has a
  // transform of its own, so that its bits do not depend on its neighbours.
  void convolve(const Convolution<T>& c, int64_t b, int64_t prompts, int64_t channel,
                int64_t count) {
    const Tag<T> d;
    const int64_t next = channel + lanes();
    const int64_t rest = std::max<int64_t>(0, count - lanes());  // channels of the second vector
    const auto pair = [&](const T* row) HWY_ATTR {
      return Complex<T>{load_lanes(d, row + channel, count),
                        rest > 0 ? load_lanes(d, row + next, rest) : hn::Zero(d)};
    };
    fill(kernel_, c.length, [&](int64_t l) HWY_ATTR { return pair(c.k + l * c.channels); });
    forward(kernel_);
    for_mirrored([&](int64_t f, int64_t mirror) HWY_ATTR {  // twice the spectra of the two vectors
      const Complex<T> z = load(kernel_, f), w = conjugate(load(kernel_, mirror));
      store(kernel_, f, add(z, w));
      store(product_, f, divided_by_i(subtract(z, w)));
    });
    const auto scale = hn::Set(d, 1 / static_cast<T>(4 * n_));
    const auto zero = hn::Zero(d);
    const Complex<T> skip = c.D == nullptr ? Complex<T>{zero, zero} : pair(c.D);
    for (int64_t i = b; i < b + prompts; ++i) {
      fill(signal_, c.length, [&](int64_t l) HWY_ATTR { return pair(c.u.at(i, l, 0)); });
      forward(signal_);
      for_mirrored([&](int64_t f, int64_t mirror) HWY_ATTR {
        const Complex<T> z = load(signal_, f), w = conjugate(load(signal_, mirror));
        const Complex<T> first = multiply(add(z, w), load(kernel_, f));
        const Complex<T> second = multiply(divided_by_i(subtract(z, w)), load(product_, f));
        store(signal_, f, add(first, times_i(second)));
        store(signal_, mirror, add(conjugate(first), times_i(conjugate(second))));
      });
      inverse(signal_);
      for (int64_t l = 0; l < c.length; ++l) {
        const Complex<T> y = load(signal_, l), u = pair(c.u.at(i, l, 0));
        store_lanes(d, hn::MulAdd(y.re, scale, hn::Mul(skip.re, u.re)), c.y.at(i, l, channel),
                    count);
        if (rest == 0) continue;
        store_lanes(d, hn::MulAdd(y.im, scale, hn::Mul(skip.im, u.im)), c.y.at(i, l, next), rest);
      }
    }
  }

  // The gradient of the kernel, dk_j = sum_b sum_l dy_{b,l} u_{b,l-j}, one vector of channels. In
  // conj(U) V the two prompts' correlations add up in the real part.
  void correlate(const LongConvGradParams<T, T>& g, int64_t channel, int64_t count) {
    const Tag<T> d;
    const LongConvParams<T, T>& p = g.forward;
    const Series<const T> u(p.u, p.length, p.u_stride, false);
    const Series<const T> dy(g.dy, p.length, g.dy_stride, false);
    std::fill_n(product_.get(), 2 * n_ * lanes(), T(0));
    for (int64_t b = 0; b < p.batch; b += 2) {
      const bool both = b + 1 < p.batch;
      const auto pair = [&](const Series<const T>& series) {
        return [&series, d, b, both, channel, count](int64_t l) HWY_ATTR {
          return Complex<T>{
              load_lanes(d, series.at(b, l, channel), count),
              both ? load_lanes(d, series.at(b + 1, l, channel), count) : hn::Zero(d)};
        };
      };
      fill(signal_, p.length, pair(u));
      fill(kernel_, p.length, pair(dy));
      forward(signal_);
      forward(kernel_);
      for (int64_t f = 0; f < n_; ++f) {
        store(product_, f,
              add(load(product_, f), multiply_conjugate(load(signal_, f), load(kernel_, f))));
      }
    }
    inverse(product_);
    const auto scale = hn::Set(d, 1 / static_cast<T>(n_));
    for (int64_t j = 0; j < p.length; ++j) {
      store_lanes(d, hn::Mul(load(product_, j).re, scale), g.dk + j * p.channels + channel, count);
    }
  }

 private:
  using Signal = hwy::AlignedFreeUniquePtr<T[]>;  // [n][real, imaginary][lanes]

  static int64_t lanes() { return static_cast<int64_t>(hn::Lanes(Tag<T>())); }
  static Complex<T> load(const Signal& x, int64_t i) {
    const Tag<T> d;
    return {hn::Load(d, &x[2 * i * lanes()]), hn::Load(d, &x[(2 * i + 1) * lanes()])};
  }
  static void store(Signal& x, int64_t i, const Complex<T>& value) {
    const Tag<T> d;
    hn::Store(value.re, d, &x[2 * i * lanes()]);
    hn::Store(value.im, d, &x[(2 * i + 1) * lanes()]);
  }
  // e^{-2 pi i index / n}
  Complex<T> root(int64_t index) const {
    const Tag<T> d;
    return {hn::Set(d, roots_[2 * index]), hn::Set(d, roots_[2 * index + 1])};
  }

  template <class Element>
  void fill(Signal& x, int64_t length, const Element& element) {
    for (int64_t l = 0; l < length; ++l) store(x, l, element(l));
    std::fill_n(&x[2 * length * lanes()], 2 * (n_ - length) * lanes(), T(0));
  }

  // Calls work(place of f, place of -f) for half of the frequencies, so that each is named once. In
  // bit-reversed order the mirror image of the places [m, 2 m), m a power of two, is their reverse;
  // 0 and 1 hold the frequencies 0 and n / 2, which are their own.
  template <class Work>
  void for_mirrored(const Work& work) const {
    work(0, 0);
    work(1, 1);
    for (int64_t m = 2; m < n_; m *= 2) {
      for (int64_t f = m; f < m + m / 2; ++f) work(f, 3 * m - 1 - f);
    }
  }

  // Two halvings at a time; one alone at the end if their number is odd.
  void forward(Signal& x) const {
    int64_t size = n_;
    for (; size >= 4; size /= 4) {
      const int64_t quarter = size / 4;
      for (int64_t start = 0; start < n_; start += size) {
        for (int64_t j = 0; j < quarter; ++j) {
          const int64_t at = start + j;
          const Complex<T> a = load(x, at), b = load(x, at + quarter);
          const Complex<T> c = load(x, at + 2 * quarter), e = load(x, at + 3 * quarter);
          const Complex<T> sum_ac = add(a, c), difference_ac = subtract(a, c);
          const Complex<T> sum_be = add(b, e), turned = times_i(subtract(b, e));
          const int64_t turn = j * (n_ / size);
          store(x, at, add(sum_ac, sum_be));
          store(x, at + quarter, multiply(subtract(sum_ac, sum_be), root(2 * turn)));
          store(x, at + 2 * quarter, multiply(subtract(difference_ac, turned), root(turn)));
          store(x, at + 3 * quarter, multiply(add(difference_ac, turned), root(3 * turn)));
        }
      }
    }
    if (size == 2) halve(x);
  }

  // Undoes forward, times n.
  void inverse(Signal& x) const {
    int64_t size = 4;
    if (odd_halvings()) {
      halve(x);
      size = 8;
    }
    for (; size <= n_; size *= 4) {
      const int64_t quarter = size / 4;
      for (int64_t start = 0; start < n_; start += size) {
        for (int64_t j = 0; j < quarter; ++j) {
          const int64_t at = start + j;
          const int64_t turn = j * (n_ / size);
          const Complex<T> a = load(x, at);
          const Complex<T> b = multiply_conjugate(root(2 * turn), load(x, at + quarter));
          const Complex<T> c = multiply_conjugate(root(turn), load(x, at + 2 * quarter));
          const Complex<T> e = multiply_conjugate(root(3 * turn), load(x, at + 3 * quarter));
          const Complex<T> sum_ab = add(a, b), difference_ab = subtract(a, b);
          const Complex<T> sum_ce = add(c, e), turned = times_i(subtract(c, e));
          store(x, at, add(sum_ab, sum_ce));
          store(x, at + quarter, add(difference_ab, turned));
          store(x, at + 2 * quarter, subtract(sum_ab, sum_ce));
          store(x, at + 3 * quarter, subtract(difference_ab, turned));
        }
      }
    }
  }

  void halve(Signal& x) const {
    for (int64_t i = 0; i < n_; i += 2) {
      const Complex<T> a = load(x, i), b = load(x, i + 1);
      store(x, i, add(a, b));
      store(x, i + 1, subtract(a, b));
    }
  }
  bool odd_halvings() const {
    int64_t size = n_;
    while (size >= 4) size /= 4;
    return size == 2;
  }

  int64_t n_ = 1;
  Signal signal_, kernel_, product_, roots_;
};

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
