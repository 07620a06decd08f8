// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/probe.h"

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/io/files.h"
#include "icl/probing/linear_probe.h"
#include "icl/probing/readout_probe.h"
#include "icl/probing/references.h"
#include "icl/runs/loaded_run.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// The paper's context, cut to the points before the last of the longest training prompt.
int64_t context_of(const ProbeOptions& options, const RunConfig& config) {
  if (options.context > 0) return options.context;
  return std::clamp<int64_t>(config.training.curriculum.points.end - 1, 1, 40);
}

std::string number_text(double value, const char* format) {
  if (!std::isfinite(value)) return "not finite";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::vector<std::string> references_of(const ProbeOptions& options, const TaskConfig& task) {
  if (options.references == std::vector<std::string>{"none"}) return {};
  if (options.references != std::vector<std::string>{"auto"}) return options.references;
  return task.traits().linear ? reference_names() : std::vector<std::string>{};
}

std::vector<std::string> checkpoints_of(const ProbeOptions& options, const std::string& run) {
  if (options.checkpoints != std::vector<std::string>{"all"}) return options.checkpoints;
  std::vector<std::string> steps;
  for (const int64_t step : RunFolder(run).checkpoint_steps())
    steps.push_back(std::to_string(step));
  if (steps.empty()) return {"latest"};  // says what is missing
  return steps;
}

// Of each run its folder of results. Several runs share --out with a folder each, as the names of
// the files tell the step alone.
std::vector<std::filesystem::path> folders_of(const ProbeOptions& options) {
  std::vector<std::filesystem::path> folders;
  for (const std::string& run : options.runs) {
    if (options.out.empty()) {
      folders.push_back(RunFolder(run).probes());
    } else if (options.runs.size() == 1) {
      folders.emplace_back(options.out);
    } else {
      const auto whole = (std::filesystem::absolute(run) / "").lexically_normal();
      folders.push_back(std::filesystem::path(options.out) / whole.parent_path().filename());
      if (std::count(folders.begin(), folders.end(), folders.back()) > 1) {
        throw UsageError(str("--out: the results of two runs would both go to '",
                             folders.back().string(),
                             "'; expected runs of different names, or one a call"));
      }
    }
  }
  return folders;
}

// What differs from the default, as part of the file's name.
std::string name_part(const ProbeOptions& options, const CommonOptions& common, bool readout) {
  const ProbeOptions defaults;
  std::string part;
  const auto add = [&part](const char* what, int64_t value, int64_t usual) {
    if (value != usual) part += str("_", what, value);
  };
  add("context", options.context, defaults.context);
  if (readout) {
    add("prompts", options.prompts, defaults.prompts);
    add("queries", options.queries, defaults.queries);
    add("fit", options.fit_points, defaults.fit_points);
    add("iterations", options.iterations, defaults.iterations);
    if (options.normaliser != defaults.normaliser) part += "_unnormalised";
  } else {
    add("train", options.train_prompts, defaults.train_prompts);
    add("test", options.test_prompts, defaults.test_prompts);
  }
  add("seed", common.seed.value_or(0), 0);
  return part;
}

// One probe of one checkpoint.
class Probing {
 public:
  Probing(const LoadedRun& run, const ProbeOptions& options, uint64_t seed, c10::Device device,
          std::function<void(double share)> progress)
      : run_(run),
        options_(options),
        seed_(seed),
        device_(device),
        progress_(std::move(progress)),
        model_(*run.model, [this] { progress_(share_); }) {}

  ProbeResult readout() {
    const TaskConfig& task = run_.config.task;
    ProbeResult result = about();
    ReadoutOptions readout;
    readout.counts = {.prompts = options_.prompts,
                      .context = context_of(options_, run_.config),
                      .queries = options_.queries};
    readout.fit_points = std::min(options_.fit_points, readout.counts.context);
    readout.references = references_of(options_, task);
    readout.iterations = options_.iterations;
    readout.normaliser = result.normaliser.value;
    readout.seed = seed_;
    readout.device = device_;
    readout.progress = reported();
    result.found = probe_readout(model_, task, run_.config.seed, readout);
    return result;
  }

  ProbeResult linear() {
    ProbeResult result = about();
    LinearOptions linear;
    linear.n_points = context_of(options_, run_.config);
    linear.n_train = options_.train_prompts;
    linear.n_validation = std::max<int64_t>(1, options_.train_prompts / 4);
    linear.n_test = options_.test_prompts;
    linear.targets = options_.targets;
    linear.seed = seed_;
    linear.device = device_;
    linear.progress = reported();
    result.found = probe_linear(model_, run_.config.task, run_.config.seed, linear);
    return result;
  }

 private:
  std::function<void(double share)> reported() {
    return [this](double share) { progress_(share_ = share); };
  }

  ProbeResult about() const {
    ProbeResult result{.from = provenance_of(run_, device_), .seed = seed_};
    result.n_layer = run_.model->backbone().n_layer();
    result.describe_task(run_.config.task);
    if (options_.normaliser == "auto") result.normaliser = run_.config.task.traits().normaliser;
    return result;
  }

  const LoadedRun& run_;
  const ProbeOptions& options_;
  uint64_t seed_;
  c10::Device device_;
  std::function<void(double share)> progress_;
  double share_ = 0;  // that is done
  RegressionProbe model_;
};

void print_header(const ProbeResult& result) {
  std::printf("%s probe of %s (%s), step %lld\n", result.kind(), result.from.name.c_str(),
              result.from.family.c_str(), static_cast<long long>(result.from.checkpoint_step));
}

void print(const ProbeResult& result, const ReadoutResult& readout) {
  std::printf("error / %s, and the nearest step of each reference\n%5s %10s %10s %8s %8s",
              result.normaliser.name.c_str(), "layer", "fitted", "raw", "scale", "shift");
  const auto shown = [](const Match& match) { return match.curve == "fitted"; };
  for (const Match& match : readout.matches) {
    if (shown(match)) std::printf(" %16s", match.reference.c_str());
  }
  std::printf("\n");
  for (size_t layer = 0; layer < static_cast<size_t>(result.n_layer); ++layer) {
    std::printf("%5zu", layer);
    for (const Profile& curve : readout.curves) {
      std::printf(" %10s", number_text(curve.mean[layer], "%.4g").c_str());
    }
    for (const Profile& fit : readout.fits) {
      std::printf(" %8s", number_text(fit.mean[layer], "%.3g").c_str());
    }
    for (const Match& match : readout.matches) {
      if (!shown(match)) continue;
      std::printf(" %5s [%s, %s]", number_text(match.step[layer], "%.3g").c_str(),
                  number_text(match.low[layer], "%.3g").c_str(),
                  number_text(match.high[layer], "%.3g").c_str());
    }
    std::printf("\n");
  }
}

void print(const ProbeResult& /*result*/, const LinearResult& linear) {
  std::printf("R^2 by layer (control with shuffled targets below)\n");
  for (const LinearTarget& target : linear.targets) {
    std::printf("%-22s %-5s", target.name.c_str(), target.tokens.c_str());
    for (const double value : target.r2) std::printf(" %6s", number_text(value, "%.3f").c_str());
    std::printf("\n%-22s %-5s", "", "");
    for (const double value : target.control) {
      std::printf(" %6s", number_text(value, "%.3f").c_str());
    }
    std::printf("\n");
  }
}

void print(const ProbeResult& result) {
  print_header(result);
  std::visit([&result](const auto& found) { print(result, found); }, result.found);
}

void warn(const ProbeResult& result) {
  if (const ReadoutResult* readout = result.readout()) {
    for (const ReferenceProfile& reference : readout->references) {
      if (!reference.gamma_at_edge) continue;
      log_warning(str(reference.error.name, ": the best gamma, ", shortest(reference.gamma),
                      ", is at the end of the grid that was searched"));
    }
    for (const Profile& curve : readout->curves) {
      const auto bad = std::count_if(curve.mean.begin(), curve.mean.end(),
                                     [](double value) { return !std::isfinite(value); });
      if (bad == 0) continue;
      log_warning(str("the error '", curve.name, "' of ", bad, " of ", curve.mean.size(),
                      " layers is not finite"));
    }
  }
}

// Whether results can be stored: a folder that was asked for has to be writable, that of a run may
// be read-only.
bool prepare(const std::filesystem::path& folder, const ProbeOptions& options) {
  try {
    make_folders(folder);
    check_writable(folder / "probe.json");
    return true;
  } catch (const DataError& error) {
    if (!options.out.empty()) throw;
    log_warning(str("nothing will be stored: ", error.what(), "; --out DIR stores elsewhere"));
    return false;
  }
}

}  // namespace

