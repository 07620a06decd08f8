// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/loaded_run.h"

#include <ATen/core/grad_mode.h>

#include <set>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"

namespace icl {
namespace {

RunConfig config_of(const RunFolder& folder) {
  try {
    return load_run_config(folder.config());
  } catch (const UsageError& error) {
    throw DataError(
        str("'", folder.path().string(), "': its config cannot be used: ", error.what()));
  }
}

}  // namespace

LoadedRun load_run(const std::filesystem::path& run, const std::string& which, c10::Device device) {
  const RunFolder folder(run);
  LoadedRun loaded;
  loaded.path = run;
  loaded.checkpoint = folder.find_checkpoint(which);
  loaded.config = config_of(folder);
  if (loaded.config.objective_kind() == ObjectiveKind::kTokens) {
    throw DataError(str("'", run.string(), "' is a run on token sequences: use icl-nlp on '",
                        folder.language_model().string(),
                        "', which the run exports when it is finished"));
  }
  loaded.model = std::make_shared<RegressionModel>(loaded.config.model, loaded.config.task.n_dims,
                                                   Initialization::kNone);
  for (int attempt = 0;; ++attempt) {
    try {
      const std::filesystem::path weights = loaded.checkpoint.weights();
      copy_tensors(SafetensorsFile(weights), weights.string(), *loaded.model);
      break;
    } catch (const DataError&) {
      // The training of a run may remove an old checkpoint while it is read: a newer one is there.
      const bool removed = !std::filesystem::exists(loaded.checkpoint.path);
      if (which != "latest" || !removed || attempt == 4) throw;
      loaded.checkpoint = folder.find_checkpoint(which);
    }
  }
  loaded.model->to(device);
  loaded.model->eval();
  return loaded;
}

Provenance provenance_of(const LoadedRun& run, c10::Device device) {
  Provenance from = provenance_of_program(device);
  from.name = run.config.name;
  from.path = run.path.string();
  from.family = run.config.model.family.name();
  from.parameters = run.model->parameter_count();
  from.seed = run.config.seed;
  from.checkpoint_step = run.checkpoint.step;
  from.checkpoint_checksum = run.checkpoint.checksum;
  return from;
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
