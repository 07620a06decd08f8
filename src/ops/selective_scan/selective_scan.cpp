// SPDX-License-Identifier: Apache-2.0
//
// The selective scan behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/selective_scan.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/registration.h"
#include "src/ops/selective_scan/arguments.h"

namespace icl {
namespace ops {

void check_selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                          const OptionalTensor& z, const OptionalTensor& delta_bias,
                          const OptionalTensor& initial_state) {
  Checker check("selective_scan", "u", u);
  check.dims(3);
  const c10::SymInt batch = u.sym_size(0), length = u.sym_size(1), width = u.sym_size(2);
  const c10::SymInt n_state = A.defined() && A.dim() == 2 ? A.sym_size(1) : c10::SymInt(-1);
  check.activation("delta", delta, u.sym_sizes());
  check.parameter("A", A, {width, -1});
  if (A.defined() && A.dim() == 2 && (n_state < 1 || n_state > kernels::kMostScanStates)) {
    check.problem(str("A is ", describe_tensor(A), ", expected 1 to ", kernels::kMostScanStates,
                      " states in its last dimension"));
  }
  check.activation("B", B, {batch, length, n_state});
  check.activation("C", C, {batch, length, n_state});
  check.parameter("D", D, {width});
  check.activation("z", z, {batch, length, width});
  check.parameter("delta_bias", delta_bias, {width});
  check.parameter("initial_state", initial_state, {batch, width, n_state});
  check.done();
}

void check_is_query(const at::Tensor& is_query, const at::Tensor& u) {
  check_shape("selective_scan_queries", "is_query", is_query, {u.size(1)});
  check_type("selective_scan_queries", "is_query", is_query, at::kBool);
  check_device("selective_scan_queries", "is_query", is_query, at::kCPU);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_selective_scan_results(const at::Tensor& u,
                                                                            const at::Tensor& A,
                                                                            bool save) {
  const c10::SymInt batch = u.sym_size(0), length = u.sym_size(1), width = u.sym_size(2);
  const c10::SymInt n_state = A.sym_size(1);
  c10::SymInt saved = 0;
  if (save) {
    saved = A.scalar_type() == at::kDouble
                ? kernels::selective_scan_saved<double>(batch, length, width, n_state)
                : kernels::selective_scan_saved<float>(batch, length, width, n_state);
  }
  return {at::empty_symint(u.sym_sizes(), u.options()),
          at::empty_symint({batch, width, n_state}, A.options()),
          at::empty_symint({saved}, A.options())};
}

namespace {

constexpr char kForwardSchema[] =
    "selective_scan_forward(Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, "
    "Tensor? z, Tensor? delta_bias, bool delta_softplus, Tensor? initial_state, bool save) -> "
    "(Tensor y, Tensor last_state, Tensor saved)";
constexpr char kBackwardSchema[] =
    "selective_scan_backward(Tensor dy, Tensor? dlast_state, Tensor u, Tensor delta, Tensor A, "
    "Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? delta_bias, bool delta_softplus, "
    "Tensor? initial_state, Tensor saved) -> (Tensor du, Tensor ddelta, Tensor dA, Tensor dB, "
    "Tensor dC, Tensor dD, Tensor dz, Tensor ddelta_bias, Tensor dinitial_state)";

using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
                             at::Tensor, at::Tensor, at::Tensor>;

Results forward_cpu(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                    const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                    const OptionalTensor& z, const OptionalTensor& delta_bias, bool softplus,
                    const OptionalTensor& initial_state, bool save) {
  check_cpu_type("selective_scan", "u", u);
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  const SelectiveScanArguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus,
                                         initial_state);
  const Results results = empty_selective_scan_results(u, A, save);
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = write<scalar_t>(std::get<0>(results));
    params.last_state = write<scalar_t>(std::get<1>(results));
    params.saved = save ? write<scalar_t>(std::get<2>(results)) : nullptr;
    const int64_t blocks = u.size(0) * kernels::cpu::channel_blocks(u.size(2));
    for_blocks(blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_forward(params, begin, end);
    });
  });
  return results;
}

