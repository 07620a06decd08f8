// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/import.h"

int main(int argc, char** argv) {
  return icl::import_main(argc, argv);
}
