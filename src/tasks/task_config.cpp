// SPDX-License-Identifier: Apache-2.0
#include "icl/tasks/task_config.h"

#include "icl/base/error.h"

namespace icl {

void InputConfig::describe(Fields& f) {
  f.kind("distribution", distribution, "distribution of the inputs x");
  f.settings("distribution", distribution);
  f.number("scale", scale, above(0), "factor on the inputs");
  f.number("bias", bias, any(), "added to every coordinate of the inputs, after the scale");
}

void TaskConfig::describe(Fields& f) {
  f.kind("function", function, "class of functions that the prompts are drawn from");
  f.integer("n_dims", n_dims, between(1, 4096), "dimensions D of an input");
  f.settings("function", function);
  f.integer("num_tasks", num_tasks, at_least(0),
            "draw functions from a fixed pool of this many; 0: a fresh function each time");
  f.integer("num_training_examples", num_training_examples, at_least(0),
            "draw whole prompts from a fixed pool of this many; 0: a fresh prompt each time");
  f.group("inputs", inputs, "where the inputs come from");
}

void TaskConfig::check(Problems& problems) const {
  function->check(n_dims, problems);
  if (num_tasks > 0 && num_training_examples > 0) {
    problems.add("num_tasks",
                 str(num_tasks, ", expected 0 where num_training_examples (", num_training_examples,
                     ") is set: the functions of a pool of whole prompts belong to these prompts"));
  }
}

}  // namespace icl
