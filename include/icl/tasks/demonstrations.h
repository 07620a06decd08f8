// SPDX-License-Identifier: Apache-2.0
//
// Documents of demonstrations of the paper's algorithmic tasks, one byte a token: each document is
// of one task and reads "example:a->b\nexample:c->d\n...", in the form of icl-nlp's prompts. The
// points of a document are its demonstrations; the first byte of each answer is scored.
//
//   const icl::Documents documents = icl::sample_documents(/*seed=*/1, /*step=*/0,
//   /*batch_size=*/4,
//                                                          /*n_points=*/5);
#pragma once

#include "icl/tasks/token_task.h"

namespace icl {

struct Demonstrations {
  static constexpr const char* kName = "demonstrations";
  static constexpr const char* kSummary =
      "documents of demonstrations of icl-nlp's algorithmic tasks, a byte a token";

  // At most as many points as the smallest task has items.
  void check(int64_t most_points, Problems& problems) const;
  TokenTaskTraits traits(int64_t n_points) const;
  // In the loss the first bytes of the answers have half of the weight, all other bytes the other
  // half, padding none: unweighted, the inputs, which nobody can guess, drown the answers.
  TokenBatch draw(const TokenRequest& request) const;
};

struct Documents {
  at::Tensor ids_BT;             // int64; shorter documents are padded with newlines
  std::vector<int64_t> lengths;  // without the padding
  // Of each document, the place of every demonstration's answer's first byte.
  std::vector<std::vector<int64_t>> answers;
};
// A pure function of its arguments.
Documents sample_documents(uint64_t seed, int64_t step, int64_t batch_size, int64_t n_points);

}  // namespace icl
