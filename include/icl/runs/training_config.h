// SPDX-License-Identifier: Apache-2.0
//
// How a model is trained. The defaults are the paper's (Grazzi et al. 2024, section 4 and their
// code).
//
//   icl::RunConfig config = icl::load_run_config("configs/quickstart/mamba.json");
//   config.training.steps = 4000;
//   config.training.optimizer.lr = 1e-3;
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "icl/config/fields.h"
#include "icl/config/problems.h"
#include "icl/tasks/curriculum.h"

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
  void check(Problems& problems) const;
};

struct ScheduleConfig {
  std::string name = "cosine";
  int64_t warmup_steps = 0;
  int64_t steps = 0;  // length of the decay; 0: training.steps
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
  double checkpoint_minutes = 0;
  double stop_after_minutes = 0;
  int64_t keep_last = 2;
  int64_t keep_every = 100000;
  bool tensorboard = false;

  void describe(Fields& f);
  void check(Problems& problems) const;
  // The longest prompt, in points, of the first `steps_done` steps.
  int64_t points_seen(int64_t steps_done) const;
};

}  // namespace icl
