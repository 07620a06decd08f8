// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/cli/nlp.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/io/files.h"
#include "icl/language/evaluation.h"
#include "icl/tokenizer/tokenizer.h"
#include "src/cli/nlp_model.h"

namespace icl {
namespace {

namespace fs = std::filesystem;

void check_count(const char* flag, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    throw UsageError(str(flag, " ", value, ": expected ", low, " .. ", high));
  }
}

void check_options(const NlpEvalOptions& options) {
  if (options.shots.empty()) throw UsageError("--shots: expected numbers, e.g. 0,1,2,4,8");
  for (const int64_t shots : options.shots) check_count("--shots", shots, 0, 10'000);
  check_count("--prompts", options.prompts, 1, 10'000'000);
  check_count("--limit", options.limit, 0, 10'000'000);
  check_count("--batch-size", options.batch_size, 1, 65'536);
  check_count("--shared-context", options.shared_context, 0, 65'536);
  if (fs::path(options.out).extension() == ".csv") {
    throw UsageError("--out '" + options.out + "': name the JSON file; the CSV goes beside it");
  }
}

ShotOptions shot_options(const NlpEvalOptions& options, const CommonOptions& common) {
  ShotOptions shots;
  shots.tasks = expand_language_tasks(options.tasks);
  shots.shots = options.shots;
  shots.n_prompts = options.limit > 0 ? std::min(options.limit, options.prompts) : options.prompts;
  shots.seed = static_cast<uint64_t>(common.seed.value_or(0));
  shots.data_dir = options.data_dir;
  if (!options.synonyms.empty()) shots.synonyms = Synonyms::load(options.synonyms);
  shots.batch_size = options.batch_size;
  shots.queries_per_context = options.shared_context;
  shots.task_vectors = options.task_vectors;
  shots.keep_samples = !options.samples.empty();
  return shots;
}

// The tokenizer's file, the model's own unless another is named.
fs::path tokenizer_of(const NlpEvalOptions& options, const LoadedModel& loaded) {
  if (!options.tokenizer.empty()) return options.tokenizer;
  if (loaded.tokenizer) return *loaded.tokenizer;
  throw DataError(str("'", options.model.model,
                      "' holds no tokenizer; name the model's with --tokenizer FILE (those of "
                      "state-spaces and RWKV-4 Pile are GPT-NeoX-20B's)"));
}

LanguageFacts facts_of(const NlpEvalOptions& options, const LoadedModel& loaded,
                       const fs::path& tokenizer, const ShotOptions& shots) {
  fs::path folder = fs::weakly_canonical(options.model.model);
  if (!folder.has_filename()) folder = folder.parent_path();
  // What icl-train exports is named by its run.
  const fs::path run = folder.parent_path();
  if (folder.filename() == "hf" && fs::exists(run / "run.json")) folder = run;
  return {.name = folder.filename().string(),
          .path = options.model.model,
          .family = loaded.model->family(),
          .dtype = describe_type(loaded.model->parameters().front().scalar_type()),
          .tokenizer = tokenizer.string(),
          .data_dir = options.data_dir,
          .synonyms = options.synonyms,
          .parameters = loaded.model->parameter_count(),
          .context_length = loaded.model->context_length(),
          .n_prompts = shots.n_prompts,
          .queries_per_context = shots.queries_per_context,
          .seed = shots.seed};
}

// Before hours of work: folders of what is to be written, and whether it can be.
void prepare_outputs(const NlpEvalOptions& options) {
  for (const fs::path file : {options.out, options.samples}) {
    if (file.empty()) continue;
    if (file.has_parent_path()) make_folders(file.parent_path());
    check_writable(file);
  }
  if (!options.out.empty() && options.out == options.samples) {
    throw UsageError(str("--out and --samples are both '", options.out, "'"));
  }
}

void write_results(const NlpEvalOptions& options, const ShotResults& results,
                   const nlohmann::ordered_json& json) {
  if (!options.samples.empty()) write_file_atomically(options.samples, samples_text(results));
  if (options.out.empty()) return;
  write_file_atomically(fs::path(options.out).replace_extension(".csv"), shots_csv(results));
  write_file_atomically(options.out, json.dump(1) + "\n");
  log_info(str("written to '", options.out, "'; icl-report draws it"));
}

}  // namespace

void add_nlp_eval_options(CLI::App& app, NlpEvalOptions& options) {
  add_model_options(app, options.model);
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer.json or RWKV vocabulary; default: the model's");
  app.add_option("--tasks", options.tasks,
                 "paper (its 18), all (27), categories or names, comma-separated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--shots", options.shots, "numbers of demonstrations in a prompt, comma-separated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--prompts", options.prompts, "number of prompts for each task and shot count")
      ->capture_default_str();
  app.add_option("--limit", options.limit, "use only the first N of these prompts; 0: all")
      ->capture_default_str();
  app.add_option("--data-dir", options.data_dir,
                 "folder with CATEGORY/TASK.json or TASK.json, each an object of inputs to "
                 "outputs; default: small built-in word lists");
  app.add_option("--synonyms", options.synonyms,
                 "JSON file {\"en\": {\"car\": [\"auto\", ...]}, ...} to judge translations by");
  app.add_option("--out", options.out, "results as JSON; a CSV goes beside it");
  app.add_option("--samples", options.samples,
                 "every prompt, prediction and answer, as JSON lines");
  app.add_option("--batch-size", options.batch_size, "prompts in a batch")->capture_default_str();
  app.add_option(
         "--shared-context", options.shared_context,
         "number of queries that share their demonstrations, which the model then reads once; "
         "without the option each query has its own, without a number 20 share them")
      ->expected(0, 1)
      ->default_str("20");
  app.add_flag("--task-vectors", options.task_vectors,
               "also put the hidden state after the demonstrations into prompts without any");
}

int run_nlp_eval(const NlpEvalOptions& options, const CommonOptions& common) {
  check_options(options);
  prepare_outputs(options);
  ShotOptions shots = shot_options(options, common);
  const LoadedModel loaded = load_chosen_model(options.model, common);
  const fs::path tokenizer_path = tokenizer_of(options, loaded);
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(tokenizer_path);
  const LanguageFacts facts = facts_of(options, loaded, tokenizer_path, shots);
  log_info(str(facts.name, ": ", facts.family, " with ", with_commas(facts.parameters),
               " parameters on ", loaded.model->parameters().front().device().str()));

  std::unique_ptr<Progress> progress;
  shots.progress = [&](int64_t done, int64_t total, const std::string& what) {
    if (!progress) progress = std::make_unique<Progress>("prompt", total, common.show_progress());
    progress->update(done, what);
    return pending_signal() == 0;
  };
  const ShotResults results = evaluate_shots(*loaded.model, *tokenizer, shots);
  progress.reset();
  const nlohmann::ordered_json json = LanguageEvaluation{facts, results}.to_json();
  if (common.json) {
    std::printf("%s\n", json.dump(1).c_str());
  } else {
    std::fputs(shots_table(results).c_str(), stdout);
  }
  write_results(options, results, json);
  if (!results.complete) log_info("stopped; the results hold what was finished");
  return 0;
}

}  // namespace icl
