// SPDX-License-Identifier: Apache-2.0
//
// How the operators are put together.
//
//   icl::selective_scan(...)            C++ function, or torch.ops.icl.selective_scan
//     Autograd key                      src/ops/<op>.cpp: a torch::autograd::Function
//       forward:  icl::<op>_forward     per device; `save` asks for what the backward pass needs
//       backward: icl::<op>_backward    per device
//     CPU, CUDA, Meta keys              without gradients
//
// Operators whose backward pass needs nothing but the arguments have no `_forward`: their public
// operator itself has CPU, CUDA and Meta kernels. A device implements, through TORCH_LIBRARY_IMPL,
//
//   selective_scan_forward  selective_scan_backward     wkv_forward    wkv_backward
//   causal_conv1d           causal_conv1d_backward      add_rms_norm   add_rms_norm_backward
//   s4d_kernel              s4d_kernel_backward         long_conv      long_conv_backward
//
// with the schemas below. Contract of these kernels:
//  - The forward ones call the check of src/ops/checks.h first; the backward ones may rely on it.
//  - Arguments may be strided (see rows.h); results are contiguous.
//  - `saved` belongs to the device: only its own backward reads it. With save=false it is empty.
//  - A gradient of an absent optional argument is an undefined tensor. Each gradient has the type
//    of its argument. An incoming gradient that is absent (Tensor?) counts as zero.
//  - No graph is recorded around them; asking for a second derivative is answered by the Function.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

namespace icl {

using OptionalTensor = std::optional<at::Tensor>;

inline constexpr char kSelectiveScanForwardSchema[] =
    "selective_scan_forward(Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, "
    "Tensor? z, Tensor? delta_bias, bool delta_softplus, Tensor? initial_state, bool save) -> "
    "(Tensor y, Tensor last_state, Tensor saved)";
inline constexpr char kSelectiveScanBackwardSchema[] =
    "selective_scan_backward(Tensor dy, Tensor? dlast_state, Tensor u, Tensor delta, Tensor A, "
    "Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? delta_bias, bool delta_softplus, "
    "Tensor? initial_state, Tensor saved) -> (Tensor du, Tensor ddelta, Tensor dA, Tensor dB, "
    "Tensor dC, Tensor dD, Tensor dz, Tensor ddelta_bias, Tensor dinitial_state)";
inline constexpr char kCausalConv1dBackwardSchema[] =
    "causal_conv1d_backward(Tensor dy, Tensor x, Tensor weight, Tensor? bias, bool silu, "
    "Tensor? initial_state) -> (Tensor dx, Tensor dweight, Tensor dbias, Tensor dinitial_state)";
// `residual` is the one that the forward pass returned, dresidual the gradient of it; dx serves
// both x and the incoming residual.
inline constexpr char kAddRmsNormBackwardSchema[] =
    "add_rms_norm_backward(Tensor dnormed, Tensor? dresidual, Tensor residual, Tensor weight, "
    "float eps) -> (Tensor dx, Tensor dweight)";
inline constexpr char kWkvForwardSchema[] =
    "wkv_forward(Tensor decay, Tensor bonus, Tensor k, Tensor v, Tensor? state, bool save) -> "
    "(Tensor y, Tensor state, Tensor saved)";
inline constexpr char kWkvBackwardSchema[] =
    "wkv_backward(Tensor dy, Tensor? dlast_state, Tensor decay, Tensor bonus, Tensor k, Tensor v, "
    "Tensor? state, Tensor saved) -> (Tensor ddecay, Tensor dbonus, Tensor dk, Tensor dv, "
    "Tensor dstate)";
inline constexpr char kS4dKernelBackwardSchema[] =
    "s4d_kernel_backward(Tensor dk, Tensor log_dt, Tensor log_A_real, Tensor A_imag, Tensor C) -> "
    "(Tensor dlog_dt, Tensor dlog_A_real, Tensor dA_imag, Tensor dC)";
inline constexpr char kLongConvBackwardSchema[] =
    "long_conv_backward(Tensor dy, Tensor u, Tensor k, Tensor? D) -> "
    "(Tensor du, Tensor dk, Tensor dD)";

}  // namespace icl
