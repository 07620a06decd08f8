// SPDX-License-Identifier: Apache-2.0
//
// The test prompts of a task: a query and demonstrations that are not the query, all different.
//
//   const auto prompts = draw_prompts(task, {.shots = {0, 5}, .n_prompts = 400, .seed = 1});
//   prompt_text(prompts[0].shown(5), prompts[0].query.input);
//
// Prompt i is a function of (seed, task, i) alone. With fewer shots it has the same query and the
// first of the same demonstrations, so that shot counts are compared on the same queries.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "icl/language/tasks.h"

namespace icl {

struct LanguagePrompt {
  std::vector<WordPair> demos;  // as many as the largest shot count that the task has items for
  WordPair query;
  int64_t context = 0;  // prompts of one context have the same demonstrations

  std::span<const WordPair> shown(int64_t shots) const {
    return {demos.data(), static_cast<size_t>(shots)};
  }
};

struct LanguagePromptRequest {
  std::vector<int64_t> shots;
  int64_t n_prompts = 400;
  uint64_t seed = 0;
  std::string stream = "test prompts";  // separates uses of one seed
  // How many queries have the same demonstrations. 0, as published: each has its own.
  int64_t queries_per_context = 0;
};

// A prompt takes its demonstrations and a query, all different.
bool has_items_for(const LanguageTask& task, int64_t shots);

// Empty if the task has too few items even for the smallest shot count.
std::vector<LanguagePrompt> draw_prompts(const LanguageTask& task,
                                         const LanguagePromptRequest& request);

}  // namespace icl
