// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/train.h"

int main(int argc, char** argv) {
  return icl::train_main(argc, argv);
}
