// SPDX-License-Identifier: Apache-2.0
//
// icl's programs with a family and a task of one's own: consumer train|eval|probe|report FLAGS.
#include <icl/cli/eval.h>
#include <icl/cli/probe.h>
#include <icl/cli/report.h>
#include <icl/cli/train.h>

#include <string>

#include "additions.h"

int main(int argc, char** argv) {
  add_gated_recurrence();
  add_sparse_parity();
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "train") return icl::train_main(argc - 1, argv + 1);
  if (command == "eval") return icl::eval_main(argc - 1, argv + 1);
  if (command == "probe") return icl::probe_main(argc - 1, argv + 1);
  return icl::report_main(argc - 1, argv + 1);
}
