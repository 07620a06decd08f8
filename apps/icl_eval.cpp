// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/eval.h"

int main(int argc, char** argv) {
  return icl::eval_main(argc, argv);
}
