// SPDX-License-Identifier: Apache-2.0
#include "src/report/result_files.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::report {
namespace {

void check_schema(const Json& json, const std::string& expected) {
  const std::string schema = text_at(json, "schema");
  if (schema != expected) throw DataError(str("schema '", schema, "', expected '", expected, "'"));
  const int64_t version = integer_at(json, "version").value_or(0);
  if (version != 1) throw DataError(str("version ", version, " of ", schema, ", expected 1"));
}

// The four lists of a curve, those of the wrong length left out.
Curve read_curve(const Json& json, const char* values = "mean") {
  Curve curve{.name = text_at(json, "name"), .baseline = text_at(json, "kind") == "baseline"};
  curve.mean = numbers_at(json, values);
  curve.std = numbers_at(json, "std");
  curve.low = numbers_at(json, "low");
  curve.high = numbers_at(json, "high");
  const size_t length = curve.mean.size();
  if (curve.std.size() != length) curve.std.clear();
  if (curve.low.size() != length || curve.high.size() != length) {
    curve.low.clear();
    curve.high.clear();
  }
  return curve;
}

std::vector<Curve> read_curves(const Json& list, const char* values = "mean") {
  std::vector<Curve> curves;
  if (!list.is_array()) return curves;
  for (const Json& json : list) {
    Curve curve = read_curve(json, values);
    if (!curve.mean.empty()) curves.push_back(std::move(curve));
  }
  return curves;
}

// "d (20)": what the values were divided by.
std::string normaliser_text(const Json& json) {
  const Json& normaliser = at(json, "normaliser");
  const std::string name = text_at(normaliser, "name");
  const double value = number_at(normaliser, "value");
  if (name.empty() && std::isnan(value)) return "1";
  if (name.empty() || std::isnan(value)) return name.empty() ? shortest(value) : name;
  return name == shortest(value) ? name : name + " = " + shortest(value);
}

// "skewed (exponent 2)": what the inputs of a task are.
std::string inputs_text(const Json& task) {
  const Json& inputs = at(task, "inputs");
  const std::string distribution = text_at(inputs, "distribution");
  std::string text = distribution.empty() ? "gaussian" : distribution;
  std::replace(text.begin(), text.end(), '_', ' ');
  const double exponent = number_at(inputs, "exponent");
  if (distribution == "skewed" && !std::isnan(exponent))
    text += " (exponent " + shortest(exponent) + ")";
  const double scale = number_at(inputs, "scale"), bias = number_at(inputs, "bias");
  if (!std::isnan(scale) && scale != 1) text += ", times " + shortest(scale);
  if (!std::isnan(bias) && bias != 0) text += ", plus " + shortest(bias);
  return text;
}

const std::string kTrainingBatches = "training_batches: ";

}  // namespace

bool is_of_training(const std::string& setting) {
  return setting.starts_with(kTrainingBatches);
}

std::string task_label(const std::string& function, int64_t n_dims) {
  std::string label = function.empty() ? "unknown task" : function;
  std::replace(label.begin(), label.end(), '_', ' ');
  return n_dims > 0 ? label + str(", ", n_dims, " dimensions") : label;
}

Evaluation read_evaluation(const Json& json) {
  check_schema(json, "icl.eval");
  Evaluation evaluation;
  evaluation.setting = text_at(json, "setting");
  if (evaluation.setting.empty()) throw DataError("no 'setting'");
  const Json& task = at(json, "task");
  if (evaluation.setting == "training_distribution") evaluation.setting += ": " + inputs_text(task);
  evaluation.function = text_at(task, "function");
  if (!text_at(json, "metric").empty()) evaluation.metric = text_at(json, "metric");
  evaluation.n_dims = integer_at(task, "n_dims").value_or(0);
  evaluation.task_key = task_key(task);
  evaluation.n_prompts = integer_at(json, "n_prompts").value_or(0);
  evaluation.train_points = integer_at(json, "train_points");
  evaluation.checkpoint_step = integer_at(at(json, "run"), "checkpoint_step");
  evaluation.normaliser = normaliser_text(json);
  evaluation.curves = read_curves(at(json, "curves"));
  if (evaluation.curves.empty()) throw DataError("no curve with values in 'curves'");
  return evaluation;
}

