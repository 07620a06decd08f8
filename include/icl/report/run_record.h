// SPDX-License-Identifier: Apache-2.0
//
// What a report reads: run folders and result files, taken as they are. Missing, unfinished and
// damaged files never stop it; each leaves a note for the reader of the report.
//
//   ReportInputs inputs = read_inputs({"runs/mamba", "runs/gpt2", "nlp/pythia-160m.json"});
//   for (const std::string& note : inputs.notes) log_warning(note);
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace icl::report {

// Values by number of in-context examples (or by layer). All filled vectors have one length.
struct Curve {
  std::string name;
  bool baseline = false;
  std::vector<double> mean, std, low, high;
};

// One setting's result: eval/<setting>.json.
struct Evaluation {
  // With the inputs, where they are those of the training: "training_distribution: skewed", and
  // "training_batches: skewed" of the last batches, as long as there is no file.
  std::string setting;
  std::string function;  // of the task, "" if unknown
  std::string task_key;  // equal for tasks whose curves may share a figure
  int64_t n_dims = 0;    // 0: unknown
  int64_t n_prompts = 0;
  std::optional<int64_t> train_points;
  std::optional<int64_t> checkpoint_step;
  std::string metric = "squared error";
  std::string normaliser = "1";
  std::vector<Curve> curves;
};

struct TrainingStep {
  int64_t step = 0;
  double relative_loss = 0, grad_norm = 0;  // NaN where the line has none
  int64_t n_points = 0, n_dims = 0;
  std::vector<double> errors;  // by point, relative to predicting zero
};

// Errors by setting and point, measured during training.
struct SideEvaluation {
  int64_t step = 0;
  std::map<std::string, std::vector<double>> errors;
};

// By layer: the step of a reference that the layer's predictions are nearest to.
struct NearestStep {
  std::string reference;  // "gd"
  std::string curve;      // of the layer: "fitted" or "raw"
  std::vector<double> step, low, high;
};

// probe/*.json: profiles over the layers of a model.
struct Probe {
  std::string file;
  std::string kind;        // "readout" or "linear"
  std::string task_key;    // equal for probes on prompts of one distribution
  std::string task_label;  // "linear regression, 20 dimensions, skewed inputs"
  std::optional<int64_t> checkpoint_step;
  int64_t n_layers = 0;
  std::string normaliser = "1";
  std::vector<Curve> errors;         // readout: error after each layer
  std::vector<Curve> references;     // readout: error after each iteration of a reference
  std::vector<Curve> fits;           // readout: "scale" and "shift" by layer
  std::vector<NearestStep> nearest;  // readout: one for each reference and curve
  std::vector<Curve> targets;        // linear: R^2 by layer; a baseline is a shuffled control
};

struct RunRecord {
  std::filesystem::path path;
  std::string name, family;
  std::optional<int64_t> parameters, seed;
  std::string git, device, version;
  std::map<std::string, std::string> config;  // "training.optimizer.lr" -> "0.001"
  std::string config_text;
  int64_t planned_steps = 0, steps = 0;
  double seconds = 0;  // spent in training, over all starts
  std::string state;   // "finished", "in progress", "stopped by signal 15", ...
  std::vector<TrainingStep> training;
  std::vector<SideEvaluation> side;
  std::vector<Evaluation> evaluations;
  std::vector<Probe> probes;
};

// The mean accuracy of one language model at one shot count; NaN where not given.
struct ShotMean {
  int64_t shots = 0;
  double fixed = 0, available = 0;
  double fixed_stderr = 0, available_stderr = 0;
  int64_t fixed_tasks = 0, available_tasks = 0;
};

struct TaskAccuracy {
  std::string task, category;
  int64_t shots = 0;
  double accuracy = 0, stderr_ = 0;
};

// What icl-nlp eval wrote.
struct LanguageResult {
  std::string name, family;
  std::optional<int64_t> parameters;
  std::vector<ShotMean> means;
  std::vector<TaskAccuracy> tasks;
};

struct ReportInputs {
  std::vector<RunRecord> runs;
  std::vector<LanguageResult> language;
  std::vector<std::string> notes;  // what could not be read, and what follows from that
};

// Each path is a run folder, a folder of run folders or of result files, or one result file.
// Throws DataError when nothing usable is found, saying what was expected where.
ReportInputs read_inputs(const std::vector<std::filesystem::path>& paths);

}  // namespace icl::report
