// SPDX-License-Identifier: Apache-2.0
//
// icl-probe: what the layers of trained models hold.
//
//   ProbeOptions options;
//   add_probe_options(program.app(), options);
//   return program.run(argc, argv, [&] { return probe(options, program.common()); });
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "icl/cli/program.h"

namespace icl {

struct ProbeOptions {
  std::vector<std::string> runs;
  std::string kind = "readout";                       // readout, linear or both
  std::vector<std::string> checkpoints = {"latest"};  // latest, best, steps, or all
  std::vector<std::string> references = {"auto"};     // auto, none or names
  std::vector<std::string> targets;                   // empty: those that fit the task
  std::string normaliser = "auto";                    // auto: the task's; none: raw errors
  std::string out;                                    // empty: probe/ in the run folder
  int64_t context = 0;                                // 0: 40, or the longest of training
  int64_t prompts = 64;
  int64_t queries = 30;
  int64_t fit_points = 10;
  int64_t iterations = 24;
  int64_t train_prompts = 4096;
  int64_t test_prompts = 1024;
};

void add_probe_options(CLI::App& app, ProbeOptions& options);
int probe(const ProbeOptions& options, const CommonOptions& common);

}  // namespace icl
