// SPDX-License-Identifier: Apache-2.0
//
// The delta rule behind the dispatcher: schemas, checks, CPU kernels, shapes.
#include "icl/ops/delta_rule.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/delta_rule/arguments.h"
#include "src/ops/registration.h"

namespace icl {
namespace ops {

void check_delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const at::Tensor& log_decay, const OptionalTensor& a, const OptionalTensor& b,
                      const OptionalTensor& initial_state) {
  Checker check("delta_rule", "q", q);
  check.dims(4);
  const c10::SymInt batch = q.sym_size(0), length = q.sym_size(1);
  const c10::SymInt groups = q.sym_size(2), key = q.sym_size(3);
  const bool has_heads = v.defined() && v.dim() == 4;
  const c10::SymInt heads = has_heads ? v.sym_size(2) : c10::SymInt(-1);
  const c10::SymInt value = has_heads ? v.sym_size(3) : c10::SymInt(-1);
  check.activation("k", k, q.sym_sizes());
  check.activation("v", v, {batch, length, -1, -1});
  if (has_heads && (groups == 0 ? heads != 0 : heads % groups != 0)) {
    check.problem(str("v is ", describe_tensor(v), ", expected a multiple of q's ",
                      icl::str(groups), " groups as its heads (dimension 2)"));
  }
  if (key < 1) check.problem(str("q is ", describe_tensor(q), ", expected K >= 1"));
  if (has_heads && value < 1) {
    check.problem(str("v is ", describe_tensor(v), ", expected V >= 1"));
  }
  if (log_decay.defined() && log_decay.dim() == 4) {
    check.parameter("log_decay", log_decay, {batch, length, heads, key});
  } else {
    check.parameter("log_decay", log_decay, {batch, length, heads});
  }
  check.activation("a", a, {batch, length, heads, key});
  check.activation("b", b, {batch, length, heads, key});
  if (has(a) != has(b)) {
    check.problem(has(a) ? "b is absent beside a, expected both or neither"
                         : "a is absent beside b, expected both or neither");
  }
  check.parameter("initial_state", initial_state, {batch, heads, key, value});
  check.done();
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_delta_rule_results(const at::Tensor& q,
                                                                        const at::Tensor& v,
                                                                        const at::Tensor& log_decay,
                                                                        bool save) {
  const c10::SymInt batch = q.sym_size(0), length = q.sym_size(1), key = q.sym_size(3);
  const c10::SymInt heads = v.sym_size(2), value = v.sym_size(3);
  const c10::SymInt saved =
      save ? kernels::delta_rule_saved(batch, length, heads, key, value) : c10::SymInt(0);
  return {at::empty_symint(v.sym_sizes(), v.options()),
          at::empty_symint({batch, heads, key, value}, log_decay.options()),
          at::empty_symint({saved}, log_decay.options())};
}

namespace {

constexpr char kForwardSchema[] =
    "delta_rule_forward(Tensor q, Tensor k, Tensor v, Tensor log_decay, Tensor? a, Tensor? b, "
    "float scale, Tensor? initial_state, bool save) -> "
    "(Tensor y, Tensor last_state, Tensor saved)";
constexpr char kBackwardSchema[] =
    "delta_rule_backward(Tensor dy, Tensor? dlast_state, Tensor q, Tensor k, Tensor v, "
    "Tensor log_decay, Tensor? a, Tensor? b, float scale, Tensor? initial_state, Tensor saved) -> "
    "(Tensor dq, Tensor dk, Tensor dv, Tensor dlog_decay, Tensor da, Tensor db, "
    "Tensor dinitial_state)";

using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Gradients =
    std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Results forward_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const at::Tensor& log_decay, const OptionalTensor& a, const OptionalTensor& b,
                    double scale, const OptionalTensor& initial_state, bool save) {
  check_cpu_type("delta_rule", "q", q);
  check_delta_rule(q, k, v, log_decay, a, b, initial_state);
  const DeltaRuleArguments arguments(q, k, v, log_decay, a, b, scale, initial_state);
  const Results results = empty_delta_rule_results(q, v, log_decay, save);
  AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "delta_rule", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = write<scalar_t>(std::get<0>(results));
    params.last_state = write<scalar_t>(std::get<1>(results));
    params.saved = save ? write<scalar_t>(std::get<2>(results)) : nullptr;
    for_blocks(params.batch * params.heads, [&](int64_t begin, int64_t end) {
      kernels::cpu::delta_rule_forward(params, begin, end);
    });
  });
  return results;
}

