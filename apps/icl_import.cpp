// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/import.h"

int main(int argc, char** argv) {
  icl::Program program("icl-import",
                       "Makes a run folder of a run of the paper's Python code (or Garg et al.'s): "
                       "config.yaml with state.pt or model_STEP.pt, of GPT-2, Mamba or S4D.",
                       "icl-import --from models/linear_regression/0a1b2c3d --out runs/original\n"
                       "icl-import --from models/linear_regression/0a1b2c3d --out runs/original "
                       "--all\n"
                       "icl-eval --run runs/original --suite standard");
  icl::ImportOptions options;
  icl::add_import_options(program.app(), options);
  return program.run(argc, argv, [&] { return icl::import_run(options, program.common()); });
}
