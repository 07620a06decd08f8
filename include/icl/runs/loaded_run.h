// SPDX-License-Identifier: Apache-2.0
//
// The trained model of a run folder.
//
//   icl::LoadedRun run = icl::load_run("runs/linear_regression_mamba");   // newest checkpoint
//   at::Tensor predictions_BK = run.model->predict(xs_BKD, ys_BK);
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <memory>
#include <string>

#include "icl/io/safetensors.h"
#include "icl/models/regression_model.h"
#include "icl/runs/provenance.h"
#include "icl/runs/run_config.h"
#include "icl/runs/run_folder.h"

namespace icl {

struct LoadedRun {
  std::filesystem::path path;
  RunConfig config;
  Checkpoint checkpoint;
  std::shared_ptr<RegressionModel> model;  // in evaluation mode, on the device

  // The longest prompt, in points, that the weights of this checkpoint were trained on.
  int64_t points_seen() const { return config.training.points_seen(checkpoint.step); }
};

// Draws nothing from ATen's generator. Throws DataError for a run of the objective "tokens", whose
// trained model icl-nlp reads.
LoadedRun load_run(const std::filesystem::path& run, const std::string& which = "latest",
                   c10::Device device = c10::kCPU);

// The weights of `run` on `device`, and this program.
Provenance provenance_of(const LoadedRun& run, c10::Device device);

// All parameters and buffers by name.
NamedTensors tensors_of(const torch::nn::Module& module);
// Copies `file` into the module. Throws DataError listing every missing, extra and misshapen
// tensor.
void copy_tensors(const SafetensorsFile& file, const std::string& file_name,
                  torch::nn::Module& module);

}  // namespace icl