// Gradients [B, L, H, K] of each head, summed over the heads that share a group of `like`
// [B, L, G, K], in their order.
template <class T>
at::Tensor sum_of_heads(const at::Tensor& heads, const at::Tensor& like) {
  if (heads.size(2) == like.size(2)) return heads;
  const at::Tensor sum = grad_like(like);
  const int64_t shared = heads.size(2) / std::max<int64_t>(1, like.size(2)), K = like.size(3);
  const T* from = read<T>(heads);
  T* to = write<T>(sum);
  at::parallel_for(0, sum.numel() / K, /*grain_size=*/256, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      kernels::cpu::sum_parts<T>(from + group * shared * K, shared, K, to + group * K, 0, K);
    }
  });
  return sum;
}

Gradients backward_cpu(const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& q,
                       const at::Tensor& k, const at::Tensor& v, const at::Tensor& log_decay,
                       const OptionalTensor& a, const OptionalTensor& b, double scale,
                       const OptionalTensor& initial_state, const at::Tensor& saved) {
  const DeltaRuleArguments arguments(q, k, v, log_decay, a, b, scale, initial_state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous(dlast_state);
  const at::Tensor dq = at::empty({q.size(0), q.size(1), v.size(2), q.size(3)}, q.options());
  const at::Tensor dk = at::empty_like(dq);
  const at::Tensor dv = grad_like(v), ddecay = grad_like(log_decay);
  const at::Tensor da = grad_like(a), db = grad_like(b), dinitial = grad_like(initial_state);
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "delta_rule_backward", [&] {
    kernels::DeltaRuleGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t, scalar_t>();
    params.forward.saved = write<scalar_t>(saved);
    params.dy_stride = dy_rows.stride();
    params.dy = read<scalar_t>(dy_rows);
    params.dlast_state = read<scalar_t>(dlast);
    params.dq = write<scalar_t>(dq);
    params.dk = write<scalar_t>(dk);
    params.dv = write<scalar_t>(dv);
    params.dlog_decay = write<scalar_t>(ddecay);
    params.da = write<scalar_t>(da);
    params.db = write<scalar_t>(db);
    params.dinitial_state = write<scalar_t>(dinitial);
    for_blocks(params.forward.batch * params.forward.heads, [&](int64_t begin, int64_t end) {
      kernels::cpu::delta_rule_backward(params, begin, end);
    });
    gradients = {
        sum_of_heads<scalar_t>(dq, q), sum_of_heads<scalar_t>(dk, k), dv, ddecay, da, db, dinitial};
  });
  return gradients;
}

Results forward_meta(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& log_decay, const OptionalTensor& a, const OptionalTensor& b,
                     double /*scale*/, const OptionalTensor& initial_state, bool save) {
  check_delta_rule(q, k, v, log_decay, a, b, initial_state);
  return empty_delta_rule_results(q, v, log_decay, save);
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration delta(library, kDeltaRuleSchema, delta_rule_reference);
  delta.forward(kForwardSchema, forward_cpu, forward_meta);
  delta.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

std::tuple<at::Tensor, at::Tensor> delta_rule(const at::Tensor& q, const at::Tensor& k,
                                              const at::Tensor& v, const at::Tensor& log_decay,
                                              const std::optional<at::Tensor>& a,
                                              const std::optional<at::Tensor>& b, double scale,
                                              const std::optional<at::Tensor>& initial_state) {
  static const auto op = ops::find_operator<decltype(delta_rule)>("icl::delta_rule");
  return op.call(q, k, v, log_decay, a, b, scale, initial_state);
}

}  // namespace icl