void add_probe_options(CLI::App& app, ProbeOptions& options) {
  app.add_option("--run", options.runs, "run folders")->required();
  app.add_option("--kind", options.kind,
                 "what to fit: the model's own read-out, linear probes, both")
      ->check(CLI::IsMember({"readout", "linear", "both"}))
      ->capture_default_str();
  app.add_option("--checkpoint", options.checkpoints, "latest, best, steps, or all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--references", options.references,
                 "gd, gd++, newton, ridge; auto: all of them for linear tasks; or none")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--targets", options.targets,
                 "of linear probes: y, ridge_prediction, least_squares_weights, moment, gd_<n>")
      ->delimiter(',');
  app.add_option("--normaliser", options.normaliser,
                 "divide errors by the task's normaliser (auto), or by nothing (none)")
      ->check(CLI::IsMember({"auto", "none"}))
      ->capture_default_str();
  app.add_option("--out", options.out,
                 "folder of the results, of several runs with a folder of each one's name in it; "
                 "default: probe/ in the run folder");
  const CLI::Range positive(int64_t{1}, int64_t{1} << 24);
  app.add_option(
         "--context", options.context,
         "points before the queries; default: 40, or one less than the longest training prompt "
         "if that is less")
      ->check(positive);
  app.add_option("--prompts", options.prompts, "prompts of the read-out probe")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--queries", options.queries, "queries of each prompt of the read-out probe")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--fit-points", options.fit_points,
                 "last points that scale and shift are fitted on")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--iterations", options.iterations, "iterations of each reference")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--train-prompts", options.train_prompts,
                 "prompts that linear probes are trained on; a quarter more validate")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--test-prompts", options.test_prompts, "prompts that linear probes are tested on")
      ->check(positive)
      ->capture_default_str();
}

