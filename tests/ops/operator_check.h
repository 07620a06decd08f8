// SPDX-License-Identifier: Apache-2.0
//
// What holds for every operator: its fast form against its reference, in values and gradients.
//
//   const Operator wkv{"wkv", {"decay", "bonus", "k", "v", "state"}, {"y", "state"}, run, run_ref};
//   check_against_reference(wkv, inputs, "L=41");
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include <string>
#include <vector>

#include "icl/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/temp_folder.h"

namespace icl::testing {

using Tensors = std::vector<at::Tensor>;

// Lengths around every tile and segment, and the field's own; the last ones with a small width.
inline constexpr int64_t kLengths[] = {1, 2, 3, 31, 32, 33, 41, 64, 65, 81, 82, 201, 255, 257};
inline constexpr int64_t kGreatLengths[] = {2047, 2049, 10007};
inline constexpr int64_t kWidths[] = {1, 7, 8, 15, 16, 17, 63, 64, 65, 130};

struct Operator {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  TensorFunction fast, reference;  // an undefined input is an absent optional argument
  double forward_bound = 2e-6;
  double gradient_bound = 5e-6;
  double double_bound = 1e-12;  // of the fast form in float64
};

inline at::Tensor normal(at::IntArrayRef shape) {
  return at::randn(shape, at::kDouble);
}

inline Tensors leaves(const Tensors& inputs, at::ScalarType type) {
  Tensors result;
  for (const at::Tensor& input : inputs) {
    result.push_back(
        input.defined()
            ? input.detach().to(type, /*non_blocking=*/false, /*copy=*/true).set_requires_grad(true)
            : input);
  }
  return result;
}

// All outputs, then the gradients of all inputs for fixed incoming gradients.
inline Tensors outputs_and_gradients(const TensorFunction& function, const Tensors& inputs,
                                     at::ScalarType type) {
  const Tensors in = leaves(inputs, type);
  Tensors out = function(in);
  at::manual_seed(5);
  at::Tensor loss = at::zeros({}, type);
  for (const at::Tensor& output : out) {
    loss = loss + (output * at::randn(output.sizes(), at::kFloat).to(type)).sum();
  }
  loss.backward();
  for (const at::Tensor& leaf : in) {
    if (!leaf.defined()) {
      out.emplace_back();
    } else {
      out.push_back(leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf));
    }
  }
  return out;
}

inline void check_against_reference(const Operator& op, Tensors inputs, const std::string& name) {
  for (at::Tensor& input : inputs) {  // to what float32 can hold: all see the same numbers
    if (input.defined()) input = input.to(at::kFloat).to(at::kDouble);
  }
  const Tensors oracle = outputs_and_gradients(op.reference, inputs, at::kDouble);
  const Tensors reference = outputs_and_gradients(op.reference, inputs, at::kFloat);
  const Tensors fast = outputs_and_gradients(op.fast, inputs, at::kFloat);
  const Tensors fast_double = outputs_and_gradients(op.fast, inputs, at::kDouble);
  ASSERT_EQ(fast.size(), op.outputs.size() + op.inputs.size());
  for (size_t i = 0; i < oracle.size(); ++i) {
    if (!oracle[i].defined()) continue;
    const bool output = i < op.outputs.size();
    const std::string what =
        name + (output ? " " + op.outputs[i] : " gradient of " + op.inputs[i - op.outputs.size()]);
    expect_close(what, fast[i], reference[i], oracle[i],
                 output ? op.forward_bound : op.gradient_bound);
    if (oracle[i].numel() > 0) {
      EXPECT_LE(relative_error(fast_double[i], oracle[i]), op.double_bound) << what;
    }
  }
}

