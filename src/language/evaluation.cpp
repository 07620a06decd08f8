// SPDX-License-Identifier: Apache-2.0
#include "icl/language/evaluation.h"

#include <algorithm>
#include <map>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/language/task_vectors.h"
#include "src/language/predictor.h"

namespace icl {
namespace {

// Counts prompts and asks whether to go on.
class Meter {
 public:
  Meter(const ShotOptions& options, int64_t total) : options_(options), total_(total) {}

  void begin(std::string what) { what_ = std::move(what); }
  bool advance(int64_t prompts) {
    done_ += prompts;
    if (options_.progress && !options_.progress(done_, total_, what_)) stopped_ = true;
    return !stopped_;
  }
  bool stopped() const { return stopped_; }

 private:
  const ShotOptions& options_;
  int64_t total_;
  int64_t done_ = 0;
  std::string what_;
  bool stopped_ = false;
};

LanguagePromptRequest request_of(const ShotOptions& options) {
  return {.shots = options.shots,
          .n_prompts = options.n_prompts,
          .seed = options.seed,
          .queries_per_context = options.queries_per_context};
}

std::string lacking_items(const LanguageTask& task, int64_t shots) {
  return str("too few items: ", task.n_items(), ", and ", shots, " shots take ", shots + 1);
}

// Evaluates one task at all shot counts.
class TaskEvaluation {
 public:
  TaskEvaluation(Predictor& predictor, const LanguageTask& task, const ShotOptions& options,
                 Meter& meter)
      : predictor_(predictor),
        task_(task),
        options_(options),
        meter_(meter),
        prompts_(draw_prompts(task, request_of(options))) {}

  std::vector<ShotResult> run() {
    std::map<int64_t, std::vector<std::string>> answers;  // by shots, of the prompts that fit
    for (const int64_t shots : options_.shots) {
      if (has_items_for(task_, shots)) encode(shots);
    }
    const bool share = options_.queries_per_context > 0 && options_.reuse_state;
    if (share) predict_contexts(answers);
    std::vector<ShotResult> results;
    for (const int64_t shots : options_.shots) {
      if (!share && has_items_for(task_, shots)) {
        meter_.begin(str(task_.info().name, ", ", shots, " shots"));
        answers[shots] =
            predictor_.predict(fitting(shots), [&](int64_t n) { return meter_.advance(n); });
      }
      if (meter_.stopped()) break;
      results.push_back(result_of(shots, answers[shots]));
    }
    return results;
  }

 private:
  struct Encoded {
    std::vector<TokenIds> ids;  // of each prompt
    std::vector<int64_t> kept;  // prompts within the model's context
  };

  void encode(int64_t shots) {
    Encoded& encoded = encoded_[shots];
    for (size_t i = 0; i < prompts_.size(); ++i) {
      encoded.ids.push_back(predictor_.encode(text_of(prompts_[i], shots)));
      if (predictor_.fits(encoded.ids.back())) encoded.kept.push_back(static_cast<int64_t>(i));
    }
  }

  static std::string text_of(const LanguagePrompt& prompt, int64_t shots) {
    return prompt_text(prompt.shown(shots), prompt.query.input);
  }

  std::vector<TokenIds> fitting(int64_t shots) const {
    const Encoded& encoded = encoded_.at(shots);
    std::vector<TokenIds> ids;
    for (const int64_t i : encoded.kept) ids.push_back(encoded.ids[static_cast<size_t>(i)]);
    return ids;
  }

  // Reads each context once, from few shots to many, and branches its state at every shot count.
  void predict_contexts(std::map<int64_t, std::vector<std::string>>& answers) {
    std::map<int64_t, std::map<int64_t, std::string>> found;  // by shots, by prompt
    size_t begin = 0;
    while (begin < prompts_.size() && !meter_.stopped()) {
      size_t end = begin;
      while (end < prompts_.size() && prompts_[end].context == prompts_[begin].context) ++end;
      State state = predictor_.initial_state();
      TokenIds seen;
      for (auto& [shots, encoded] : encoded_) {
        predict_context(shots, begin, end, state, seen, found[shots]);
      }
      begin = end;
    }
    for (auto& [shots, encoded] : encoded_) {
      for (const int64_t i : encoded.kept) answers[shots].push_back(found[shots][i]);
    }
  }

  // The prompts [begin, end) of one context at a shot count; `seen` is what `state` has read.
  void predict_context(int64_t shots, size_t begin, size_t end, State& state, TokenIds& seen,
                       std::map<int64_t, std::string>& found) {
    meter_.begin(str(task_.info().name, ", shared contexts"));
    const TokenIds context = predictor_.encode(demonstrations_text(prompts_[begin].shown(shots)));
    // Where the added text changed the tokens before it, the state cannot be continued.
    if (!begins_with(context, seen)) {
      state = predictor_.initial_state();
      seen.clear();
    }
    std::vector<TokenIds> rest, whole;
    std::vector<int64_t> rest_of, whole_of;
    for (size_t i = begin; i < end; ++i) {
      const TokenIds& ids = encoded_.at(shots).ids[i];
      if (!predictor_.fits(ids)) continue;
      // The state can be continued only if the whole prompt's tokens begin with the context's.
      const bool splits = ids.size() > context.size() && begins_with(ids, context);
      (splits ? rest_of : whole_of).push_back(static_cast<int64_t>(i));
      if (splits) {
        rest.emplace_back(ids.begin() + static_cast<int64_t>(context.size()), ids.end());
      } else {
        whole.push_back(ids);
      }
    }
    if (!rest.empty()) {
      predictor_.advance(state,
                         {context.begin() + static_cast<int64_t>(seen.size()), context.end()});
      seen = context;
      const std::vector<std::string> texts = predictor_.predict_after(state, rest);
      for (size_t i = 0; i < texts.size(); ++i) found[rest_of[i]] = texts[i];
    }
    const std::vector<std::string> texts = predictor_.predict(whole);
    for (size_t i = 0; i < texts.size(); ++i) found[whole_of[i]] = texts[i];
    meter_.advance(static_cast<int64_t>(rest.size() + whole.size()));
  }

