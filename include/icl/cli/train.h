// SPDX-License-Identifier: Apache-2.0
//
// What icl-train does, behind its flags.
//
//   TrainOptions options;
//   add_train_options(program.app(), options);
//   return program.run(argc, argv, [&] { return train(options, program.common()); });
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

struct TrainOptions {
  std::string config;  // required unless resuming
  std::string out;     // default: runs/<name>
  bool resume = false;
  bool dry_run = false;
  bool print_config = false;
  bool describe = false;
};

void add_train_options(CLI::App& app, TrainOptions& options);

// Returns the exit code; throws Error.
int train(const TrainOptions& options, const CommonOptions& common);

}  // namespace icl
