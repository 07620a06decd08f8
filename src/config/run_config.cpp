// SPDX-License-Identifier: Apache-2.0
#include "icl/config/run_config.h"

#include <algorithm>
#include <array>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

Describe describe_of(RunConfig& config) {
  return [&config](Fields& f) { config.describe(f); };
}

// Keys that a resumed run may change, as prefixes.
constexpr std::array<std::string_view, 10> kMayChange = {"name",
                                                         "device",
                                                         "threads",
                                                         "training.steps",
                                                         "training.log_every",
                                                         "training.checkpoint_every",
                                                         "training.keep_last",
                                                         "training.keep_every",
                                                         "training.tensorboard",
                                                         "evaluation"};

void add_problem(std::vector<std::string>& problems, const std::string& text) {
  problems.push_back(text);
}

}  // namespace

void EvaluationConfig::describe(Fields& f) {
  f.integer("every", every, at_least(0), "steps between evaluations on the side; 0: none");
  f.words("suites", suites, {},
          "what to evaluate on the side (icl-eval --suite); the first decides which checkpoint is "
          "best");
  f.integer("prompts", prompts, at_least(1), "prompts of an evaluation on the side");
}

void RunConfig::describe(Fields& f) {
  f.text("name", name, "name of the run, and of its folder under runs/");
  f.integer("seed", seed, at_least(0), "seed of the weights and the training data");
  f.text("device", device, "auto, cpu, cuda or cuda:N");
  f.integer("threads", threads, between(0, 1024), "CPU threads; 0: all cores");
  f.group("model", model, "the sequence model");
  f.group("task", task, "the functions to learn in context");
  f.group("training", training, "how it is trained");
  f.group("evaluation", evaluation, "evaluation on the side");
}

void check_run_config(const RunConfig& config, std::vector<std::string>& problems) {
  const ModelConfig& model = config.model;
  const TaskConfig& task = config.task;
  const CurriculumConfig& curriculum = config.training.curriculum;
  const bool attends = model.family == "gpt2" || model.family == "mambaformer";
  if (attends && model.d_model % model.n_head != 0) {
    add_problem(problems, str("model.n_head: ", model.n_head, " does not divide model.d_model (",
                              model.d_model, ")"));
  }
  if (model.family == "gpt2" && model.positions == "learned" &&
      model.n_positions < 2 * curriculum.points.end) {
    add_problem(problems, str("model.n_positions: ", model.n_positions, ", expected at least ",
                              2 * curriculum.points.end,
                              " (two tokens for each of training.curriculum.points.end points)"));
  }
  if (task.function == "sparse_linear_regression" && task.sparsity > task.n_dims) {
    add_problem(problems, str("task.sparsity: ", task.sparsity, ", expected at most task.n_dims (",
                              task.n_dims, ")"));
  }
  if (curriculum.dims.end > task.n_dims) {
    add_problem(problems, str("training.curriculum.dims.end: ", curriculum.dims.end,
                              ", expected at most task.n_dims (", task.n_dims, ")"));
  }
  const std::string& device = config.device;
  const bool numbered = device.rfind("cuda:", 0) == 0 && device.size() > 5 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  if (device != "auto" && device != "cpu" && device != "cuda" && !numbered) {
    add_problem(problems, str("device: got \"", device, "\", expected auto, cpu, cuda or cuda:N"));
  }
}

RunConfig read_run_config(const ConfigTree& tree) {
  RunConfig config;
  std::vector<std::string> problems;
  read_fields(tree, describe_of(config), problems);
  std::vector<std::string> crossed;
  check_run_config(config, crossed);
  for (const std::string& problem : crossed) {
    const std::string path = problem.substr(0, problem.find(':'));
    const std::string origin = tree.origin(path);
    problems.push_back(origin.empty() ? problem : origin + ": " + problem);
  }
  if (!problems.empty()) {
    throw UsageError(str(problems.size() == 1
                             ? "the config has a problem:\n  "
                             : str("the config has ", problems.size(), " problems:\n  "),
                         join(problems, "\n  ")));
  }
  return config;
}

RunConfig load_run_config(const std::filesystem::path& path,
                          const std::vector<std::string>& assignments) {
  ConfigTree tree = ConfigTree::from_file(path);
  for (const std::string& assignment : assignments) tree.set(assignment);
  return read_run_config(tree);
}

nlohmann::ordered_json run_config_json(const RunConfig& config) {
  RunConfig copy = config;
  return write_fields(describe_of(copy));
}

std::string run_config_text(const RunConfig& config) {
  return run_config_json(config).dump(2) + "\n";
}

void check_resumable(const nlohmann::ordered_json& then, const RunConfig& now) {
  std::vector<std::string> lines;
  for (const Difference& difference : differences(then, run_config_json(now))) {
    const bool allowed = std::any_of(kMayChange.begin(), kMayChange.end(), [&](auto prefix) {
      return difference.path == prefix || difference.path.rfind(std::string(prefix) + ".", 0) == 0;
    });
    if (!allowed) {
      lines.push_back(str(difference.path, ": ", difference.before, " -> ", difference.after));
    }
  }
  if (!lines.empty()) {
    throw UsageError(str("the config differs from the one that the run was started with:\n  ",
                         join(lines, "\n  "),
                         "\na resumed run may only change steps, logging, checkpoints, evaluation, "
                         "device and threads; start another run with another --out instead"));
  }
}

}  // namespace icl
