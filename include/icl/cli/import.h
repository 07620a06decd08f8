// SPDX-License-Identifier: Apache-2.0
//
// icl-import: a run of the paper's Python code as a run folder.
//
//   int main(int argc, char** argv) { return icl::import_main(argc, argv); }
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

// All of icl-import: parses the flags, imports, returns the exit code.
int import_main(int argc, char** argv);

struct ImportOptions {
  std::string from;
  std::string out;
  bool all = false;  // every model_STEP.pt too, each as a checkpoint
};

void add_import_options(CLI::App& app, ImportOptions& options);
int import_run(const ImportOptions& options, const CommonOptions& common);

}  // namespace icl
