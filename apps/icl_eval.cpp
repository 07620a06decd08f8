// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "icl/cli/eval.h"
#include "icl/cli/program.h"

int main(int argc, char** argv) {
  icl::Program program("icl-eval",
                       "Measures how a trained model learns in context: its error against the "
                       "number of in-context examples, beside classical learners.",
                       "icl-eval --run runs/a --suite standard,extrapolation\n"
                       "icl-eval --run runs/a --suite all --points 200 --json\n"
                       "icl-eval sample --config configs/quickstart/mamba.json --points 41 "
                       "--prompts 100 --out prompts.safetensors\n"
                       "icl-eval predict --run runs/a --prompts prompts.safetensors --out "
                       "predictions.safetensors --baselines least_squares,nearest_3");
  icl::EvalOptions eval;
  icl::PredictOptions predict;
  icl::SampleOptions sample;
  CLI::App& app = program.app();
  app.require_subcommand(0, 1);
  icl::add_eval_options(app, eval);
  CLI::App& predict_command =
      *app.add_subcommand("predict", "predictions for the prompts of a file");
  icl::add_predict_options(predict_command, predict);
  CLI::App& sample_command =
      *app.add_subcommand("sample", "prompts of a config's task, into a file");
  icl::add_sample_options(sample_command, sample);
  program.takes_assignments([&] { return sample_command.parsed(); });
  return program.run(argc, argv, [&] {
    if (predict_command.parsed()) return icl::run_predict(predict, program.common());
    if (sample_command.parsed()) return icl::run_sample(sample, program.common());
    return icl::run_eval(eval, program.common());
  });
}
