// SPDX-License-Identifier: Apache-2.0
//
// Matrix products in a 16-bit type while the object lives; operators of icl on the CPU, norms and
// the residual stream stay in float32. Leaves autocast as it was.
#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>

namespace icl::language {

class Autocast {
 public:
  // No effect unless `type` is float16 or bfloat16.
  Autocast(at::ScalarType type, c10::DeviceType device)
      : on_(type == at::kHalf || type == at::kBFloat16),
        device_(device),
        was_on_(at::autocast::is_autocast_enabled(device)),
        was_type_(at::autocast::get_autocast_dtype(device)) {
    if (!on_) return;
    at::autocast::increment_nesting();
    at::autocast::set_autocast_dtype(device_, type);
    at::autocast::set_autocast_enabled(device_, true);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::set_autocast_enabled(device_, was_on_);
    at::autocast::set_autocast_dtype(device_, was_type_);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  c10::DeviceType device_;
  bool was_on_;
  at::ScalarType was_type_;
};

}  // namespace icl::language
