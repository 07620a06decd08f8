// SPDX-License-Identifier: Apache-2.0
//
// A stack of its own that can be entered and left, known to AddressSanitizer.
#pragma once

#include <cstddef>

namespace icl::emulation {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Makes the next enter() call entry(), which must end by leave(true). Whatever the stack held is
  // dropped without destructors.
  void prepare(void (*entry)());
  void enter();
  // Returns to where this fiber was entered; the last time with done = true.
  static void leave(bool done);

 private:
  static void begin();

  void* stack_ = nullptr;
  void* context_ = nullptr;
  void* fake_stack_ = nullptr;
  void (*entry_)() = nullptr;
};

}  // namespace icl::emulation
