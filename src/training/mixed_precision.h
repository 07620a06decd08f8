// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>

#include <string>

namespace icl {

// Matrix products in bfloat16 while it lives; parameters, residual stream and states stay float32.
// The caller's own autocast state comes back at the end.
class MixedPrecision {
 public:
  MixedPrecision(const std::string& precision, c10::Device device)
      : on_(precision == "bfloat16"),
        type_(device.type()),
        was_enabled_(at::autocast::is_autocast_enabled(type_)),
        old_dtype_(at::autocast::get_autocast_dtype(type_)) {
    if (!on_) return;
    at::autocast::set_autocast_dtype(type_, at::kBFloat16);
    at::autocast::set_autocast_enabled(type_, true);
  }
  ~MixedPrecision() {
    if (!on_) return;
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(type_, was_enabled_);
    at::autocast::set_autocast_dtype(type_, old_dtype_);
  }
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
  bool on_;
  c10::DeviceType type_;
  bool was_enabled_;
  at::ScalarType old_dtype_;
};

}  // namespace icl
