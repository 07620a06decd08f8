// SPDX-License-Identifier: Apache-2.0
#include "icl/report/run_record.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/report/result_files.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "a run folder (config.json, run.json, metrics.jsonl, eval/*.json, probe/*.json), a folder of "
    "such folders, or result files of icl-eval, icl-probe or icl-nlp";

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
      throw DataError(str("'", path.string(), "': no such file or folder; expected ", kExpected));
    }
  }

 private:
  static bool is_run(const fs::path& path) {
    for (const char* name : {"config.json", "run.json", "metrics.jsonl", "eval", "probe"}) {
      std::error_code error;
      if (fs::exists(path / name, error)) return true;
    }
    return false;
  }

  // Names in order, so that the report does not depend on the file system's.
  static std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

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
    if (usable == 0) note(folder, str("nothing to report in this folder; expected ", kExpected));
  }

  Json parse(const fs::path& path) {
    Json json;
    try {
      json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
    } catch (const Error& error) {
      inputs_.notes.emplace_back(error.what());
      return Json::object();
    }
    if (json.is_object()) return json;
    note(path, "damaged: not a JSON object; left out");
    return Json::object();
  }

  // A result file, into `run` or, without one, into a record of its own.
  bool read_result(const fs::path& path, RunRecord* run) {
    const Json json = parse(path);
    if (json.empty()) return false;
    const std::string schema = text_at(json, "schema");
    try {
      if (schema == "icl.nlp") {
        LanguageResult result = read_language_result(json);
        if (result.name.empty()) result.name = path.stem().string();
        inputs_.language.push_back(std::move(result));
        return true;
      }
      if (schema != "icl.eval" && schema != "icl.probe") {
        note(path, str("schema '", schema, "' is none that a report shows; left out"));
        return false;
      }
      RunRecord& target = run != nullptr ? *run : lone_record(path, at(json, "run"));
      if (schema == "icl.eval") {
        target.evaluations.push_back(read_evaluation(json));
      } else {
        target.probes.push_back(read_probe(json));
        target.probes.back().file = path.stem().string();
      }
      return true;
    } catch (const Error& error) {
      note(path, str(error.what(), "; left out"));
      return false;
    }
  }

  // The record that a result file given by itself belongs to.
  RunRecord& lone_record(const fs::path& path, const Json& about) {
    const std::string name = text_at(about, "name");
    const fs::path origin =
        text_at(about, "path").empty() ? path : fs::path(text_at(about, "path"));
    for (RunRecord& run : inputs_.runs) {
      if (run.path == origin) return run;
    }
    RunRecord run;
    run.path = origin;
    run.name = name.empty() ? path.stem().string() : name;
    take_facts(about, run);
    run.state = "unknown";
    run.steps = integer_at(about, "checkpoint_step").value_or(0);
    inputs_.runs.push_back(std::move(run));
    return inputs_.runs.back();
  }

  static void take_facts(const Json& about, RunRecord& run) {
    if (run.family.empty()) run.family = text_at(about, "family");
    if (!run.parameters) run.parameters = integer_at(about, "parameters");
    if (!run.seed) run.seed = integer_at(about, "seed");
  }

  void read_run(const fs::path& folder) {
    RunRecord run;
    run.path = folder;
    const Json config = read_config(folder / "config.json", run);
    read_metrics_file(folder / "metrics.jsonl", run);
    read_run_json(folder / "run.json", run);
    if (run.name.empty()) {
      run.name = folder.filename().empty() ? folder.parent_path().filename().string()
                                           : folder.filename().string();
    }
    for (const char* kind : {"eval", "probe", "nlp"}) {
      for (const fs::path& file : entries(folder / kind)) {
        if (file.extension() == ".json") read_result(file, &run);
      }
    }
    if (run.evaluations.empty()) {
      if (auto evaluation = evaluation_of_training(run, config)) {
        run.evaluations.push_back(*std::move(evaluation));
      }
    }
    inputs_.runs.push_back(std::move(run));
  }

  static void flatten(const Json& json, const std::string& prefix, RunRecord& run) {
    for (const auto& [key, value] : json.items()) {
      const std::string path = prefix.empty() ? key : prefix + "." + key;
      if (value.is_object()) {
        flatten(value, path, run);
      } else {
        run.config[path] = value.is_string()
                               ? value.get<std::string>()
                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
      }
    }
  }

  Json read_config(const fs::path& path, RunRecord& run) {
    if (!fs::exists(path)) {
      note(path, "missing: the config of this run is not shown");
      return Json::object();
    }
    const Json json = parse(path);
    if (json.empty()) return json;
    run.name = text_at(json, "name");
    run.seed = integer_at(json, "seed");
    run.family = text_at(at(json, "model"), "family");
    run.planned_steps = integer_at(at(json, "training"), "steps").value_or(0);
    run.config_text = json.dump(2, ' ', false, Json::error_handler_t::replace);
    flatten(json, "", run);
    return json;
  }

  void read_metrics_file(const fs::path& path, RunRecord& run) {
    if (!fs::exists(path)) {
      note(path, "missing: no training curve of this run");
      return;
    }
    const int64_t damaged = read_metrics(read_file(path), run);
    if (damaged > 0) note(path, str(damaged, " damaged lines left out"));
  }

  void read_run_json(const fs::path& path, RunRecord& run) {
    run.state = "unknown";
    if (!fs::exists(path)) {
      note(path, "missing: versions, device and state of this run are not known");
      return;
    }
    const Json json = parse(path);
    if (json.empty()) return;
    take_facts(json, run);
    run.git = text_at(json, "git");
    run.device = text_at(json, "device");
    run.version = text_at(json, "icl_version");
    const Json& starts = at(json, "starts");
    const Json& stops = at(json, "stops");
    if (stops.is_array() && !stops.empty()) {
      run.steps = std::max(run.steps, integer_at(stops.back(), "step").value_or(0));
      run.state = text_at(stops.back(), "reason");
      if (run.state.empty()) run.state = "stopped";
    }
    // A start without a stop: running, or killed without a chance to say so.
    const bool open = starts.is_array() && starts.size() > (stops.is_array() ? stops.size() : 0);
    const bool ended =
        run.state == "finished" && run.planned_steps > 0 && run.steps >= run.planned_steps;
    if (open && !ended) run.state = "in progress";
  }

  ReportInputs& inputs_;
};

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
  std::erase_if(inputs.runs, [&](const RunRecord& run) {
    const bool empty = run.config.empty() && run.training.empty() && run.side.empty() &&
                       run.evaluations.empty() && run.probes.empty();
    if (empty) {
      inputs.notes.push_back(
          str("'", run.path.string(), "': nothing usable in this run; left out"));
    }
    return empty;
  });
  if (inputs.runs.empty() && inputs.language.empty()) {
    throw DataError(inputs.notes.empty() ? str("nothing to report; expected ", kExpected)
                                         : join(inputs.notes, "\n"));
  }
  return inputs;
}

}  // namespace icl::report
