// SPDX-License-Identifier: Apache-2.0
#include "icl/report/inputs.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/json.h"
#include "icl/runs/run_folder.h"
#include "src/report/prompt_tasks.h"
#include "src/report/training_batches.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string expected_text() {
  const RunFolder folder("");
  return str(
      "a run folder (", folder.config().string(), ", ", folder.record().string(), ", ",
      folder.metrics().string(), ", ", folder.evaluations().string(), "/*.json, ",
      folder.probes().string(),
      "/*.json), a folder of such folders, or result files of icl-eval, icl-probe or icl-nlp");
}

bool is_run(const fs::path& path) {
  const RunFolder folder(path);
  std::error_code error;
  const fs::path parts[] = {folder.config(), folder.record(), folder.metrics(),
                            folder.evaluations(), folder.probes()};
  return std::any_of(std::begin(parts), std::end(parts),
                     [&](const fs::path& part) { return fs::exists(part, error); });
}

// In the order of their names, so that the report does not depend on the file system.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string schema_of(const Json& json) {
  const auto schema = json.is_object() ? json.find("schema") : json.end();
  return schema != json.end() && schema->is_string() ? schema->get<std::string>() : "";
}

class Reader {
 public:
  explicit Reader(ReportInputs& inputs) : inputs_(inputs) {}

