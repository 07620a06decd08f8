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

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const int64_t each : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(each));
  }
  return names;
}

void choose_simd_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);  // all again
  for (const int64_t each : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(each)) hwy::SetSupportedTargetsForTest(each);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace icl::kernels::cpu
#endif
