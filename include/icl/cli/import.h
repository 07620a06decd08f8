// SPDX-License-Identifier: Apache-2.0
//
// icl-import: a run of the paper's Python code as a run folder.
//
//   ImportOptions options;
//   add_import_options(program.app(), options);
//   return program.run(argc, argv, [&] { return import_run(options, program.common()); });
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

struct ImportOptions {
  std::string from;
  std::string out;
  bool all = false;  // every model_STEP.pt too, each as a checkpoint
};

void add_import_options(CLI::App& app, ImportOptions& options);
int import_run(const ImportOptions& options, const CommonOptions& common);

}  // namespace icl
