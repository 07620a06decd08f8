// SPDX-License-Identifier: Apache-2.0
//
// The time mixing of RWKV-4 behind the dispatcher: schemas, checks, CPU kernels, shapes.
#include "icl/ops/wkv.h"

#include "src/ops/cpu_parts.h"
#include "src/ops/registration.h"
#include "src/ops/wkv/arguments.h"

namespace icl {
namespace ops {

void check_wkv(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
               const at::Tensor& v, const OptionalTensor& state) {
  Checker check("wkv", "k", k);
  check.dims(3);
  check.parameter("decay", decay, {k.sym_size(2)});
  check.parameter("bonus", bonus, {k.sym_size(2)});
  check.activation("v", v, k.sym_sizes());
  check.parameter("state", state, {k.sym_size(0), 3, k.sym_size(2)});
  check.done();
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_wkv_results(const at::Tensor& decay,
                                                                 const at::Tensor& k, bool save) {
  const c10::SymInt batch = k.sym_size(0), length = k.sym_size(1), width = k.sym_size(2);
  const c10::SymInt saved = save ? kernels::wkv_saved(batch, length, width) : c10::SymInt(0);
  return {at::empty_symint(k.sym_sizes(), k.options()),
          at::empty_symint({batch, 3, width}, decay.options()),
          at::empty_symint({saved}, decay.options())};
}

namespace {

constexpr char kForwardSchema[] =
    "wkv_forward(Tensor decay, Tensor bonus, Tensor k, Tensor v, Tensor? state, bool save) -> "
    "(Tensor y, Tensor state, Tensor saved)";
constexpr char kBackwardSchema[] =
    "wkv_backward(Tensor dy, Tensor? dstate, Tensor decay, Tensor bonus, Tensor k, Tensor v, "
    "Tensor? state, Tensor saved) -> (Tensor ddecay, Tensor dbonus, Tensor dk, Tensor dv, "
    "Tensor dstate)";

using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Results forward_cpu(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                    const at::Tensor& v, const OptionalTensor& state, bool save) {
  check_cpu_type("wkv", "k", k);
  check_wkv(decay, bonus, k, v, state);
  const WkvArguments arguments(decay, bonus, k, v, state);
  const Results results = empty_wkv_results(decay, k, save);
  AT_DISPATCH_FLOATING_TYPES(k.scalar_type(), "wkv", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = write<scalar_t>(std::get<0>(results));
    params.last_state = write<scalar_t>(std::get<1>(results));
    params.saved = save ? write<scalar_t>(std::get<2>(results)) : nullptr;
    for_blocks(params.batch * kernels::cpu::channel_blocks(params.width),
               [&](int64_t begin, int64_t end) { kernels::cpu::wkv_forward(params, begin, end); });
  });
  return results;
}

Gradients backward_cpu(const at::Tensor& dy, const OptionalTensor& dlast_state,
                       const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                       const at::Tensor& v, const OptionalTensor& state, const at::Tensor& saved) {
  const WkvArguments arguments(decay, bonus, k, v, state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous(dlast_state);
  const at::Tensor dk = grad_like(k), dv = grad_like(v), dstate = grad_like(state);
  const at::Tensor ddecay = at::empty({k.size(0), k.size(2)}, decay.options());
  const at::Tensor dbonus = at::empty_like(ddecay);
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(k.scalar_type(), "wkv_backward", [&] {
    kernels::WkvGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t, scalar_t>();
    params.forward.saved = write<scalar_t>(saved);
    params.dy_stride = dy_rows.stride();
    params.dy = read<scalar_t>(dy_rows);
    params.dlast_state = read<scalar_t>(dlast);
    params.dk = write<scalar_t>(dk);
    params.dv = write<scalar_t>(dv);
    params.dstate = write<scalar_t>(dstate);
    for_blocks(k.size(0) * kernels::cpu::channel_blocks(k.size(2)),
               [&](int64_t begin, int64_t end) {
                 kernels::cpu::wkv_backward(params, write<scalar_t>(ddecay),
                                            write<scalar_t>(dbonus), begin, end);
               });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {sum(ddecay), sum(dbonus), dk, dv, dstate};
  });
  return gradients;
}

Results forward_meta(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                     const at::Tensor& v, const OptionalTensor& state, bool save) {
  check_wkv(decay, bonus, k, v, state);
  return empty_wkv_results(decay, k, save);
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration wkv(library, kWkvSchema, wkv_reference);
  wkv.forward(kForwardSchema, forward_cpu, forward_meta);
  wkv.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

std::tuple<at::Tensor, at::Tensor> wkv(const at::Tensor& decay, const at::Tensor& bonus,
                                       const at::Tensor& k, const at::Tensor& v,
                                       const std::optional<at::Tensor>& state) {
  static const auto op = ops::find_operator<decltype(wkv)>("icl::wkv");
  return op.call(decay, bonus, k, v, state);
}

}  // namespace icl
