// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/train.h"

int main(int argc, char** argv) {
  icl::Program program(
      "icl-train", "Trains a sequence model to learn functions in context.",
      "icl-train --config configs/quickstart/mamba.json --out runs/mamba\n"
      "icl-train --config configs/quickstart/mamba.json --set training.steps=2000\n"
      "icl-train --config configs/paper/linear_regression/mamba.json --dry-run\n"
      "icl-train --out runs/mamba --resume\n"
      "icl-train --describe");
  icl::TrainOptions options;
  icl::add_train_options(program.app(), options);
  program.takes_assignments([] { return true; });
  return program.run(argc, argv, [&] { return icl::train(options, program.common()); });
}
