// SPDX-License-Identifier: Apache-2.0
//
// The delta rule by ordinary tensor operations: token by token, and in chunks.
#include <ATen/ATen.h>

#include <vector>

#include "icl/base/error.h"
#include "icl/ops/delta_rule.h"
#include "src/ops/delta_rule/arguments.h"

namespace icl {
namespace {

using OptionalTensor = std::optional<at::Tensor>;
using Pair = std::tuple<at::Tensor, at::Tensor>;

// The arguments in the type of states, all with H heads: q, k, a, b, log_decay [B, L, H, K] (a and
// b undefined if absent), v [B, L, H, V], state [B, H, K, V].
struct Heads {
  at::Tensor q, k, v, log_decay, a, b, state;

  Heads(const at::Tensor& q_, const at::Tensor& k_, const at::Tensor& v_,
        const at::Tensor& log_decay_, const OptionalTensor& a_, const OptionalTensor& b_,
        double scale, const OptionalTensor& initial_state) {
    const at::ScalarType type = log_decay_.scalar_type();
    const int64_t heads = v_.size(2), groups = q_.size(2), K = q_.size(3);
    const auto spread = [&](const at::Tensor& x) {
      return groups == heads ? x.to(type) : x.to(type).repeat_interleave(heads / groups, 2);
    };
    q = spread(q_) * scale;
    k = spread(k_);
    v = v_.to(type);
    log_decay =
        log_decay_.dim() == 4 ? log_decay_ : log_decay_.unsqueeze(-1).expand({-1, -1, -1, K});
    if (ops::has(a_)) a = a_->to(type);
    if (ops::has(b_)) b = b_->to(type);
    state = ops::has(initial_state)
                ? *initial_state
                : at::zeros({v.size(0), heads, K, v.size(3)}, log_decay.options());
  }
};

// x [B, H, K], m [B, H, K, V] -> x^T m [B, H, V]
at::Tensor read_rows(const at::Tensor& x, const at::Tensor& m) {
  return at::matmul(x.unsqueeze(-2), m).squeeze(-2);
}
at::Tensor outer_product(const at::Tensor& x, const at::Tensor& y) {
  return x.unsqueeze(-1) * y.unsqueeze(-2);
}

at::Tensor stacked(const std::vector<at::Tensor>& ys, const at::Tensor& v) {
  return (ys.empty() ? at::zeros_like(v) : at::stack(ys, 1)).to(v.scalar_type());
}

// One chunk: its outputs [B, H, C, V], and the state after it. The tokens' sizes are [B, H, C,
// ...].
//
// With Q_t = product of the decays up to t, token t reads b_t^T S_{t-1} =: u_t. As the state before
// t is Q_{t-1} S_0 + sum_{s<t} (Q_{t-1} / Q_s) (a_s u_s^T + k_s v_s^T),
//   u_t = (b_t Q_{t-1})^T S_0 + sum_{s<t} (ba_ts u_s + bk_ts v_s)
// with ba_ts = sum_k b_tk exp(log Q_{t-1} - log Q_s)_k a_sk: a lower triangular system for u.
Pair chunk_step(const Heads& x, at::Tensor state) {
  const int64_t C = x.q.size(2);
  // e^-800 is 0 in either type; a difference of two sums of -inf would be NaN.
  const at::Tensor log_decay = x.log_decay.clamp_min(-800);
  const at::Tensor after = log_decay.cumsum(2);  // log Q_t
  const at::Tensor before = after - log_decay;   // log Q_{t-1}
  const at::Tensor ones = at::ones({C, C}, state.options());
  // sum_k left_tk exp(until_t - after_s)_k right_sk where the token s comes before t (or at t, for
  // diagonal = 0). Masked places are set to 0 before the exponential, where they could overflow.
  const auto products = [&](const at::Tensor& left, const at::Tensor& until,
                            const at::Tensor& right, int64_t diagonal) {
    const at::Tensor mask = ones.tril(diagonal).to(at::kBool).unsqueeze(-1);  // [t, s, 1]
    const at::Tensor gap = until.unsqueeze(3) - after.unsqueeze(2);           // [B, H, t, s, K]
    const at::Tensor weight = at::where(mask, gap, at::zeros_like(gap)).exp();
    const at::Tensor sums = (left.unsqueeze(3) * weight * right.unsqueeze(2)).sum(-1);
    return at::where(mask.squeeze(-1), sums, at::zeros_like(sums));
  };
  at::Tensor y =
      at::matmul(x.q * after.exp(), state) + at::matmul(products(x.q, after, x.k, 0), x.v);
  const at::Tensor remains = (after.select(2, C - 1).unsqueeze(2) - after).exp();
  at::Tensor next = after.select(2, C - 1).exp().unsqueeze(-1) * state +
                    at::matmul((remains * x.k).transpose(-1, -2), x.v);
  if (x.a.defined()) {
    const at::Tensor right =
        at::matmul(x.b * before.exp(), state) + at::matmul(products(x.b, before, x.k, -1), x.v);
    const at::Tensor system = at::eye(C, state.options()) - products(x.b, before, x.a, -1);
    const at::Tensor u = at::linalg_solve_triangular(system, right, /*upper=*/false);
    y = y + at::matmul(products(x.q, after, x.a, 0), u);
    next = next + at::matmul((remains * x.a).transpose(-1, -2), u);
  }
  return {y, next};
}

}  // namespace

Pair delta_rule_reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const at::Tensor& log_decay, const OptionalTensor& a,
                          const OptionalTensor& b, double scale,
                          const OptionalTensor& initial_state) {
  ops::check_delta_rule(q, k, v, log_decay, a, b, initial_state);
  const Heads x(q, k, v, log_decay, a, b, scale, initial_state);
  // Slicing in the loop would make the backward pass quadratic in L.
  const std::vector<at::Tensor> qs = x.q.unbind(1), ks = x.k.unbind(1), vs = x.v.unbind(1);
  const std::vector<at::Tensor> decays = x.log_decay.exp().unbind(1);
  const std::vector<at::Tensor> as = x.a.defined() ? x.a.unbind(1) : std::vector<at::Tensor>();
  const std::vector<at::Tensor> bs = x.a.defined() ? x.b.unbind(1) : std::vector<at::Tensor>();
  at::Tensor state = x.state.clone();
  std::vector<at::Tensor> ys;
  for (size_t t = 0; t < qs.size(); ++t) {
    at::Tensor next = decays[t].unsqueeze(-1) * state + outer_product(ks[t], vs[t]);
    if (!as.empty()) next = next + outer_product(as[t], read_rows(bs[t], state));
    state = next;
    ys.push_back(read_rows(qs[t], state));
  }
  return {stacked(ys, v), state};
}

Pair delta_rule_chunked(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const at::Tensor& log_decay, const OptionalTensor& a,
                        const OptionalTensor& b, double scale, const OptionalTensor& initial_state,
                        int64_t chunk) {
  ops::check_delta_rule(q, k, v, log_decay, a, b, initial_state);
  if (chunk < 1) throw UsageError(str("delta_rule_chunked: chunk is ", chunk, ", expected >= 1"));
  const Heads whole(q, k, v, log_decay, a, b, scale, initial_state);
  at::Tensor state = whole.state.clone();
  std::vector<at::Tensor> ys;
  for (int64_t first = 0; first < q.size(1); first += chunk) {
    Heads part = whole;
    for (at::Tensor* x : {&part.q, &part.k, &part.v, &part.log_decay, &part.a, &part.b}) {
      if (x->defined()) {
        *x = x->slice(1, first, std::min(first + chunk, q.size(1))).transpose(1, 2);
      }
    }
    const auto [y, next] = chunk_step(part, state);
    ys.push_back(y.transpose(1, 2));
    state = next;
  }
  const at::Tensor y = ys.empty() ? at::zeros_like(v) : at::cat(ys, 1).to(v.scalar_type());
  return {y, state};
}

}  // namespace icl
