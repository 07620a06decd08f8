// SPDX-License-Identifier: Apache-2.0
//
// What torch.ops.load_library does, in a program that is linked with LibTorch alone: the library of
// operators is loaded from its file, and its operators are found by name and called.
//
//   load_operators FILE        exits with 0 if all is well
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>

#include <cstdio>
#include <string>

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

constexpr const char* kOperators[] = {
    "icl::selective_scan", "icl::causal_conv1d", "icl::add_rms_norm", "icl::wkv",
    "icl::s4d_kernel",     "icl::long_conv",     "icl::delta_rule"};

bool known(const char* name) {
  return c10::Dispatcher::singleton().findSchema({name, ""}).has_value();
}

// y = 3 + 2 * 2, by a kernel of two taps.
bool convolution_works() {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("icl::causal_conv1d", "");
  const at::Tensor x = at::tensor({2.0, 3.0}).view({1, 2, 1});
  const at::Tensor weight = at::tensor({2.0, 1.0}).view({1, 2});
  torch::jit::Stack stack{x, weight, c10::IValue(), false, c10::IValue()};
  op.callBoxed(stack);
  return stack.size() == 1 && stack[0].toTensor()[0][1][0].item<float>() == 7;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: load_operators FILE");
  for (const char* name : kOperators) {
    if (known(name)) return fail(std::string(name) + " is known before the library is loaded");
  }
  if (::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == nullptr) return fail(::dlerror());
  for (const char* name : kOperators) {
    if (!known(name)) return fail(std::string(name) + " is not in the library");
  }
  return convolution_works() ? 0 : fail("icl::causal_conv1d gives a wrong result");
}
