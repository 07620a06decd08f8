// SPDX-License-Identifier: Apache-2.0
#include "tests/emulation/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace icl::emulation {
namespace {

// AddressSanitizer's redzones make frames of unrolled kernels large.
constexpr size_t kStackBytes = 512 * 1024;

Fiber* current = nullptr;
void* outer_context = nullptr;
[[maybe_unused]] const void* outer_bottom = nullptr;
[[maybe_unused]] size_t outer_size = 0;
[[maybe_unused]] void* outer_fake_stack = nullptr;

}  // namespace

#if defined(__x86_64__)
// swapcontext() makes two system calls each time; a kernel switches millions of times. This saves
// what the calling convention asks a callee to keep, nothing else.
extern "C" void icl_emulation_switch(void** save, void* load);
asm(R"(
.text
.globl icl_emulation_switch
.type icl_emulation_switch, @function
icl_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size icl_emulation_switch, .-icl_emulation_switch
)");
static void switch_context(void** save, void* load) {
  icl_emulation_switch(save, load);
}
#else
static void switch_context(void** save, void* load) {
  ucontext_t here;
  *save = &here;
  swapcontext(&here, static_cast<ucontext_t*>(load));
}
#endif

Fiber::Fiber() {
  stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack_ == MAP_FAILED) throw std::bad_alloc();
}

Fiber::~Fiber() {
  munmap(stack_, kStackBytes);
}

void Fiber::prepare(void (*entry)()) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStackBytes);
#endif
  entry_ = entry;
  fake_stack_ = nullptr;
  char* top = static_cast<char*>(stack_) + kStackBytes;
#if defined(__x86_64__)
  // As if begin() had been called: 6 saved registers, the address to return to, then a hole where
  // the caller's return address would be, which leaves the stack aligned as a function expects.
  void** frame = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 8; ++i) frame[i] = nullptr;
  frame[6] = reinterpret_cast<void*>(&Fiber::begin);
  context_ = frame;
#else
  auto* place = reinterpret_cast<ucontext_t*>(top - sizeof(ucontext_t) - 64);
  getcontext(place);
  place->uc_stack.ss_sp = stack_;
  place->uc_stack.ss_size = kStackBytes - sizeof(ucontext_t) - 64;
  makecontext(place, &Fiber::begin, 0);
  context_ = place;
#endif
}

void Fiber::begin() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &outer_bottom, &outer_size);
#endif
  current->entry_();
  std::abort();  // entry() must leave(true)
}

void Fiber::enter() {
  current = this;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&outer_fake_stack, stack_, kStackBytes);
#endif
  switch_context(&outer_context, context_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(outer_fake_stack, nullptr, nullptr);
#endif
  current = nullptr;
}

void Fiber::leave(bool done) {
  Fiber* self = current;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(done ? nullptr : &self->fake_stack_, outer_bottom, outer_size);
#else
  (void)done;
#endif
  switch_context(&self->context_, outer_context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(self->fake_stack_, &outer_bottom, &outer_size);
#endif
}

}  // namespace icl::emulation
