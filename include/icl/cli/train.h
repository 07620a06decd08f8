// SPDX-License-Identifier: Apache-2.0
//
// icl-train as a function: a program with families or tasks of its own adds them and calls it.
//
//   int main(int argc, char** argv) {
//     icl::families().add<MyFamily>();
//     return icl::train_main(argc, argv);
//   }
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

// All of icl-train: parses the flags, trains, returns the exit code.
int train_main(int argc, char** argv);

struct TrainOptions {
  std::string config;  // required unless resuming
  std::string out;     // default: runs/<name>
  std::string init_from;
  bool resume = false;
  bool dry_run = false;
  bool print_config = false;
  bool describe = false;
};

void add_train_options(CLI::App& app, TrainOptions& options);

// Returns the exit code; throws Error.
int train(const TrainOptions& options, const CommonOptions& common);

}  // namespace icl
