// SPDX-License-Identifier: Apache-2.0
#include "src/python_runs/python_config.h"

#include <cmath>
#include <optional>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/yaml.h"
#include "icl/models/gpt2.h"
#include "icl/models/s4.h"
#include "icl/tasks/decision_tree.h"
#include "icl/tasks/linear_classification.h"
#include "icl/tasks/noisy_linear_regression.h"
#include "icl/tasks/quadrant_inputs.h"
#include "icl/tasks/quadratic_regression.h"
#include "icl/tasks/relu_2nn_regression.h"
#include "icl/tasks/rotated_inputs.h"
#include "icl/tasks/sparse_linear_regression.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// What the code fixes and config.yaml does not say.
constexpr int64_t kMambaStates = 16;
constexpr int64_t kMambaConvolution = 4;
constexpr int64_t kMambaExpand = 2;
constexpr int64_t kS4States = 64;
constexpr double kS4Dropout = 0.1;

// Known keys that say nothing about the model or how it was trained.
constexpr const char* kIrrelevant[] = {"out_dir", "test_run", "wandb",
                                       "inherit", "device",   "training.resume_id"};

// The values by dotted path. What is asked for is known; a null counts as absent.
class Keys {
 public:
  Keys(std::filesystem::path path, YamlFile file, std::vector<std::string>& problems)
      : path_(std::move(path)), file_(std::move(file)), problems_(problems) {}

  bool has(const std::string& key) { return find(key) != nullptr; }

  int64_t integer(const std::string& key, int64_t least, std::optional<int64_t> fallback = {}) {
    const std::string expected = str("an integer >= ", least);
    const Json* value = find_or_complain(key, expected, fallback.has_value());
    if (value == nullptr) return fallback.value_or(least);
    if (value->is_number_integer() && value->get<int64_t>() >= least) return value->get<int64_t>();
    complain(key, *value, expected);
    return least;
  }

  double number(const std::string& key, Range range, std::optional<double> fallback = {}) {
    const std::string expected = "a number " + range.text();
    const Json* value = find_or_complain(key, expected, fallback.has_value());
    if (value == nullptr) return fallback.value_or(1);
    const bool fits = value->is_number() && std::isfinite(value->get<double>()) &&
                      range.contains(value->get<double>());
    if (fits) return value->get<double>();
    complain(key, *value, expected);
    return fallback.value_or(1);
  }

  bool flag(const std::string& key, bool fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (value->is_boolean()) return value->get<bool>();
    complain(key, *value, "true or false");
    return fallback;
  }

  std::string word(const std::string& key, const std::vector<std::string>& allowed,
                   const std::string& fallback = "") {
    const std::string expected = (allowed.size() > 1 ? "one of " : "") + join(allowed);
    const Json* value = find_or_complain(key, expected, !fallback.empty());
    if (value == nullptr) return fallback;
    const std::string given = value->is_string() ? value->get<std::string>() : value->dump();
    for (const std::string& candidate : allowed) {
      if (given == candidate) return given;
    }
    complain(key, *value, expected + did_you_mean(given, allowed));
    return "";
  }

  // Refuses any value but null: there is nothing of ours to put it into.
  void nothing(const std::string& key) {
    if (const Json* value = find(key)) complain(key, *value, "null (no other value is supported)");
  }

  void complain(const std::string& key, const Json& value, const std::string& expected) {
    const auto line = file_.lines.find(key);
    const std::string at = line == file_.lines.end() ? "" : str(":", line->second);
    problems_.push_back(
        str(path_.string(), at, ": ", key, ": got ", value.dump(), ", expected ", expected));
  }

  // After all was asked for: problems of the missing keys, warnings of those never asked for.
  void finish(std::vector<std::string>& warnings) {
    for (const auto& [key, expected] : missing_) {
      problems_.push_back(
          str(path_.string(), ": ", key, ": missing, expected ", expected, near(key)));
    }
    collect("", file_.value, warnings);
  }

 private:
  const Json* find(const std::string& key) {
    asked_.insert(key);
    const Json* value = &file_.value;
    for (const std::string& part : split(key, '.')) {
      if (!value->is_object() || !value->contains(part)) return nullptr;
      value = &(*value)[part];
    }
    return value->is_null() ? nullptr : value;
  }