Probe read_probe(const Json& json) {
  check_schema(json, "icl.probe");
  Probe probe;
  probe.kind = text_at(json, "kind");
  const Json& task = at(json, "task");
  probe.task_label = task_label(text_at(task, "function"), integer_at(task, "n_dims").value_or(0)) +
                     ", " + inputs_text(task) + " inputs";
  probe.task_key = probe.task_label + task_key(task);
  probe.checkpoint_step = integer_at(at(json, "run"), "checkpoint_step");
  probe.n_layers =
      at(json, "layers").is_array() ? static_cast<int64_t>(at(json, "layers").size()) : 0;
  probe.normaliser = normaliser_text(json);
  probe.errors = read_curves(at(json, "curves"));
  probe.references = read_curves(at(json, "references"));
  probe.fits = read_curves(at(json, "fits"));
  const Json& matches = at(json, "matches");
  for (const Json& match : matches.is_array() ? matches : Json::array()) {
    NearestStep nearest{.reference = text_at(match, "reference"),
                        .curve = text_at(match, "curve"),
                        .step = numbers_at(match, "step"),
                        .low = numbers_at(match, "low"),
                        .high = numbers_at(match, "high")};
    const size_t layers = nearest.step.size();
    if (layers == 0 || nearest.low.size() != layers || nearest.high.size() != layers) continue;
    probe.nearest.push_back(std::move(nearest));
  }
  const Json& targets = at(json, "targets");
  if (targets.is_array()) {
    for (const Json& target : targets) {
      Curve curve = read_curve(target, "r2");
      const std::string tokens = text_at(target, "tokens");
      if (!tokens.empty()) curve.name += " (" + tokens + ")";
      if (curve.mean.empty()) continue;
      probe.targets.push_back(curve);
      const std::vector<double> control = numbers_at(target, "control");
      if (control.size() == curve.mean.size()) {
        Curve shuffled{.name = curve.name, .baseline = true, .mean = control};
        shuffled.low = numbers_at(target, "control_low");
        shuffled.high = numbers_at(target, "control_high");
        if (shuffled.low.size() != control.size() || shuffled.high.size() != control.size()) {
          shuffled.low.clear();
          shuffled.high.clear();
        }
        probe.targets.push_back(std::move(shuffled));
      }
    }
  }
  if (probe.errors.empty() && probe.targets.empty()) {
    throw DataError("neither 'curves' nor 'targets' with values");
  }
  return probe;
}

LanguageResult read_language_result(const Json& json) {
  check_schema(json, "icl.nlp");
  LanguageResult result;
  const Json& model = at(json, "model");
  result.name = text_at(model, "name");
  result.family = text_at(model, "family");
  result.parameters = integer_at(model, "parameters");
  const Json& means = at(json, "means");
  for (const Json& mean : means.is_array() ? means : Json::array()) {
    const Json& fixed = at(mean, "fixed_set");
    const Json& available = at(mean, "available");
    const auto tasks = [](const Json& set) {
      const Json& list = at(set, "tasks");
      return list.is_array()
                 ? static_cast<int64_t>(list.size())
                 : integer_at(set, "tasks").value_or(integer_at(set, "n_tasks").value_or(0));
    };
    result.means.push_back({.shots = integer_at(mean, "shots").value_or(0),
                            .fixed = number_at(fixed, "accuracy"),
                            .available = number_at(available, "accuracy"),
                            .fixed_stderr = number_at(fixed, "stderr"),
                            .available_stderr = number_at(available, "stderr"),
                            .fixed_tasks = tasks(fixed),
                            .available_tasks = tasks(available)});
  }
  std::stable_sort(result.means.begin(), result.means.end(),
                   [](const ShotMean& a, const ShotMean& b) { return a.shots < b.shots; });
  const Json& results = at(json, "results");
  for (const Json& entry : results.is_array() ? results : Json::array()) {
    result.tasks.push_back({.task = text_at(entry, "task"),
                            .category = text_at(entry, "category"),
                            .shots = integer_at(entry, "shots").value_or(0),
                            .accuracy = number_at(entry, "accuracy"),
                            .stderr_ = number_at(entry, "stderr")});
  }
  if (result.means.empty() && result.tasks.empty()) throw DataError("no results");
  return result;
}