  void read(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      read_folder(path);
    } else if (fs::exists(path, error)) {
      read_result(path, nullptr);
    } else {
      throw DataError(
          str("'", path.string(), "': no such file or folder; expected ", expected_text()));
    }
  }

 private:
  void note(const fs::path& path, const std::string& what) {
    inputs_.notes.push_back(str("'", path.string(), "': ", what));
  }

  void read_folder(const fs::path& folder) {
    if (is_run(folder)) {
      read_run(folder);
      return;
    }
    size_t usable = 0;
    for (const fs::path& entry : entries(folder)) {
      std::error_code error;
      if (fs::is_directory(entry, error) && is_run(entry)) {
        read_run(entry);
        ++usable;
      } else if (entry.extension() == ".json" && read_result(entry, nullptr)) {
        ++usable;
      }
    }
    if (usable == 0) {
      note(folder, str("nothing to report in this folder; expected ", expected_text()));
    }
  }

  // A result file, into `run` or, without one, into the run that the result names.
  bool read_result(const fs::path& path, ReportedRun* run) {
    const std::string name = str("'", path.string(), "'");
    try {
      const Json json = read_json<Json>(path);
      const std::string schema = schema_of(json);
      if (schema == "icl.nlp") {
        add(LanguageEvaluation::from_json(json, name), path);
      } else if (schema == "icl.eval") {
        add(EvalResult::from_json(json, name), path, run);
      } else if (schema == "icl.probe") {
        add(ProbeResult::from_json(json, name), path, run);
      } else {
        throw DataError(
            str(name, ": schema '", schema, "': expected icl.eval, icl.probe or icl.nlp"));
      }
      return true;
    } catch (const Error& error) {
      inputs_.notes.push_back(str(error.what(), "; left out"));
      return false;
    }
  }

  void add(LanguageEvaluation evaluation, const fs::path& path) {
    if (evaluation.results.results.empty() && evaluation.results.means.empty()) {
      throw DataError(str("'", path.string(), "': no results"));
    }
    if (evaluation.facts.name.empty()) evaluation.facts.name = path.stem().string();
    inputs_.language.push_back(std::move(evaluation));
  }

  void add(EvalResult result, const fs::path& path, ReportedRun* run) {
    const std::string where = str("'", path.string(), "': task");
    ReportedEvaluation evaluation;
    evaluation.task = prompt_task(result.task, where);
    evaluation.setting = setting_label(result, where);
    ReportedRun& target = run != nullptr ? *run : run_of(result.from, path);
    // A setting may draw other functions than the training; its curves belong to the trained task.
    if (!target.task.key.empty() && !target.config_json.is_null()) evaluation.task = target.task;
    if (target.task.key.empty()) target.task = evaluation.task;
    evaluation.result = std::move(result);
    target.evaluations.push_back(std::move(evaluation));
  }

  void add(ProbeResult result, const fs::path& path, ReportedRun* run) {
    const std::string where = str("'", path.string(), "': task");
    ReportedProbe probe;
    probe.task = prompt_task(result.task, result.inputs, where);
    ReportedRun& target = run != nullptr ? *run : run_of(result.from, path);
    if (target.task.key.empty()) target.task = prompt_task(result.task, where);
    probe.result = std::move(result);
    target.probes.push_back(std::move(probe));
  }

  // The run that a result file given by itself belongs to.
  ReportedRun& run_of(const Provenance& from, const fs::path& path) {
    const fs::path origin = from.path.empty() ? path : fs::path(from.path);
    for (ReportedRun& run : inputs_.runs) {
      if (run.path == origin) return run;
    }
    ReportedRun run{.path = origin, .name = from.name.empty() ? path.stem().string() : from.name};
    take_facts(from, run);
    run.steps = from.checkpoint_step;
    inputs_.runs.push_back(std::move(run));
    return inputs_.runs.back();
  }

  static void take_facts(const Provenance& from, ReportedRun& run) {
    if (run.family.empty()) run.family = from.family;
    if (run.parameters == 0) run.parameters = from.parameters;
    if (!run.seed && !from.family.empty()) run.seed = from.seed;
  }

  void read_run(const fs::path& path) {
    const RunFolder folder(path);
    ReportedRun run{.path = path};
    read_config(folder.config(), run);
    read_metrics(folder.metrics(), run);
    read_record(folder.record(), run);
    for (const fs::path& results : {folder.evaluations(), folder.probes()}) {
      for (const fs::path& file : entries(results)) {
        if (file.extension() == ".json") read_result(file, &run);
      }
    }
    for (const ReportedEvaluation& each : run.evaluations) take_facts(each.result.from, run);
    for (const ReportedProbe& each : run.probes) take_facts(each.result.from, run);
    if (run.name.empty()) run.name = run.record.from.name;
    if (run.name.empty()) {
      run.name = (path.filename().empty() ? path.parent_path() : path).filename().string();
    }
    if (run.evaluations.empty()) {
      if (auto batches = last_training_batches(run)) run.evaluations.push_back(*std::move(batches));
    }
    inputs_.runs.push_back(std::move(run));
  }

  void read_config(const fs::path& path, ReportedRun& run) {
    if (!fs::exists(path)) {
      note(path, "missing: the config of this run is not shown");
      return;
    }
    try {
      run.config_json = read_json<Json>(path, {.comments = true});
      run.config = load_run_config(path);
      run.config_json = run_config_json(*run.config);
      run.name = run.config->name;
      run.seed = run.config->seed;
      run.family = run.config->model.family.name();
      run.planned_steps = run.config->training.steps;
    } catch (const Error& error) {
      note(path, str("not a config that this program can read: ", error.what()));
      if (!run.config_json.is_object()) run.config_json = nullptr;
    }
    try {
      run.task = trained_task(run.config, run.config_json);
    } catch (const DataError& error) {
      note(path, error.what());
    }
  }

  void read_metrics(const fs::path& path, ReportedRun& run) {
    if (!fs::exists(path)) {
      note(path, "missing: no training curve of this run");
      return;
    }
    try {
      run.metrics = RunMetrics::read(path);
    } catch (const Error& error) {
      inputs_.notes.emplace_back(error.what());
    }
    const int64_t damaged = run.metrics.damaged_lines;
    if (damaged > 0) note(path, counted(damaged, "damaged line") + " left out");
    run.steps = run.metrics.steps_done();
  }

  void read_record(const fs::path& path, ReportedRun& run) {
    if (!fs::exists(path)) {
      note(path, "missing: versions, device and state of this run are not known");
      return;
    }
    try {
      run.record = RunRecord::read(path);
    } catch (const Error& error) {
      inputs_.notes.emplace_back(error.what());
      return;
    }
    if (run.family.empty()) run.family = run.record.from.family;
    run.parameters = run.record.from.parameters;
    run.steps = std::max(run.steps, run.record.steps_done());
    run.state = run.record.state(run.planned_steps);
  }

  ReportInputs& inputs_;
};

bool is_empty(const ReportedRun& run) {
  return !run.config_json.is_object() && run.metrics.steps.empty() &&
         run.metrics.evaluations.empty() && run.evaluations.empty() && run.probes.empty();
}

}  // namespace

ReportInputs read_inputs(const std::vector<fs::path>& paths) {
  ReportInputs inputs;
  Reader reader(inputs);
  std::vector<std::string> missing;
  for (const fs::path& path : paths) {
    try {
      reader.read(path);
    } catch (const Error& error) {
      missing.emplace_back(error.what());
    }
  }
  inputs.notes.insert(inputs.notes.end(), missing.begin(), missing.end());
  for (const ReportedRun& run : inputs.runs) {
    if (!is_empty(run)) continue;
    inputs.notes.push_back(str("'", run.path.string(), "': nothing usable in this run; left out"));
  }
  std::erase_if(inputs.runs, is_empty);
  if (inputs.runs.empty() && inputs.language.empty()) {
    throw DataError(inputs.notes.empty() ? str("nothing to report; expected ", expected_text())
                                         : join(inputs.notes, "\n"));
  }
  return inputs;
}

}  // namespace icl::report
