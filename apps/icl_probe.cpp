// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/probe.h"

int main(int argc, char** argv) {
  icl::Program program("icl-probe", "Shows layer by layer what a trained model has worked out.",
                       "icl-probe --run runs/mamba\n"
                       "icl-probe --run runs/mamba --kind linear --targets y,moment,gd_4\n"
                       "icl-probe --run runs/mamba --checkpoint all --references gd,newton\n"
                       "icl-probe --run runs/mamba --normaliser none --json");
  icl::ProbeOptions options;
  icl::add_probe_options(program.app(), options);
  return program.run(argc, argv, [&] { return icl::probe(options, program.common()); });
}
