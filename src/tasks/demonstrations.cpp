// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/demonstrations.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "icl/base/error.h"
#include "icl/base/random.h"
#include "icl/tasks/word_items.h"

namespace icl {
namespace {

// The six algorithmic tasks of the paper: none needs a word list.
constexpr const char* kTasks[] = {"next_letter", "prev_letter", "list_first",
                                  "list_last",   "to_upper",    "to_lower"};
constexpr int64_t kByteTokens = 256;
constexpr int64_t kLongestDemonstration = 19;  // "example:a,b,c,d->a\n"

const std::vector<WordItems>& items() {
  static const std::vector<WordItems> list = [] {
    std::vector<WordItems> made;
    for (const char* name : kTasks) made.push_back(algorithmic_items(name));
    return made;
  }();
  return list;
}

int64_t most_items() {
  int64_t most = items().front().n_items();
  for (const WordItems& task : items()) most = std::min(most, task.n_items());
  return most;
}

}  // namespace

void Demonstrations::check(int64_t most_points, Problems& problems) const {
  if (most_points <= most_items()) return;
  problems.add("task",
               str("demonstrations: the smallest task has ", most_items(),
                   " items, fewer than training.curriculum.points.end (", most_points, ")"));
}

TokenTaskTraits Demonstrations::traits(int64_t n_points) const {
  return {.vocabulary = kByteTokens,
          .length = n_points * kLongestDemonstration,
          .bytes = true,
          .language_tasks = {std::begin(kTasks), std::end(kTasks)}};
}

TokenBatch Demonstrations::draw(const TokenRequest& request) const {
  const Documents documents =
      sample_documents(request.seed, request.step, request.batch_size, request.n_points);
  const int64_t length = documents.ids_BT.size(1) - 1;
  const at::Tensor answers_BT = at::zeros({request.batch_size, length});
  const at::Tensor others_BT = at::zeros_like(answers_BT);
  const at::Tensor scored_BK = at::empty({request.batch_size, request.n_points}, at::kLong);
  auto* answers = answers_BT.data_ptr<float>();
  auto* others = others_BT.data_ptr<float>();
  auto* scored = scored_BK.data_ptr<int64_t>();
  for (size_t b = 0; b < documents.lengths.size(); ++b) {
    std::fill_n(others, documents.lengths[b] - 1, 1.0F);
    for (const int64_t place : documents.answers[b]) {  // the target of the byte before it
      answers[place - 1] = 1;
      others[place - 1] = 0;
      *scored++ = place - 1;
    }
    answers += length;
    others += length;
  }
  return {.inputs_BT = documents.ids_BT.narrow(1, 0, length),
          .targets_BT = documents.ids_BT.narrow(1, 1, length),
          .weights_BT = 0.5 * answers_BT / answers_BT.sum() + 0.5 * others_BT / others_BT.sum(),
          .scored_BK = scored_BK};
}

Documents sample_documents(uint64_t seed, int64_t step, int64_t batch_size, int64_t n_points) {
  const RandomStream stream = RandomStream(seed, "documents").at_step(step);
  const at::Tensor chosen =
      stream.child("task").integers({batch_size}, static_cast<int64_t>(items().size()));
  std::vector<std::string> texts;
  Documents documents;
  size_t longest = 0;
  for (int64_t b = 0; b < batch_size; ++b) {
    const WordItems& task = items()[static_cast<size_t>(chosen.data_ptr<int64_t>()[b])];
    std::string& text = texts.emplace_back();
    auto& answers = documents.answers.emplace_back();
    for (const WordPair& pair : task.draw(stream.child("items").at_step(b), n_points)) {
      text += prompt_text({}, pair.input);
      answers.push_back(static_cast<int64_t>(text.size()));
      text += pair.output + "\n";
    }
    documents.lengths.push_back(static_cast<int64_t>(text.size()));
    longest = std::max(longest, text.size());
  }
  documents.ids_BT = at::full({batch_size, static_cast<int64_t>(longest)}, int64_t{'\n'},
                              at::TensorOptions().dtype(at::kLong));
  auto* ids = documents.ids_BT.data_ptr<int64_t>();
  for (size_t b = 0; b < texts.size(); ++b) {
    std::transform(texts[b].begin(), texts[b].end(), ids + b * longest,
                   [](char byte) { return int64_t{static_cast<unsigned char>(byte)}; });
  }
  return documents;
}

}  // namespace icl
