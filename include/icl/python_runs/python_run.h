// SPDX-License-Identifier: Apache-2.0
//
// Runs of the public Python code of Grazzi et al. (2024), and of Garg et al. (2022) from which it
// descends: a folder with config.yaml and state.pt or model_STEP.pt becomes a config and models of
// ours whose predictions agree.
//
//   const PythonRun run = read_python_run("models/linear_regression/7f3a...");
//   at::Tensor predictions_BK = run.models.back().model->predict(xs_BKD, ys_BK);
//
// Read are GPT-2 (with learned positions, or with them frozen at zero), Mamba and S4D. What the
// weights show decides about positions. src/python_runs/python_tensors.cpp is the table of names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "icl/models/regression_model.h"
#include "icl/runs/run_config.h"

namespace icl {

struct PythonModel {
  std::filesystem::path file;
  int64_t step = 0;  // the original's number of its last step, counted from 0
  std::shared_ptr<RegressionModel> model;
  std::vector<std::string> unused;  // tensors that no prediction depends on, and are left out
};

struct PythonRun {
  RunConfig config;
  std::vector<PythonModel> models;    // ascending by step
  std::vector<std::string> warnings;  // unknown keys, for instance
};

enum class PythonModels { kNewest, kAll };

// Throws DataError listing all that is wrong: files that are missing or damaged, values that are
// not supported (file, line, key, what was expected), tensors that are missing, unknown or
// misshapen.
PythonRun read_python_run(const std::filesystem::path& folder,
                          PythonModels which = PythonModels::kNewest);

}  // namespace icl
