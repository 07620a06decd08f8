// SPDX-License-Identifier: Apache-2.0
//
// How a model is trained. Defaults are the paper's (Grazzi et al. 2024, section 4 and their code).
//
//   RunConfig config = load_run_config("configs/quickstart/mamba.json");
//   config.training.steps = 4000;
//   config.training.optimizer.lr = 1e-3;
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "icl/config/curriculum_config.h"
#include "icl/config/fields.h"

namespace icl {

// Settings of their own for the parameters whose name contains `match`; the first match wins.
struct ParameterGroupConfig {
  std::string match;
  double lr_factor = 1.0;
  double weight_decay = 0.0;

  void describe(Fields& f);
};

struct OptimizerConfig {
  std::string name = "adam";
  double lr = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  std::vector<ParameterGroupConfig> groups;

  void describe(Fields& f);
};

struct ScheduleConfig {
  std::string name = "cosine";
  int64_t warmup_steps = 0;
  double final_fraction = 0.0;

  void describe(Fields& f);
};

struct TrainingConfig {
  int64_t steps = 500001;
  int64_t batch_size = 64;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  double grad_clip = 0.0;
  CurriculumConfig curriculum;
  std::string precision = "float32";
  int64_t log_every = 100;
  int64_t checkpoint_every = 1000;
  int64_t keep_last = 2;
  int64_t keep_every = 100000;
  bool tensorboard = false;

  void describe(Fields& f);
};

}  // namespace icl