Gradients backward_cpu(const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& u,
                       const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                       const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
                       const OptionalTensor& delta_bias, bool softplus,
                       const OptionalTensor& initial_state, const at::Tensor& saved) {
  const SelectiveScanArguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus,
                                         initial_state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous(dlast_state);
  const int64_t batch = u.size(0);
  const int64_t width = u.size(2);
  const int64_t channel_blocks = kernels::cpu::channel_blocks(width);
  const at::Tensor du = grad_like(u), ddelta = grad_like(delta), dz = grad_like(z);
  const at::Tensor dinitial = grad_like(initial_state);
  const at::Tensor dB = at::empty({channel_blocks, batch, u.size(1), A.size(1)}, u.options());
  const at::Tensor dC = at::empty_like(dB);
  const at::Tensor dA = at::empty({batch, width, A.size(1)}, A.options());
  const at::Tensor dD = at::empty({batch, width}, A.options());
  const at::Tensor dbias = at::empty({batch, width}, A.options());
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan_backward", [&] {
    kernels::SelectiveScanGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t, scalar_t>();
    params.forward.saved = write<scalar_t>(saved);
    params.dy_stride = dy_rows.stride();
    params.dy = read<scalar_t>(dy_rows);
    params.dlast_state = read<scalar_t>(dlast);
    params.du = write<scalar_t>(du);
    params.ddelta = write<scalar_t>(ddelta);
    params.dz = write<scalar_t>(dz);
    params.dinitial_state = write<scalar_t>(dinitial);
    const kernels::cpu::SelectiveScanPartials<scalar_t> parts{
        dB.data_ptr<scalar_t>(), dC.data_ptr<scalar_t>(), dA.data_ptr<scalar_t>(),
        dD.data_ptr<scalar_t>(), dbias.data_ptr<scalar_t>()};
    for_blocks(batch * channel_blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_backward(params, parts, begin, end);
    });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {du,      ddelta,
                 sum(dA), sum(dB),
                 sum(dC), has(D) ? sum(dD) : at::Tensor(),
                 dz,      has(delta_bias) ? sum(dbias) : at::Tensor(),
                 dinitial};
  });
  return gradients;
}

Results forward_meta(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                     const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                     const OptionalTensor& z, const OptionalTensor& delta_bias, bool /*softplus*/,
                     const OptionalTensor& initial_state, bool save) {
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  return empty_selective_scan_results(u, A, save);
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration scan(library, kSelectiveScanSchema, selective_scan_reference);
  scan.forward(kForwardSchema, forward_cpu, forward_meta);
  scan.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

std::tuple<at::Tensor, at::Tensor> selective_scan(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const std::optional<at::Tensor>& D, const std::optional<at::Tensor>& z,
    const std::optional<at::Tensor>& delta_bias, bool delta_softplus,
    const std::optional<at::Tensor>& initial_state) {
  static const auto op = ops::find_operator<decltype(selective_scan)>("icl::selective_scan");
  return op.call(u, delta, A, B, C, D, z, delta_bias, delta_softplus, initial_state);
}

at::Tensor selective_scan_queries(const at::Tensor& is_query, const at::Tensor& u,
                                  const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                                  const at::Tensor& C, const std::optional<at::Tensor>& D,
                                  const std::optional<at::Tensor>& z,
                                  const std::optional<at::Tensor>& delta_bias,
                                  bool delta_softplus) {
  const auto or_undefined = [](const std::optional<at::Tensor>& tensor) {
    return tensor.value_or(at::Tensor());
  };
  ops::check_cpu_type("selective_scan_queries", "u", u);
  ops::check_selective_scan(u, delta, A, B, C, D, z, delta_bias, {});
  ops::check_is_query(is_query, u);
  check_device("selective_scan_queries", "u", u, at::kCPU);
  if (ops::needs_gradient(
          {u, delta, A, B, C, or_undefined(D), or_undefined(z), or_undefined(delta_bias)})) {
    throw UsageError(
        "icl::selective_scan_queries has no gradients; for them use "
        "icl::selective_scan_queries_reference");
  }
  const ops::SelectiveScanArguments arguments(u, delta, A, B, C, D, z, delta_bias, delta_softplus,
                                              {});
  const at::Tensor flags = is_query.contiguous();
  const at::Tensor y = at::empty(u.sizes(), u.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan_queries", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = ops::write<scalar_t>(y);
    const int64_t blocks = u.size(0) * kernels::cpu::channel_blocks(u.size(2));
    ops::for_blocks(blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_forward(params, begin, end, flags.const_data_ptr<bool>());
    });
  });
  return y;
}

}  // namespace icl
