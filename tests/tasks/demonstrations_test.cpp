// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/demonstrations.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace icl {
namespace {

// The texts of documents.
std::vector<std::string> texts_of(const Documents& documents) {
  std::vector<std::string> texts;
  for (size_t b = 0; b < documents.lengths.size(); ++b) {
    std::string& text = texts.emplace_back();
    for (int64_t t = 0; t < documents.lengths[b]; ++t) {
      text += static_cast<char>(documents.ids_BT[static_cast<int64_t>(b)][t].item<int64_t>());
    }
  }
  return texts;
}

TEST(Documents, AreDemonstrationsOfOneTaskEach) {
  const Documents documents = sample_documents(1, 5, 60, 4);
  const std::vector<std::string> texts = texts_of(documents);
  ASSERT_EQ(texts.size(), 60u);
  int n_upper = 0, n_next = 0, n_lists = 0;
  for (size_t b = 0; b < texts.size(); ++b) {
    EXPECT_EQ(std::count(texts[b].begin(), texts[b].end(), '\n'), 4) << texts[b];
    EXPECT_TRUE(texts[b].starts_with("example:") && texts[b].ends_with("\n"));
    ASSERT_EQ(documents.answers[b].size(), 4u);
    int upper = 0, next = 0;
    for (const int64_t place : documents.answers[b]) {
      const auto at = static_cast<size_t>(place);
      EXPECT_EQ(texts[b].substr(at - 2, 2), "->");
      EXPECT_EQ(texts[b][at + 1], '\n');
      upper += texts[b][at] == texts[b][at - 3] - 'a' + 'A';
      next += texts[b][at] == texts[b][at - 3] + 1;
    }
    n_upper += upper == 4;
    n_next += next == 4;
    n_lists += texts[b].find(',') != std::string::npos;
  }
  EXPECT_GT(n_upper, 2);
  EXPECT_GT(n_next, 2);
  EXPECT_GT(n_lists, 8);
}

TEST(Documents, AreAFunctionOfSeedAndStepAndPaddedWithNewlines) {
  const Documents documents = sample_documents(1, 5, 8, 4);
  EXPECT_TRUE(at::equal(documents.ids_BT, sample_documents(1, 5, 8, 4).ids_BT));
  EXPECT_NE(texts_of(documents), texts_of(sample_documents(1, 6, 8, 4)));
  EXPECT_NE(texts_of(documents), texts_of(sample_documents(2, 5, 8, 4)));
  int64_t longest = 0;
  for (size_t b = 0; b < 8; ++b) {
    longest = std::max(longest, documents.lengths[b]);
    EXPECT_TRUE(documents.ids_BT[static_cast<int64_t>(b)]
                    .slice(0, documents.lengths[b])
                    .eq('\n')
                    .all()
                    .item<bool>());
  }
  EXPECT_EQ(documents.ids_BT.size(1), longest);
}

// Half of the loss is that of the answers' first bytes, half that of all others; padding has no
// weight.
TEST(Demonstrations, WeighAnswersLikeEverythingElseTogether) {
  const TokenBatch batch =
      Demonstrations{}.draw({.seed = 1, .step = 5, .batch_size = 8, .n_points = 4});
  EXPECT_EQ(batch.scored_BK.sizes(), (at::IntArrayRef{8, 4}));
  EXPECT_NEAR(batch.weights_BT.gather(1, batch.scored_BK).sum().item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(batch.weights_BT.sum().item<double>(), 1, 1e-6);
  const Documents documents = sample_documents(1, 5, 8, 4);
  EXPECT_TRUE(at::equal(batch.inputs_BT.slice(1, 1), batch.targets_BT.slice(1, 0, -1)));
  for (size_t b = 0; b < 8; ++b) {
    const at::Tensor row = batch.weights_BT[static_cast<int64_t>(b)];
    EXPECT_EQ((row > 0).sum().item<int64_t>(), documents.lengths[b] - 1);
    EXPECT_EQ(batch.scored_BK[static_cast<int64_t>(b)][0].item<int64_t>(),
              documents.answers[b][0] - 1);
  }
}

}  // namespace
}  // namespace icl