int run_probe(const ProbeOptions& options, const CommonOptions& common) {
  const c10::Device device = prepare_device(common);
  const auto seed = static_cast<uint64_t>(common.seed.value_or(0));
  Json results = Json::array();
  const std::vector<std::filesystem::path> folders = folders_of(options);
  for (size_t i = 0; i < options.runs.size(); ++i) {
    const std::string& path = options.runs[i];
    const bool stores = prepare(folders[i], options);
    for (const std::string& checkpoint : checkpoints_of(options, path)) {
      const LoadedRun run = load_run(path, checkpoint, device);
      for (const bool readout : {true, false}) {
        const char* kind = readout ? "readout" : "linear";
        if (options.kind != kind && options.kind != "both") continue;
        constexpr int64_t kParts = 100;
        Progress progress("part", kParts, common.show_progress());
        Probing probing(run, options, seed, device, [&](double share) {
          stop_if_asked();
          progress.update(std::lround(share * kParts), str(kind, " of ", path));
        });
        const ProbeResult result = readout ? probing.readout() : probing.linear();
        progress.finish();
        warn(result);
        if (stores) {
          const auto file = write_probe(folders[i], result, name_part(options, common, readout));
          log_info("wrote " + file.string());
        }
        if (common.json) {
          results.push_back(result.to_json());
        } else {
          print(result);
        }
      }
    }
  }
  if (common.json) std::printf("%s\n", results.dump(2).c_str());
  return 0;
}

int probe_main(int argc, char** argv) {
  Program program("icl-probe", "Shows layer by layer what a trained model has worked out.",
                  "icl-probe --run runs/mamba\n"
                  "icl-probe --run runs/mamba --kind linear --targets y,moment,gd_4\n"
                  "icl-probe --run runs/mamba --checkpoint all --references gd,newton\n"
                  "icl-probe --run runs/mamba --normaliser none --json");
  ProbeOptions options;
  add_probe_options(program.app(), options);
  return program.run(argc, argv, [&] { return run_probe(options, program.common()); });
}

}  // namespace icl
