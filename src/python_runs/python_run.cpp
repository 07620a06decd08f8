// SPDX-License-Identifier: Apache-2.0
#include "icl/python_runs/python_run.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/pickle.h"
#include "icl/models/gpt2.h"
#include "src/python_runs/python_config.h"
#include "src/python_runs/python_tensors.h"

namespace icl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostProblems = 24;

// The step in "model_1000.pt", or -1.
int64_t step_in_name(const std::string& name) {
  if (!name.starts_with("model_") || !name.ends_with(".pt")) return -1;
  const char* first = name.data() + 6;
  const char* last = name.data() + name.size() - 3;
  int64_t step = -1;
  const auto [end, error] = std::from_chars(first, last, step);
  return error == std::errc() && end == last && first != last && *first != '-' ? step : -1;
}

struct StateDict {
  fs::path file;
  int64_t step = 0;
  NamedTensors tensors;
};

NamedTensors tensors_in(const PickleValue& dict) {
  NamedTensors tensors;
  for (const auto& [name, value] : dict.dict()) {
    if (!name.is_text() || !value.is_tensor()) {
      throw DataError(str("expected a state dict of named tensors, found ", value.kind(),
                          name.is_text() ? " under '" + name.text() + "'" : ""));
    }
    tensors.emplace_back(name.text(), value.tensor());
  }
  return tensors;
}

// state.pt holds the state dict beside the optimizer's; model_STEP.pt is one.
StateDict read_state_dict(const fs::path& file, int64_t step) {
  const PickleValue root = read_torch_file(file);
  try {
    if (step >= 0) return {file, step, tensors_in(root)};
    StateDict state{file, root.at("train_step").integer(), tensors_in(root.at("model_state_dict"))};
    if (state.step < 0) throw DataError(str("train_step is ", state.step, ", expected >= 0"));
    return state;
  } catch (const DataError& error) {
    throw DataError(str("'", file.string(), "': ", error.what()));
  }
}

// Ascending by step; at equal steps state.pt is the newer. Only the last one unless `all`.
std::vector<StateDict> read_state_dicts(const fs::path& folder, bool all) {
  std::vector<std::pair<int64_t, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const int64_t step = step_in_name(entry.path().filename().string());
    if (step >= 0) files.emplace_back(step, entry.path());
  }
  std::sort(files.begin(), files.end());
  std::optional<StateDict> state;
  if (fs::exists(folder / "state.pt")) state = read_state_dict(folder / "state.pt", -1);
  if (!state && files.empty()) {
    throw DataError(str("'", folder.string(), "': there is neither state.pt nor model_STEP.pt"));
  }
  if (state) std::erase_if(files, [&](const auto& file) { return file.first == state->step; });
  if (!all && state && (files.empty() || files.back().first < state->step)) files.clear();
  if (!all && files.size() > 1) files.erase(files.begin(), files.end() - 1);
  if (!all && !files.empty()) state.reset();
  std::vector<StateDict> dicts;
  for (const auto& [step, file] : files) dicts.push_back(read_state_dict(file, step));
  if (state) dicts.push_back(std::move(*state));
  std::sort(dicts.begin(), dicts.end(),
            [](const StateDict& a, const StateDict& b) { return a.step < b.step; });
  return dicts;
}

// Positions that are all zero add nothing; any other were added, whatever the config says.
void settle_positions(ModelConfig& model, const PythonTensors& tensors, const fs::path& config_file,
                      std::vector<std::string>& warnings) {
  const at::Tensor* positions = tensors.find("_backbone.wpe.weight");
  auto* gpt2 = model.family.get_if<Gpt2Family>();
  if (gpt2 == nullptr || positions == nullptr || positions->dim() != 2) return;
  const bool zero = at::count_nonzero(*positions).item<int64_t>() == 0;
  const bool learned = gpt2->longest_sequence().has_value();
  if (learned && zero) gpt2->positions = "none";
  if (!learned && !zero) {
    warnings.push_back(str(config_file.string(),
                           ": model.remove_pos_embedding is true, but the weights have positions "
                           "that are not zero; they are kept, as the original would"));
    gpt2->positions = "learned";
    gpt2->n_positions = positions->size(0);
  }
}

void warn_of_non_finite(const StateDict& dict, std::vector<std::string>& warnings) {
  for (const auto& [name, tensor] : dict.tensors) {
    if (!tensor.is_floating_point() || at::isfinite(tensor).all().item<bool>()) continue;
    if (name.ends_with("masked_bias")) continue;
    warnings.push_back(str("'", dict.file.string(), "': ", name,
                           " holds numbers that are not finite: this training diverged"));
    return;
  }
}

std::string listed(std::vector<std::string> problems) {
  const size_t count = problems.size();
  if (count > kMostProblems) {
    problems.resize(kMostProblems);
    problems.push_back(str("and ", count - kMostProblems, " more"));
  }
  return join(problems, "\n  ");
}

}  // namespace

PythonRun read_python_run(const fs::path& folder, PythonModels which) {
  if (!fs::is_directory(folder)) {
    throw DataError(str("'", folder.string(), "': there is no such folder"));
  }
  const auto refuse = [&](const std::vector<std::string>& problems) {
    throw DataError(str("'", folder.string(), "' cannot be imported:\n  ", listed(problems)));
  };
  PythonRun run;
  std::vector<std::string> problems;
  std::vector<StateDict> dicts;
  // What is wrong with one file does not hide what is wrong with the other.
  const auto attempt = [&](const auto& action) {
    try {
      action();
    } catch (const DataError& error) {
      problems.emplace_back(error.what());
    }
  };
  const fs::path config_file = folder / "config.yaml";
  attempt([&] { run.config = read_python_config(config_file, problems, run.warnings); });
  attempt([&] { dicts = read_state_dicts(folder, which == PythonModels::kAll); });
  if (!problems.empty()) refuse(problems);

  for (const StateDict& dict : dicts) {
    const PythonTensors tensors(dict.tensors, run.config.model.family);
    if (&dict == &dicts.front()) {
      settle_positions(run.config.model, tensors, config_file, run.warnings);
    }
    PythonModel& model = run.models.emplace_back(PythonModel{dict.file, dict.step, nullptr, {}});
    std::vector<std::string> misfits;
    model.model = make_python_model(tensors, run.config, misfits, model.unused);
    for (const std::string& misfit : misfits) {
      problems.push_back(dict.file.filename().string() + ": " + misfit);
    }
    warn_of_non_finite(dict, run.warnings);
  }
  if (!problems.empty()) refuse(problems);
  return run;
}

}  // namespace icl