  const Json* find_or_complain(const std::string& key, const std::string& expected, bool optional) {
    const Json* value = find(key);
    if (value == nullptr && !optional) missing_.emplace_back(key, expected);
    return value;
  }

  // The nearest of the file's keys that nothing was asked of.
  std::string near(const std::string& key) const {
    std::vector<std::string> there;
    for (const auto& [path, line] : file_.lines) {
      if (!path.empty() && !is_known(path)) there.push_back(path);
    }
    const std::string best = nearest(key, there);
    return best.empty() ? "" : "; there is '" + best + "'";
  }

  // Asked for itself, or above or below something that was.
  bool is_known(const std::string& path) const {
    if (asked_.count(path) != 0) return true;
    const auto below = asked_.lower_bound(path + ".");
    return below != asked_.end() && below->starts_with(path + ".");
  }

  void collect(const std::string& path, const Json& value,
               std::vector<std::string>& warnings) const {
    for (const auto& [key, item] : value.items()) {
      const std::string below = path.empty() ? key : path + "." + key;
      if (asked_.count(below) != 0) continue;
      if (item.is_object() && is_known(below)) {
        collect(below, item, warnings);
      } else if (!(item.is_object() && item.empty())) {
        const std::vector<std::string> known(asked_.begin(), asked_.end());
        warnings.push_back(str(path_.string(), ":", file_.lines.at(below), ": ", below,
                               " is not known and ignored", did_you_mean(below, known)));
      }
    }
  }

  std::filesystem::path path_;
  YamlFile file_;
  std::vector<std::string>& problems_;
  std::set<std::string> asked_;
  std::vector<std::pair<std::string, std::string>> missing_;  // key, what was expected
};

ModelConfig read_model(Keys& keys) {
  ModelConfig model;
  const std::string family = keys.word("model.family", {"gpt2", "mamba", "s4"});
  model.d_model = keys.integer("model.n_embd", 1);
  model.n_layer = keys.integer("model.n_layer", 1);
  const bool gpt2 = family == Gpt2Family::kName;
  const int64_t n_head =
      keys.integer("model.n_head", gpt2 ? 1 : 0, gpt2 ? std::nullopt : std::optional<int64_t>(0));
  const int64_t n_points =
      keys.integer("model.n_positions", 1, gpt2 ? std::nullopt : std::optional<int64_t>(1));
  // Garg et al. have learned positions and no such key.
  const bool no_positions = keys.flag("model.remove_pos_embedding", false);
  if (gpt2) {
    Gpt2Family settings{.n_head = n_head, .positions = no_positions ? "none" : "learned"};
    if (!no_positions) settings.n_positions = 2 * n_points;
    model.family = settings;
  } else if (family == MambaFamily::kName) {
    model.family =
        MambaFamily{.d_state = kMambaStates, .d_conv = kMambaConvolution, .expand = kMambaExpand};
  } else {
    model.family = S4Family{.d_state = kS4States, .dropout = kS4Dropout};
  }
  return model;
}

InputConfig read_inputs(Keys& keys) {
  InputConfig inputs;
  const std::string data = keys.word(
      "training.data", {"gaussian", "skewed_gaussian", "random_quadrants_gaussian"}, "gaussian");
  inputs.bias = keys.number("training.data_kwargs.bias", any(), 0);
  if (data == "skewed_gaussian") {
    inputs.distribution =
        SkewedInputs{.exponent = keys.number("training.data_kwargs.exp", at_least(0))};
    return inputs;
  }
  keys.nothing("training.data_kwargs.scale");
  if (data == "random_quadrants_gaussian") {
    inputs.distribution = QuadrantInputs{};
    keys.has("training.data_kwargs.exp");  // taken and not used
  }
  return inputs;
}