// Byte for byte the same again, and for every number of threads.
inline void check_same_bits(const Operator& op, const Tensors& inputs) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensors first = outputs_and_gradients(op.fast, inputs, at::kFloat);
  for (const int threads : {1, 2, 3, 7}) {
    at::set_num_threads(threads);
    const Tensors again = outputs_and_gradients(op.fast, inputs, at::kFloat);
    for (size_t i = 0; i < first.size(); ++i) {
      if (!first[i].defined()) continue;
      EXPECT_TRUE(at::equal(first[i], again[i])) << threads << " threads: " << i;
    }
  }
  at::set_num_threads(before);
}

// Byte for byte the same results for a prompt, whoever its neighbours in the batch are: each prompt
// alone, and in the batch in reverse order. `by_prompt`: the inputs whose first dimension is the
// prompt. Gradients of the others are sums over prompts, and not compared.
inline void check_same_bits_in_any_batch(const Operator& op, const Tensors& inputs,
                                         const std::vector<size_t>& by_prompt) {
  const int64_t batch = inputs[by_prompt[0]].size(0);
  // The incoming gradients of a prompt are its own, too: all ones.
  const auto results_of = [&](const Tensors& in) {
    const Tensors given = leaves(in, at::kFloat);
    Tensors results = op.fast(given);
    at::Tensor loss = at::zeros({}, at::kFloat);
    for (const at::Tensor& result : results) loss = loss + result.sum();
    loss.backward();
    for (const size_t i : by_prompt) {
      results.push_back(given[i].defined() ? given[i].grad() : at::Tensor());
    }
    return results;
  };
  const auto chosen = [&](const at::Tensor& prompts) {
    Tensors in = inputs;
    for (const size_t i : by_prompt) {
      if (in[i].defined()) in[i] = in[i].index_select(0, prompts);
    }
    return results_of(in);
  };
  const Tensors whole = results_of(inputs);
  const auto expect_same = [&](const Tensors& found, const at::Tensor& prompts) {
    for (size_t i = 0; i < whole.size(); ++i) {
      if (!whole[i].defined()) continue;
      EXPECT_TRUE(at::equal(found[i], whole[i].index_select(0, prompts)))
          << op.name << ": result " << i << " of prompts " << prompts;
    }
  };
  for (int64_t b = 0; b < batch; ++b) {
    const at::Tensor alone = at::tensor({b}, at::kLong);
    expect_same(chosen(alone), alone);
  }
  const at::Tensor reversed = at::arange(batch - 1, -1, -1, at::kLong);
  expect_same(chosen(reversed), reversed);
}

// The same values from inputs whose elements lie apart in memory.
inline void check_strided(const Operator& op, const Tensors& inputs) {
  Tensors strided = inputs;
  for (at::Tensor& input : strided) {
    if (!input.defined()) continue;
    const at::Tensor wide = at::zeros_like(input).unsqueeze(-1).repeat_interleave(2, -1);
    input = wide.select(-1, 0).copy_(input);
    EXPECT_TRUE(input.numel() < 2 || !input.is_contiguous());
  }
  const Tensors plain = op.fast(inputs);
  const Tensors apart = op.fast(strided);
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_TRUE(at::equal(plain[i], apart[i])) << op.outputs[i];
  }
}

// A second derivative is refused with the name of the reference.
inline void check_second_derivative_is_refused(const Operator& op, const Tensors& inputs) {
  const Tensors in = leaves(inputs, at::kDouble);
  const at::Tensor grad = torch::autograd::grad({op.fast(in)[0].square().sum()}, {in[0]}, {},
                                                /*retain_graph=*/true, /*create_graph=*/true)[0];
  EXPECT_THAT(message_of([&] { grad.sum().backward(); }),
              ::testing::HasSubstr(op.name + "_reference"));
}

// Each call throws a UsageError that says all of these words.
inline void expect_refused(const std::function<void()>& call,
                           const std::vector<std::string>& words) {
  const std::string message = message_of(call);
  for (const std::string& word : words) EXPECT_THAT(message, ::testing::HasSubstr(word));
}

}  // namespace icl::testing
