// SPDX-License-Identifier: Apache-2.0
#include "icl/language/task_vectors.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "icl/base/error.h"
#include "src/language/predictor.h"

namespace icl {
namespace {

constexpr int64_t kDummies = 2;

std::vector<LanguagePrompt> prompts_for(const LanguageTask& task, int64_t shots,
                                        const ShotOptions& options, bool development) {
  LanguagePromptRequest request{
      .shots = {shots + kDummies},
      .n_prompts = development ? options.development_prompts : options.n_prompts,
      .seed = options.seed};
  if (development) request.stream = "development prompts";
  return draw_prompts(task, request);
}

// Rows and last places of a batch, to index its residual stream with.
at::Tensor last_places(const BatchRows& rows, c10::Device device) {
  return (at::tensor(rows.lengths, at::kLong) - 1).to(device);
}

at::Tensor row_numbers(const BatchRows& rows, c10::Device device) {
  return at::arange(static_cast<int64_t>(rows.prompts.size()), at::kLong).to(device);
}

class TaskVectors {
 public:
  TaskVectors(Predictor& predictor, const LanguageTask& task, int64_t shots,
              const ShotOptions& options, const std::function<bool(int64_t)>& progress)
      : predictor_(predictor),
        task_(task),
        shots_(shots),
        options_(options),
        progress_([&](int64_t n) {
          const bool goes_on = !progress || progress(n);
          stopped_ = stopped_ || !goes_on;
          return goes_on;
        }) {}

  std::optional<TaskVectorResult> run() {
    TaskVectorResult result{.task = task_.info(), .shots = shots_};
    if (!has_items_for(task_, shots_ + kDummies)) {
      result.skipped = str("too few items: ", task_.n_items(), ", and ", shots_, " shots with ",
                           kDummies, " dummy queries take ", shots_ + kDummies + 1);
      return result;
    }
    const std::vector<LanguagePrompt> development = prompts_for(task_, shots_, options_, true);
    const std::vector<LanguagePrompt> test = prompts_for(task_, shots_, options_, false);
    if (!fit(development) || !fit(test)) {
      result.skipped = str("a prompt is longer than the model's context of ",
                           predictor_.model().longest_sequence(), " tokens");
      return result;
    }
    const at::Tensor vectors = vectors_of(development);
    for (int64_t layer = 0; layer < n_layer() && !stopped_; ++layer) {
      result.layer_accuracies.push_back(accuracy(development, vectors, layer).value);
    }
    if (stopped_) return std::nullopt;
    const auto best =
        std::max_element(result.layer_accuracies.begin(), result.layer_accuracies.end());
    result.layer = best - result.layer_accuracies.begin();
    result.accuracy = accuracy(test, vectors_of(test), result.layer);
    if (stopped_) return std::nullopt;
    return result;
  }

 private:
  int64_t n_layer() const { return predictor_.model().backbone().n_layer(); }

  TokenIds dummy_prompt(const LanguagePrompt& prompt, int64_t dummy) const {
    const WordPair& query = prompt.demos[static_cast<size_t>(shots_ + dummy)];
    return predictor_.encode(prompt_text(prompt.shown(shots_), query.input));
  }

  bool fit(const std::vector<LanguagePrompt>& prompts) const {
    return std::all_of(prompts.begin(), prompts.end(), [&](const LanguagePrompt& prompt) {
      return predictor_.fits(dummy_prompt(prompt, 0)) && predictor_.fits(dummy_prompt(prompt, 1));
    });
  }

  // [layers, prompts, M]: means over the dummies.
  at::Tensor vectors_of(const std::vector<LanguagePrompt>& prompts) {
    std::vector<TokenIds> ids;
    for (const LanguagePrompt& prompt : prompts) {
      for (int64_t dummy = 0; dummy < kDummies; ++dummy) ids.push_back(dummy_prompt(prompt, dummy));
    }
    const auto n_prompts = static_cast<int64_t>(prompts.size());
    const int64_t width = predictor_.model().backbone().d_model();
    at::Tensor states = at::zeros({n_layer(), n_prompts * kDummies, width});
    predictor_.predict(
        ids, progress_, [&](const BatchRows& rows, int64_t layer, const at::Tensor& residual_BTM) {
          const c10::Device device = residual_BTM.device();
          const at::Tensor last =
              residual_BTM.index({row_numbers(rows, device), last_places(rows, device)});
          states.select(0, layer).index_copy_(0, at::tensor(rows.prompts, at::kLong),
                                              last.to(at::kCPU, at::kFloat));
        });
    return states.view({n_layer(), n_prompts, kDummies, width}).mean(2);
  }

  // Of the queries without demonstrations, the vectors put in after `layer`.
  Accuracy accuracy(const std::vector<LanguagePrompt>& prompts, const at::Tensor& vectors_LPM,
                    int64_t layer) {
    std::vector<TokenIds> ids;
    std::vector<int64_t> contexts;
    for (const LanguagePrompt& prompt : prompts) {
      ids.push_back(predictor_.encode(prompt_text({}, prompt.query.input)));
      contexts.push_back(prompt.context);
    }
    const std::vector<std::string> answers = predictor_.predict(
        ids, progress_, {},
        [&](const BatchRows& rows, int64_t at_layer, const at::Tensor& residual_BTM) {
          if (at_layer != layer) return residual_BTM;
          const c10::Device device = residual_BTM.device();
          const at::Tensor own =
              vectors_LPM.select(0, layer).index_select(0, at::tensor(rows.prompts, at::kLong));
          return residual_BTM.index_put({row_numbers(rows, device), last_places(rows, device)},
                                        own.to(residual_BTM.options()));
        });
    std::vector<bool> right;
    for (size_t i = 0; i < answers.size(); ++i) {
      right.push_back(is_right(task_.info().comparison, answers[i], prompts[i].query.output,
                               options_.synonyms, output_language(task_.info())));
    }
    contexts.resize(right.size());
    return accuracy_of(right, contexts);
  }

  Predictor& predictor_;
  const LanguageTask& task_;
  int64_t shots_;
  const ShotOptions& options_;
  bool stopped_ = false;
  std::function<bool(int64_t)> progress_;
};

}  // namespace

int64_t task_vector_passes(LanguageModel& model, const LanguageTask& task, int64_t shots,
                           const ShotOptions& options) {
  if (shots == 0 || !has_items_for(task, shots + kDummies)) return 0;
  const int64_t layers = model.backbone().n_layer();
  return options.development_prompts * (kDummies + layers) + options.n_prompts * (kDummies + 1);
}

std::optional<TaskVectorResult> evaluate_task_vector(Predictor& predictor, const LanguageTask& task,
                                                     int64_t shots, const ShotOptions& options,
                                                     const std::function<bool(int64_t)>& progress) {
  return TaskVectors(predictor, task, shots, options, progress).run();
}

}  // namespace icl