Function read_function(Keys& keys) {
  const std::string name =
      keys.word("training.task", {"linear_regression", "sparse_linear_regression",
                                  "noisy_linear_regression", "quadratic_regression",
                                  "linear_classification", "relu_2nn_regression", "decision_tree"});
  const std::string at = "training.task_kwargs.";
  const auto is = [&](const char* kind) { return name == kind; };
  if (is(DecisionTree::kName)) return DecisionTree{.depth = keys.integer(at + "depth", 1, 4)};
  if (is(Relu2nnRegression::kName)) {
    const int64_t width = keys.integer(at + "hidden_layer_size", 1, 100);
    if (keys.number(at + "scale", any(), 1) != 1) keys.nothing(at + "scale");
    return Relu2nnRegression{.hidden_width = width};
  }
  const double scale = keys.number(at + "scale", above(0), 1);
  if (is(LinearClassification::kName)) return LinearClassification{};
  if (is(QuadraticRegression::kName)) return QuadraticRegression{.scale = scale};
  if (is(SparseLinearRegression::kName)) {
    return SparseLinearRegression{.scale = scale, .sparsity = keys.integer(at + "sparsity", 1, 3)};
  }
  if (is(NoisyLinearRegression::kName)) {
    return NoisyLinearRegression{.scale = scale,
                                 .noise_std = keys.number(at + "noise_std", at_least(0), 0),
                                 .renormalize_ys = keys.flag(at + "renormalize_ys", false)};
  }
  return LinearRegression{.scale = scale};
}

TaskConfig read_task(Keys& keys) {
  TaskConfig task;
  task.function = read_function(keys);
  task.n_dims = keys.integer("model.n_dims", 1);
  task.num_tasks = keys.integer("training.num_tasks", 0, 0);
  task.num_training_examples = keys.integer("training.num_training_examples", 0, 0);
  // The original draws whole prompts where both are set.
  if (task.num_training_examples > 0) task.num_tasks = 0;
  task.inputs = read_inputs(keys);
  return task;
}

// The original grows a value until it is not below its end, so that one that begins beyond the end
// stays.
RampConfig read_ramp(Keys& keys, const std::string& at) {
  RampConfig ramp{.start = keys.integer(at + ".start", 1),
                  .end = keys.integer(at + ".end", 1),
                  .increment = keys.integer(at + ".inc", 0),
                  .interval = keys.integer(at + ".interval", 1)};
  if (ramp.start > ramp.end || ramp.increment == 0) ramp.end = ramp.start;
  return ramp;
}

TrainingConfig read_training(Keys& keys) {
  TrainingConfig training;
  training.steps = keys.integer("training.train_steps", 1, 1000);
  training.batch_size = keys.integer("training.batch_size", 1, 64);
  training.optimizer.lr = keys.number("training.learning_rate", above(0), 3e-4);
  // Garg et al. have no schedule and no such key.
  training.schedule.name =
      keys.word("training.learning_rate_schedule", {"constant", "cosine"}, "constant");
  training.curriculum = {.dims = read_ramp(keys, "training.curriculum.dims"),
                         .points = read_ramp(keys, "training.curriculum.points")};
  training.checkpoint_every = keys.integer("training.save_every_steps", 1, 1000);
  training.keep_every = std::max<int64_t>(0, keys.integer("training.keep_every_steps", -1, -1));
  training.log_every = keys.integer("wandb.log_every_steps", 1, 10);
  return training;
}

}  // namespace

RunConfig read_python_config(const std::filesystem::path& file, std::vector<std::string>& problems,
                             std::vector<std::string>& warnings) {
  YamlFile yaml = read_yaml_file(file);
  if (!yaml.value.is_object()) {
    throw DataError(str("'", file.string(), "' holds no keys, expected model, training, ..."));
  }
  Keys keys(file, std::move(yaml), problems);
  RunConfig config;
  config.model = read_model(keys);
  config.task = read_task(keys);
  config.training = read_training(keys);
  config.seed = keys.integer("training.seed", 0, 0);
  for (const char* key : kIrrelevant) keys.has(key);
  keys.finish(warnings);
  if (problems.empty()) {
    std::vector<Problem> found;
    Problems of_config(found);
    config.check(of_config);
    for (const Problem& problem : found) {
      problems.push_back(
          str(file.string(), ": as a config of icl, ", problem.path, ": ", problem.text));
    }
  }
  return config;
}

}  // namespace icl