  static bool begins_with(const TokenIds& ids, const TokenIds& start) {
    return ids.size() >= start.size() && std::equal(start.begin(), start.end(), ids.begin());
  }

  ShotResult result_of(int64_t shots, const std::vector<std::string>& answers) const {
    ShotResult result{
        .task = task_.info(), .shots = shots, .n_items = task_.n_items(), .source = task_.source()};
    if (!has_items_for(task_, shots)) {
      result.skipped = lacking_items(task_, shots);
      return result;
    }
    const Encoded& encoded = encoded_.at(shots);
    result.overflow = static_cast<int64_t>(encoded.ids.size() - encoded.kept.size());
    if (encoded.kept.empty()) {
      result.skipped = str("every prompt is longer than the model's context of ",
                           predictor_.model().longest_sequence(), " tokens");
      return result;
    }
    std::vector<bool> right;
    std::vector<int64_t> contexts;
    for (size_t i = 0; i < answers.size(); ++i) {
      const int64_t index = encoded.kept[i];
      const LanguagePrompt& prompt = prompts_[static_cast<size_t>(index)];
      right.push_back(is_right(task_.info().comparison, answers[i], prompt.query.output,
                               options_.synonyms, output_language(task_.info())));
      contexts.push_back(prompt.context);
      if (options_.keep_samples) {
        result.samples.push_back({.index = index,
                                  .prompt = text_of(prompt, shots),
                                  .answer = prompt.query.output,
                                  .prediction = answers[i],
                                  .right = right.back()});
      }
    }
    result.accuracy = accuracy_of(right, contexts);
    return result;
  }

  Predictor& predictor_;
  const LanguageTask& task_;
  const ShotOptions& options_;
  Meter& meter_;
  std::vector<LanguagePrompt> prompts_;
  std::map<int64_t, Encoded> encoded_;  // by shots
};

void check_options(ShotOptions& options) {
  if (options.task_vectors) options.shots.push_back(0);
  std::sort(options.shots.begin(), options.shots.end());
  options.shots.erase(std::unique(options.shots.begin(), options.shots.end()), options.shots.end());
  ICL_ASSERT(!options.shots.empty() && options.shots.front() >= 0 && options.n_prompts > 0 &&
                 options.batch_size > 0,
             "shots, prompts or batch size");
}

}  // namespace

Accuracy accuracy_of(const std::vector<bool>& right, const std::vector<int64_t>& contexts) {
  ICL_ASSERT(right.size() == contexts.size(), right.size(), " != ", contexts.size());
  Accuracy accuracy{.n_prompts = static_cast<int64_t>(right.size())};
  if (right.empty()) return accuracy;
  const auto n = static_cast<double>(right.size());
  accuracy.value = static_cast<double>(std::count(right.begin(), right.end(), true)) / n;
  // Prompts of one context are not independent: their deviations are summed first.
  std::map<int64_t, double> deviations;
  for (size_t i = 0; i < right.size(); ++i) {
    deviations[contexts[i]] += (right[i] ? 1.0 : 0.0) - accuracy.value;
  }
  const auto n_contexts = static_cast<double>(deviations.size());
  if (n_contexts < 2) return accuracy;
  double squares = 0;
  for (const auto& [context, deviation] : deviations) squares += deviation * deviation;
  accuracy.standard_error = std::sqrt(squares * n_contexts / (n_contexts - 1)) / n;
  return accuracy;
}

ShotResults evaluate_shots(LanguageModel& model, const Tokenizer& tokenizer,
                           const ShotOptions& given) {
  ShotOptions options = given;
  check_options(options);
  Predictor predictor(model, tokenizer, options.batch_size);
  std::vector<LanguageTask> tasks;
  int64_t total = 0;
  for (const LanguageTaskInfo& info : options.tasks) {
    tasks.push_back(load_language_task(info, tokenizer, options.data_dir));
    for (const int64_t shots : options.shots) {
      if (has_items_for(tasks.back(), shots)) total += options.n_prompts;
      if (options.task_vectors) total += task_vector_passes(model, tasks.back(), shots, options);
    }
  }
  Meter meter(options, total);
  ShotResults results{.shots = options.shots};
  for (const LanguageTask& task : tasks) {
    for (ShotResult& result : TaskEvaluation(predictor, task, options, meter).run()) {
      results.results.push_back(std::move(result));
    }
    for (const int64_t shots : options.shots) {
      if (!options.task_vectors || shots == 0 || meter.stopped()) continue;
      meter.begin(str(task.info().name, ", task vector of ", shots, " shots"));
      const auto vector = evaluate_task_vector(predictor, task, shots, options,
                                               [&](int64_t n) { return meter.advance(n); });
      if (vector) results.task_vectors.push_back(*vector);
    }
    if (meter.stopped()) break;
  }
  results.complete = !meter.stopped();
  results.means = group_means(results.results, options.shots);
  return results;
}

}  // namespace icl
