// SPDX-License-Identifier: Apache-2.0
//
// icl-probe: what the layers of trained models hold; for programs that add families or tasks of
// their own:
//
//   int main(int argc, char** argv) {
//     icl::families().add<Running>();
//     return icl::probe_main(argc, argv);
//   }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "icl/cli/program.h"

namespace icl {

// The whole program. Returns the exit code.
int probe_main(int argc, char** argv);

struct ProbeOptions {
  std::vector<std::string> runs;
  std::string kind = "readout";                       // readout, linear or both
  std::vector<std::string> checkpoints = {"latest"};  // latest, best, steps, or all
  std::vector<std::string> references = {"auto"};     // auto, none or names
  std::vector<std::string> targets;                   // empty: those that fit the task
  std::string normaliser = "auto";                    // auto: the task's; none: raw errors
  std::string out;                                    // empty: probe/ in the run folder
  int64_t context = 0;  // 0: 40, or one less than the longest prompt of the run's config
  int64_t prompts = 64;
  int64_t queries = 30;
  int64_t fit_points = 10;
  int64_t iterations = 24;
  int64_t train_prompts = 4096;
  int64_t test_prompts = 1024;
};

void add_probe_options(CLI::App& app, ProbeOptions& options);
// Returns the exit code; throws Error.
int run_probe(const ProbeOptions& options, const CommonOptions& common);

}  // namespace icl
