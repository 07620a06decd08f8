// SPDX-License-Identifier: Apache-2.0
#include "icl/config/task_config.h"

namespace icl {

void InputConfig::describe(Fields& f) {
  f.choice("distribution", distribution,
           {"gaussian", "skewed", "half_subspace", "random_quadrants"},
           "distribution of the inputs x");
  const bool rotated = distribution == "skewed" || distribution == "half_subspace";
  f.when(distribution == "skewed", "inputs.distribution is skewed");
  f.number("exponent", exponent, at_least(0),
           "standard deviation along direction i (from 1) falls as i^-exponent");
  f.when(rotated, "inputs.distribution is skewed or half_subspace");
  f.choice("rotation", rotation, {"per_batch", "fixed"},
           "a fresh random rotation for each batch, or one for the whole run");
  f.always();
  f.number("scale", scale, above(0), "factor on the inputs");
  f.number("bias", bias, any(), "added to every coordinate of the inputs, after the scale");
}

void TaskConfig::describe(Fields& f) {
  f.choice("function", function,
           {"decision_tree", "language", "linear_classification", "linear_regression",
            "noisy_linear_regression", "quadratic_regression", "relu_2nn_regression",
            "sparse_linear_regression"},
           "class of functions that the prompts are drawn from; language: documents of "
           "demonstrations of "
           "the algorithmic tasks of icl-nlp, a byte a token (points: demonstrations)");
  const bool language = function == "language";
  f.when(!language, "function is not language");
  f.integer("n_dims", n_dims, between(1, 4096), "dimensions D of an input");
  f.when(!language && function != "linear_classification" && function != "decision_tree" &&
             function != "relu_2nn_regression",
         "function is a linear or quadratic regression");
  f.number("scale", scale, above(0), "factor on the noiseless function value");
  f.when(function == "sparse_linear_regression", "function is sparse_linear_regression");
  f.integer("sparsity", sparsity, at_least(1), "number k of non-zero weights");
  f.when(function == "noisy_linear_regression", "function is noisy_linear_regression");
  f.number("noise_std", noise_std, at_least(0), "standard deviation of the noise on y");
  f.flag("renormalize_ys", renormalize_ys,
         "scale the ys of a batch so that their standard deviation is sqrt(D)");
  f.when(function == "relu_2nn_regression", "function is relu_2nn_regression");
  f.integer("hidden_width", hidden_width, at_least(1), "hidden units of the random network");
  f.when(function == "decision_tree", "function is decision_tree");
  f.integer("depth", depth, between(1, 16), "depth of the random tree");
  f.when(!language, "function is not language");
  f.integer("num_tasks", num_tasks, at_least(0),
            "draw functions from a fixed pool of this many; 0: a fresh function each time");
  f.integer("num_training_examples", num_training_examples, at_least(0),
            "draw whole prompts from a fixed pool of this many; 0: a fresh prompt each time");
  f.always();
  if (!language) f.group("inputs", inputs, "where the inputs come from");
}

}  // namespace icl
