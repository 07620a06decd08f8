// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/probe.h"

int main(int argc, char** argv) {
  return icl::probe_main(argc, argv);
}
