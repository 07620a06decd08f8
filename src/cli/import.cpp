// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/import.h"

#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/io/safetensors.h"
#include "icl/python_runs/python_run.h"
#include "icl/runs/loaded_run.h"
#include "icl/runs/provenance.h"
#include "icl/runs/run_writer.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Where the run comes from, for run.json.
Json origin_of(const ImportOptions& options, const PythonRun& run) {
  Json files = Json::array();
  for (const PythonModel& model : run.models) {
    files.push_back({{"file", model.file.filename().string()}, {"step", model.step}});
  }
  return {{"folder", fs::absolute(options.from).lexically_normal().string()},
          {"config", "config.yaml"},
          {"weights", files},
          {"left_out", run.models.back().unused},
          {"warnings", run.warnings}};
}

void write_run(const fs::path& out, const ImportOptions& options, const PythonRun& run) {
  const PythonModel& newest = run.models.back();
  RunWriter writer(out, run.config, /*resume=*/false);
  writer.begin(newest.step, {{"name", run.config.name},
                             {"icl_version", version_text()},
                             {"git", git_commit()},
                             {"torch", TORCH_VERSION},
                             {"family", run.config.model.family.name()},
                             {"parameters", newest.model->parameter_count()},
                             {"imported", origin_of(options, run)}});
  for (const PythonModel& model : run.models) {
    writer.checkpoint({.step = model.step, .imported = model.file.string()},
                      safetensors_bytes(tensors_of(*model.model)), /*optimizer=*/"");
  }
  writer.end(newest.step, "imported");
}

void print_outcome(const fs::path& out, const PythonRun& run, bool as_json) {
  const PythonModel& newest = run.models.back();
  const ModelConfig& model = run.config.model;
  const int64_t parameters = newest.model->parameter_count();
  if (as_json) {
    Json steps = Json::array();
    for (const PythonModel& each : run.models) steps.push_back(each.step);
    const Json result = {{"schema", "icl.import"},    {"version", 1},
                         {"run", out.string()},       {"family", model.family.name()},
                         {"parameters", parameters},  {"checkpoints", steps},
                         {"left_out", newest.unused}, {"warnings", run.warnings}};
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
  std::printf("model     %s, %lld blocks of width %lld, %s parameters\n",
              model.family.name().c_str(), static_cast<long long>(model.n_layer),
              static_cast<long long>(model.d_model), with_commas(parameters).c_str());
  for (const PythonModel& each : run.models) {
    std::printf("weights   %s, step %s\n", each.file.string().c_str(),
                with_commas(each.step).c_str());
  }
  if (!newest.unused.empty()) {
    std::printf("left out  %s (no prediction depends on them)\n", join(newest.unused).c_str());
  }
  std::printf("run       %s\n", out.string().c_str());
}

}  // namespace

void add_import_options(CLI::App& app, ImportOptions& options) {
  app.add_option("--from", options.from, "folder with config.yaml and state.pt or model_STEP.pt")
      ->required();
  app.add_option("--out", options.out, "run folder to make")->required();
  app.add_flag("--all", options.all, "take every model_STEP.pt over, not only the newest weights");
}

int import_run(const ImportOptions& options, const CommonOptions& common) {
  if (options.out.empty()) throw UsageError("--out is empty: expected a run folder to make");
  PythonRun run =
      read_python_run(options.from, options.all ? PythonModels::kAll : PythonModels::kNewest);
  for (const std::string& warning : run.warnings) log_warning(warning);
  const fs::path out = fs::path(options.out).lexically_normal();
  run.config.name = (out.has_filename() ? out : out.parent_path()).filename().string();
  // So that no checkpoint makes room for the next.
  run.config.training.keep_last =
      std::max(run.config.training.keep_last, static_cast<int64_t>(run.models.size()));
  write_run(out, options, run);
  print_outcome(out, run, common.json);
  return 0;
}

int import_main(int argc, char** argv) {
  Program program("icl-import",
                  "Makes a run folder of a run of the paper's Python code (or Garg et al.'s): "
                  "config.yaml with state.pt or model_STEP.pt, of GPT-2, Mamba or S4D.",
                  "icl-import --from models/linear_regression/0a1b2c3d --out runs/original\n"
                  "icl-import --from models/linear_regression/0a1b2c3d --out runs/original --all\n"
                  "icl-eval --run runs/original --suite standard");
  ImportOptions options;
  add_import_options(program.app(), options);
  return program.run(argc, argv, [&] { return import_run(options, program.common()); });
}

}  // namespace icl
