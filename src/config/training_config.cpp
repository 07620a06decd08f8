// SPDX-License-Identifier: Apache-2.0
#include "icl/config/training_config.h"

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

void ScheduleConfig::describe(Fields& f) {
  f.choice("name", name, {"constant", "cosine", "linear"}, "learning rate over the steps");
  f.integer("warmup_steps", warmup_steps, at_least(0),
            "steps of linear warm-up from 0; all of them, if there are fewer");
  f.when(name != "constant", "schedule.name is cosine or linear");
  f.number("final_fraction", final_fraction, between(0, 1),
           "learning rate at the end, as a fraction of the peak");
  f.always();
}

void TrainingConfig::describe(Fields& f) {
  f.integer("steps", steps, at_least(1), "optimizer steps");
  f.integer("batch_size", batch_size, at_least(1), "prompts in a batch");
  f.group("optimizer", optimizer, "update rule");
  f.group("schedule", schedule, "learning rate over the steps");
  f.number("grad_clip", grad_clip, at_least(0), "largest norm of the gradient; 0: no clipping");
  f.group("curriculum", curriculum, "dimensions and points over the steps");
  f.choice("precision", precision, {"bfloat16", "float32"},
           "bfloat16: matrix products in bfloat16, parameters and states in float32");
  f.integer("log_every", log_every, at_least(1), "steps between lines of metrics.jsonl");
  f.integer("checkpoint_every", checkpoint_every, at_least(1), "steps between checkpoints");
  f.integer("keep_last", keep_last, at_least(1), "newest checkpoints to keep");
  f.integer("keep_every", keep_every, at_least(0),
            "keep every checkpoint at a multiple of this step for good; 0: none");
  f.flag("tensorboard", tensorboard, "write TensorBoard events beside metrics.jsonl");
}

}  // namespace icl
