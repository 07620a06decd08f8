// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/training_config.h"

#include <algorithm>

#include "icl/base/error.h"

namespace icl {

void ParameterGroupConfig::describe(Fields& f) {
  f.text("match", match, "part of the parameters' names, e.g. \"log_dt\"");
  f.number("lr_factor", lr_factor, at_least(0), "factor on the learning rate");
  f.number("weight_decay", weight_decay, at_least(0), "weight decay of the group");
}

void OptimizerConfig::describe(Fields& f) {
  f.choice("name", name, {"adam", "adamw"}, "adamw decouples the weight decay from the gradient");
  f.number("lr", lr, above(0), "peak learning rate");
  f.number("beta1", beta1, between(0, 0.999999), "decay of the mean of gradients");
  f.number("beta2", beta2, between(0, 0.999999999), "decay of the mean of squared gradients");
  f.number("eps", eps, above(0), "added to the root of the second moment");
  f.number("weight_decay", weight_decay, at_least(0), "weight decay of parameters in no group");
  f.list("groups", groups, "parameters with settings of their own");
}

void OptimizerConfig::check(Problems& problems) const {
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].match.empty()) continue;
    problems.add(
        str("groups.", i, ".match"),
        "empty or missing, expected part of the parameters' names: an empty text would match "
        "every parameter");
  }
}

void ScheduleConfig::describe(Fields& f) {
  f.choice("name", name, {"constant", "cosine", "linear"}, "learning rate over the steps");
  f.integer("warmup_steps", warmup_steps, at_least(0),
            "steps of linear warm-up from 0; all of them, if there are fewer");
  f.when(name != "constant", "training.schedule.name is cosine or linear", [&] {
    f.may_change_on_resume([&] {
      f.integer("steps", steps, at_least(0),
                "steps until the rate has fallen to its end, and stays there; 0: training.steps");
    });
    f.number("final_fraction", final_fraction, between(0, 1),
             "learning rate at the end, as a fraction of the peak");
  });
}

void TrainingConfig::describe(Fields& f) {
  f.may_change_on_resume([&] { f.integer("steps", steps, at_least(1), "optimizer steps"); });
  f.integer("batch_size", batch_size, at_least(1), "prompts in a batch");
  f.group("optimizer", optimizer, "update rule");
  f.group("schedule", schedule, "learning rate over the steps");
  f.number("grad_clip", grad_clip, at_least(0), "largest norm of the gradient; 0: no clipping");
  f.group("curriculum", curriculum, "dimensions and points over the steps");
  f.choice("precision", precision, {"bfloat16", "float32"},
           "bfloat16: matrix products in bfloat16, parameters and states in float32");
  f.may_change_on_resume([&] {
    f.integer("log_every", log_every, at_least(1), "steps between lines of metrics.jsonl");
    f.integer("checkpoint_every", checkpoint_every, at_least(1), "steps between checkpoints");
    f.number("checkpoint_minutes", checkpoint_minutes, at_least(0),
             "a checkpoint, too, when this long has passed since the last; 0: by steps alone");
    f.number("stop_after_minutes", stop_after_minutes, at_least(0),
             "save and stop after this long, to be resumed; 0: go on to the end");
    f.integer("keep_last", keep_last, at_least(1), "newest checkpoints to keep");
    f.integer("keep_every", keep_every, at_least(0),
              "keep every checkpoint at a multiple of this step for good; 0: none");
    f.flag("tensorboard", tensorboard, "write TensorBoard events beside metrics.jsonl");
  });
}

void TrainingConfig::check(Problems& problems) const {
  Problems of_optimizer = problems.in("optimizer"), of_curriculum = problems.in("curriculum");
  optimizer.check(of_optimizer);
  curriculum.check(of_curriculum);
}

int64_t TrainingConfig::points_seen(int64_t steps_done) const {
  return curriculum.points.at(std::max<int64_t>(0, steps_done - 1));
}

}  // namespace icl
