// SPDX-License-Identifier: Apache-2.0
#include "icl/language/prompts.h"

#include <algorithm>

namespace icl {
namespace {

std::vector<LanguagePrompt> separate_prompts(const LanguageTask& task,
                                             const LanguagePromptRequest& request,
                                             const RandomStream& stream, int64_t most) {
  std::vector<LanguagePrompt> prompts;
  for (int64_t i = 0; i < request.n_prompts; ++i) {
    const std::vector<WordPair> items = task.draw(stream.at_step(i), 1 + most);
    prompts.push_back({.demos = {items.begin() + 1, items.end()}, .query = items[0], .context = i});
  }
  return prompts;
}

// Of the items drawn for a context, the demonstrations come first, then the queries.
std::vector<LanguagePrompt> shared_prompts(const LanguageTask& task,
                                           const LanguagePromptRequest& request,
                                           const RandomStream& stream, int64_t most) {
  const int64_t queries = std::min(request.queries_per_context, task.n_items() - most);
  std::vector<LanguagePrompt> prompts;
  std::vector<WordPair> items;
  for (int64_t i = 0; i < request.n_prompts; ++i) {
    const int64_t context = i / queries;
    if (i % queries == 0) {
      items = task.draw(stream.child("shared").at_step(context), most + queries);
    }
    prompts.push_back({.demos = {items.begin(), items.begin() + most},
                       .query = items[static_cast<size_t>(most + i % queries)],
                       .context = context});
  }
  return prompts;
}

}  // namespace

std::vector<LanguagePrompt> draw_prompts(const LanguageTask& task,
                                         const LanguagePromptRequest& request) {
  int64_t most = -1;
  for (const int64_t shots : request.shots) {
    if (has_items_for(task, shots)) most = std::max(most, shots);
  }
  if (most < 0) return {};
  const RandomStream stream = RandomStream(request.seed, request.stream).child(task.info().name);
  return request.queries_per_context > 0 ? shared_prompts(task, request, stream, most)
                                         : separate_prompts(task, request, stream, most);
}

bool has_items_for(const LanguageTask& task, int64_t shots) {
  return task.n_items() >= shots + 1;
}

}  // namespace icl