int64_t read_metrics(const std::string& text, RunRecord& run) {
  int64_t damaged = 0;
  double before = 0, latest = 0;  // seconds of earlier starts, and of this one
  const std::vector<std::string> lines = split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const Json line = Json::parse(lines[i], nullptr, /*allow_exceptions=*/false);
    const std::optional<int64_t> step = integer_at(line, "step");
    if (!step) {
      damaged += i + 1 < lines.size() ? 1 : 0;
      continue;
    }
    run.steps = std::max(run.steps, *step + 1);
    const Json& evaluation = at(line, "evaluation");
    if (evaluation.is_object()) {
      SideEvaluation side{*step, {}};
      for (const auto& [setting, values] : evaluation.items()) {
        side.errors[setting] = numbers_at(evaluation, setting.c_str());
      }
      run.side.push_back(std::move(side));
      continue;
    }
    run.training.push_back({.step = *step,
                            .relative_loss = number_at(line, "relative_loss"),
                            .grad_norm = number_at(line, "grad_norm"),
                            .n_points = integer_at(line, "n_points").value_or(0),
                            .n_dims = integer_at(line, "n_dims").value_or(0)});
    // A squared error of predicting zero follows from the two losses, where none was written.
    double zero = number_at(line, "zero_error");
    if (std::isnan(zero)) zero = number_at(line, "loss") / number_at(line, "relative_loss");
    for (const double error : numbers_at(line, "errors")) {
      run.training.back().errors.push_back(error / zero);
    }
    const double seconds = number_at(line, "seconds");
    if (std::isnan(seconds)) continue;
    if (seconds < latest) before += latest;  // the clock starts anew when a run is resumed
    latest = seconds;
  }
  run.seconds = before + latest;
  return damaged;
}

std::string task_key(Json task) {
  if (!task.is_object()) task = Json::object();
  task.erase("inputs");
  return task.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Evaluation> evaluation_of_training(const RunRecord& run, const Json& config) {
  constexpr size_t kMost = 25;
  if (run.training.empty() || run.training.back().errors.empty()) return std::nullopt;
  // A language model's errors are shares of wrong answers, and icl-nlp eval measures them.
  if (text_at(at(config, "task"), "function") == "language") return std::nullopt;
  const TrainingStep& last = run.training.back();
  std::vector<const TrainingStep*> steps;
  for (auto step = run.training.rbegin(); step != run.training.rend() && steps.size() < kMost;
       ++step) {
    if (step->errors.size() != last.errors.size() || step->n_dims != last.n_dims) break;
    steps.push_back(&*step);
  }
  const Json& task = at(config, "task");
  const auto count = static_cast<double>(steps.size());
  Evaluation result{.setting = kTrainingBatches + inputs_text(task),
                    .function = text_at(task, "function"),
                    .metric = "error"};
  result.task_key = task_key(task);
  result.n_dims = last.n_dims;
  const int64_t batch = integer_at(at(config, "training"), "batch_size").value_or(0);
  result.n_prompts = batch * static_cast<int64_t>(steps.size());
  result.train_points = static_cast<int64_t>(last.errors.size());
  result.checkpoint_step = last.step + 1;
  Curve model{.name = run.name}, zero{.name = "zero", .baseline = true}, exact = zero;
  exact.name = "least_squares";
  for (size_t n = 0; n < last.errors.size(); ++n) {
    double sum = 0, squares = 0;
    for (const TrainingStep* step : steps) sum += step->errors[n];
    for (const TrainingStep* step : steps) {
      squares += (step->errors[n] - sum / count) * (step->errors[n] - sum / count);
    }
    const double half = 1.645 * std::sqrt(squares / std::max(1.0, count - 1) / count);
    model.mean.push_back(sum / count);
    model.low.push_back(sum / count - half);
    model.high.push_back(sum / count + half);
    zero.mean.push_back(1);
    const auto dims = static_cast<double>(last.n_dims);
    exact.mean.push_back(std::max(0.0, 1 - static_cast<double>(n) / dims));
  }
  result.curves = {model, zero};
  // Noiseless and isotropic, least squares is known in closed form: 1 - n / D.
  const std::string inputs = text_at(at(task, "inputs"), "distribution");
  if (result.function == "linear_regression" && inputs == "gaussian" && last.n_dims > 0) {
    result.curves.push_back(exact);
  }
  return result;
}

}  // namespace icl::report
