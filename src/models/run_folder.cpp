// SPDX-License-Identifier: Apache-2.0
#include "icl/models/run_folder.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/io/manifest.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "step_";

Checkpoint open_checkpoint(const fs::path& run, int64_t step) {
  const fs::path path = checkpoint_path(run, step);
  return {path, step, verify_sealed_folder(path)};
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 15 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

std::string listed(const std::vector<int64_t>& steps) {
  std::vector<std::string> words;
  for (const int64_t step : steps) words.push_back(std::to_string(step));
  if (words.size() > 12) {
    words.erase(words.begin() + 5, words.end() - 5);
    words.insert(words.begin() + 5, "...");
  }
  return words.empty() ? "none" : join(words);
}

Checkpoint newest_whole(const fs::path& run, const std::vector<int64_t>& steps) {
  std::string last_problem;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      return open_checkpoint(run, *step);
    } catch (const DataError& error) {
      last_problem = error.what();
      log_warning(str("passing over a damaged checkpoint: ", last_problem));
    }
  }
  throw DataError(steps.empty() ? str("'", run.string(), "': there is no checkpoint yet")
                                : str("every checkpoint is damaged; the last: ", last_problem));
}

Checkpoint best(const fs::path& run) {
  std::error_code missing;
  const fs::path target = fs::read_symlink(run / "checkpoints" / "best", missing);
  const std::string name = target.filename().string();
  if (missing || name.rfind(kPrefix, 0) != 0 || !is_number(name.substr(kPrefix.size()))) {
    throw DataError(str("'", run.string(),
                        "': no checkpoint is marked best (training marks one when "
                        "evaluation.every is set)"));
  }
  return open_checkpoint(run, std::stoll(name.substr(kPrefix.size())));
}

}  // namespace

fs::path checkpoint_path(const fs::path& run, int64_t step) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "step_%08lld", static_cast<long long>(step));
  return run / "checkpoints" / name.data();
}

std::vector<int64_t> checkpoint_steps(const fs::path& run) {
  std::vector<int64_t> steps;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", missing)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kPrefix, 0) == 0 && is_number(name.substr(kPrefix.size()))) {
      steps.push_back(std::stoll(name.substr(kPrefix.size())));
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

Checkpoint find_checkpoint(const fs::path& run, const std::string& which) {
  if (!fs::is_directory(run)) {
    throw DataError(str("'", run.string(), "': there is no such run folder"));
  }
  const std::vector<int64_t> steps = checkpoint_steps(run);
  if (which == "latest") return newest_whole(run, steps);
  if (which == "best") return best(run);
  if (!is_number(which)) {
    throw UsageError(str("checkpoint '", which, "': expected latest, best or a step"));
  }
  const int64_t step = std::stoll(which);
  if (std::find(steps.begin(), steps.end(), step) == steps.end()) {
    throw DataError(str("'", run.string(), "': there is no checkpoint of step ", step,
                        "; there are: ", listed(steps)));
  }
  return open_checkpoint(run, step);
}

LoadedRun load_run(const fs::path& run, const std::string& which, c10::Device device) {
  LoadedRun loaded;
  loaded.path = run;
  loaded.checkpoint = find_checkpoint(run, which);
  try {
    loaded.config = load_run_config(run / "config.json");
  } catch (const UsageError& error) {
    throw DataError(str("'", run.string(), "': its config cannot be used: ", error.what()));
  }
  if (loaded.config.task.function == "language") {
    throw DataError(str("'", run.string(), "' is a run of a language model: use icl-nlp on '",
                        (run / "hf").string(), "', which it exports when it is finished"));
  }
  loaded.model = std::make_shared<RegressionModel>(loaded.config.model, loaded.config.task.n_dims);
  const fs::path weights = loaded.checkpoint.path / "model.safetensors";
  copy_tensors(SafetensorsFile(weights), weights.string(), *loaded.model);
  loaded.model->to(device);
  loaded.model->eval();
  return loaded;
}

NamedTensors tensors_of(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

void copy_tensors(const SafetensorsFile& file, const std::string& file_name,
                  torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  std::vector<std::string> problems;
  std::set<std::string> wanted;
  for (auto& [name, tensor] : tensors_of(module)) {
    wanted.insert(name);
    if (!file.contains(name)) {
      problems.push_back(str("missing: ", name, " ", describe_shape(tensor.sizes())));
      continue;
    }
    const at::Tensor stored = file.tensor(name);
    if (stored.sizes() != tensor.sizes()) {
      problems.push_back(str("misshapen: ", name, " is ", describe_shape(stored.sizes()),
                             ", the model has ", describe_shape(tensor.sizes())));
      continue;
    }
    tensor.copy_(stored);
  }
  for (const std::string& name : file.names()) {
    if (wanted.count(name) == 0) problems.push_back(str("extra: ", name));
  }
  if (!problems.empty()) {
    throw DataError(str("'", file_name, "' does not fit the model:\n  ", join(problems, "\n  ")));
  }
}

}  // namespace icl
