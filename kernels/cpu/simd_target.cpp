// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/simd_target.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace icl::kernels::cpu::HWY_NAMESPACE {
namespace {

const char* target() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
}  // namespace icl::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace icl::kernels::cpu {

HWY_EXPORT(target);

const char* simd_target() {
  return HWY_DYNAMIC_DISPATCH(target)();
}

}  // namespace icl::kernels::cpu
#endif
