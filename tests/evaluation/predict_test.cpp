// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/predict.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "icl/models/chunks.h"
#include "tests/support/small_models.h"

namespace icl {
namespace {

using testing::small_model;

Prompts part_of(const Prompts& prompts, int64_t first, int64_t count) {
  const auto part = [&](const at::Tensor& whole) {
    return whole.defined() ? whole.narrow(0, first, count) : whole;
  };
  return {.xs_BKD = part(prompts.xs_BKD),
          .ys_BK = part(prompts.ys_BK),
          .queries_BKD = part(prompts.queries_BKD)};
}

// 70 prompts, more than a chunk: some of them alone, in company, and at another place of the chunk.
TEST(Predict, APredictionDoesNotDependOnThePromptsAroundIt) {
  const TaskConfig task{.n_dims = 5};
  for (const std::string& family : families().names()) {
    const auto model = small_model(family, task.n_dims, /*d_model=*/32);
    for (const char* name : {"standard", "random_quadrants"}) {
      const Prompts prompts =
          sample_prompts(*settings().find(name), task, {.n_points = 11, .batch_size = 70});
      const at::Tensor all = predict(*model, prompts);
      for (const auto& [first, count] :
           {std::pair<int64_t, int64_t>{0, 1}, {37, 1}, {63, 3}, {69, 1}, {5, 60}}) {
        EXPECT_TRUE(
            at::equal(predict(*model, part_of(prompts, first, count)), all.narrow(0, first, count)))
            << family << ", " << name << ": " << count << " prompts from " << first;
      }
    }
  }
}

TEST(Predict, ReportsItsProgressInEveryBlock) {
  const auto model = small_model("gpt2", 3);
  const Prompts prompts = sample_prompts(*settings().find("standard"), TaskConfig{.n_dims = 3},
                                         {.n_points = 4, .batch_size = 70});
  int calls = 0;
  predict(*model, prompts, [&](double share) {
    EXPECT_GE(share, 0);
    EXPECT_LT(share, 1);
    ++calls;
  });
  EXPECT_EQ(calls, 2 * 3);  // two chunks, each at its start and after both blocks
}

TEST(Chunks, PadWithTheLastRow) {
  const at::Tensor whole = at::arange(5);
  EXPECT_TRUE(at::equal(rows_of(whole, 0, 3), at::arange(3)));
  EXPECT_TRUE(at::equal(rows_of(whole, 3, 3), at::tensor({3, 4, 4}, at::kLong)));
  EXPECT_ANY_THROW(rows_of(whole, 5, 3));
}

TEST(Chunks, AreSmallerForLongPrompts) {
  const auto model = small_model("mamba", 3);
  EXPECT_EQ(chunk_rows(*model, 80), 64);
  const int64_t few = chunk_rows(*model, 1'000'000);
  EXPECT_LT(few, 64);
  EXPECT_GE(few, 1);
}

}  // namespace
}  // namespace icl
