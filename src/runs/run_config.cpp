// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_config.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

Describe describe_of(RunConfig& config) {
  return [&config](Fields& f) { config.describe(f); };
}

bool is_device(const std::string& device) {
  const bool numbered = device.rfind("cuda:", 0) == 0 && device.size() > 5 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  return device == "auto" || device == "cpu" || device == "cuda" || numbered;
}

// A run's name is the name of its folder, too.
bool is_folder_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

void check_length(const RunConfig& config, Problems& problems) {
  const int64_t points = config.training.curriculum.points.end;
  const bool tokens = config.objective_kind() == ObjectiveKind::kTokens;
  const int64_t length = tokens ? config.tokens.task->traits(points).length : 2 * points;
  const auto limit = config.model.family->longest_sequence();
  if (!limit || limit->tokens >= length) return;
  problems.in("model").add(
      limit->key,
      tokens ? str(limit->tokens, ", expected at least ", length, " tokens for ", points,
                   " points of ", config.tokens.task.name(), " (training.curriculum.points.end)")
             : str(limit->tokens, ", expected at least ", length,
                   " (two tokens for each of training.curriculum.points.end points)"));
}

// The spelling of earlier versions, in which token sequences were a class of functions.
void check_old_spelling(const ConfigTree& tree, std::vector<std::string>& problems) {
  const auto task = tree.value().find("task");
  if (task == tree.value().end() || !task->is_object()) return;
  if (task->value("function", nlohmann::ordered_json()) != "language") return;
  const std::string origin = tree.origin("task.function");
  problems.push_back(
      str(origin, origin.empty() ? "" : ": ",
          "task.function: \"language\" is written \"objective\": \"tokens\", \"tokens\": "
          "{ \"task\": \"demonstrations\" } instead of \"task\""));
}

std::string listed(const std::vector<std::string>& problems) {
  return str(problems.size() == 1 ? "the config has a problem:\n  "
                                  : str("the config has ", problems.size(), " problems:\n  "),
             join(problems, "\n  "));
}

}  // namespace

void EvaluationConfig::describe(Fields& f) {
  f.integer("every", every, at_least(0), "steps between evaluations on the side; 0: none");
  f.words("suites", suites, {},
          "what to evaluate on the side (icl-eval --suite); the first decides which checkpoint is "
          "best");
  f.integer("prompts", prompts, at_least(1), "prompts of an evaluation on the side");
}

void TokensConfig::describe(Fields& f) {
  f.kind("task", task, "what the token sequences are made of");
  f.settings("task", task);
}

void RunConfig::describe(Fields& f) {
  f.may_change_on_resume(
      [&] { f.text("name", name, "name of the run, and of its folder under runs/"); });
  f.integer("seed", seed, at_least(0), "seed of the weights and the training data");
  f.may_change_on_resume([&] {
    f.text("device", device, "auto, cpu, cuda or cuda:N");
    f.integer("threads", threads, between(0, 1024), "CPU threads; 0: all cores");
  });
  f.choice("objective", objective, {"regression", "tokens"},
           "what the model learns: functions of numbers, or to predict tokens");
  f.text(
      "init_from", init_from,
      "run folder, or FOLDER:STEP, whose weights the run starts from; empty: drawn from the seed");
  f.group("model", model, "the sequence model");
  f.when(objective_kind() == ObjectiveKind::kRegression, "objective is regression",
         [&] { f.group("task", task, "the functions to learn in context"); });
  f.when(objective_kind() == ObjectiveKind::kTokens, "objective is tokens",
         [&] { f.group("tokens", tokens, "the token sequences to learn"); });
  f.group("training", training, "how it is trained");
  f.may_change_on_resume([&] { f.group("evaluation", evaluation, "evaluation on the side"); });
}

void RunConfig::check(Problems& problems) const {
  if (!is_folder_name(name)) {
    problems.add("name", str("got \"", name, "\", expected the name of a folder, not a path"));
  }
  if (!is_device(device)) {
    problems.add("device", str("got \"", device, "\", expected auto, cpu, cuda or cuda:N"));
  }
  Problems of_model = problems.in("model"), of_training = problems.in("training");
  model.check(of_model);
  training.check(of_training);
  check_length(*this, problems);
  if (objective_kind() == ObjectiveKind::kTokens) {
    Problems of_tokens = problems.in("tokens");
    tokens.task->check(training.curriculum.points.end, of_tokens);
    if (evaluation.every > 0) {
      problems.add("evaluation.every", str(evaluation.every,
                                           ", expected 0 where objective is tokens: icl-nlp eval "
                                           "measures the exported model"));
    }
    return;
  }
  Problems of_task = problems.in("task");
  task.check(of_task);
  const int64_t dims = training.curriculum.dims.end;
  if (dims > task.n_dims) {
    problems.add("training.curriculum.dims.end",
                 str(dims, ", expected at most task.n_dims (", task.n_dims, ")"));
  }
}

RunConfig read_run_config(const ConfigTree& tree, const std::vector<ConfigCheck>& checks) {
  RunConfig config;
  std::vector<std::string> lines;
  read_fields(tree, describe_of(config), lines);
  check_old_spelling(tree, lines);
  std::vector<Problem> found;
  Problems problems(found);
  config.check(problems);
  for (const ConfigCheck& check : checks) check(config, problems);
  for (const Problem& problem : found) {
    const std::string origin = tree.origin(problem.path);
    lines.push_back(str(origin, origin.empty() ? "" : ": ", problem.path, ": ", problem.text));
  }
  if (!lines.empty()) throw UsageError(listed(lines));
  return config;
}

RunConfig load_run_config(const std::filesystem::path& path,
                          const std::vector<std::string>& assignments,
                          const std::vector<ConfigCheck>& checks) {
  ConfigTree tree = ConfigTree::from_file(path);
  for (const std::string& assignment : assignments) tree.set(assignment);
  return read_run_config(tree, checks);
}

nlohmann::ordered_json run_config_json(const RunConfig& config) {
  RunConfig copy = config;
  return write_fields(describe_of(copy));
}

std::string run_config_text(const RunConfig& config) {
  return run_config_json(config).dump(2) + "\n";
}

void check_resumable(const RunConfig& then, const RunConfig& now) {
  RunConfig copy = now;
  const std::vector<std::string> may_change = keys_that_may_change(describe_of(copy));
  std::vector<std::string> lines;
  for (const Difference& difference : differences(run_config_json(then), run_config_json(now))) {
    const bool allowed =
        std::any_of(may_change.begin(), may_change.end(), [&](const std::string& key) {
          return difference.path == key || difference.path.starts_with(key + ".");
        });
    if (!allowed) {
      lines.push_back(str(difference.path, ": ", difference.before, " -> ", difference.after));
    }
  }
  if (lines.empty()) return;
  throw UsageError(str("the config differs from the one that the run was started with:\n  ",
                       join(lines, "\n  "), "\na resumed run may only change ", join(may_change),
                       "; start another run with another --out instead"));
}

}  // namespace icl
