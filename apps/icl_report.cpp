// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/report.h"

int main(int argc, char** argv) {
  return icl::report_main(argc, argv);
}
