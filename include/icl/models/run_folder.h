// SPDX-License-Identifier: Apache-2.0
//
// A run folder as training leaves it, and the trained model in it.
//
//   LoadedRun run = load_run("runs/linear_regression_mamba");           // newest checkpoint
//   at::Tensor predictions_BK = run.model->predict(xs_BKD, ys_BK);
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "icl/config/run_config.h"
#include "icl/io/safetensors.h"
#include "icl/models/regression_model.h"

namespace icl {

// checkpoints/step_00001000
std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t step);
// Steps that have a checkpoint folder, ascending; whether it is whole is not checked.
std::vector<int64_t> checkpoint_steps(const std::filesystem::path& run);

struct Checkpoint {
  std::filesystem::path path;
  int64_t step = 0;      // optimizer steps done
  std::string checksum;  // identifies the contents
};

// `which`: "latest", "best" or a step. A damaged latest checkpoint is passed over for the one
// before it, with a warning; a damaged one that was asked for by name is an error. Throws
// DataError.
Checkpoint find_checkpoint(const std::filesystem::path& run, const std::string& which = "latest");

struct LoadedRun {
  std::filesystem::path path;
  RunConfig config;
  Checkpoint checkpoint;
  std::shared_ptr<RegressionModel> model;  // in evaluation mode, on the device
};

LoadedRun load_run(const std::filesystem::path& run, const std::string& which = "latest",
                   c10::Device device = c10::kCPU);

// All parameters and buffers by name.
NamedTensors tensors_of(const torch::nn::Module& module);
// Copies `file` into the module. Throws DataError listing every missing, extra and misshapen
// tensor.
void copy_tensors(const SafetensorsFile& file, const std::string& file_name,
                  torch::nn::Module& module);

}  // namespace icl
