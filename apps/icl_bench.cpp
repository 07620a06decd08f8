// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "bench/eval_bench.h"
#include "bench/nlp_bench.h"
#include "bench/ops_bench.h"
#include "bench/train_bench.h"
#include "icl/cli/program.h"

namespace {

struct Benchmark {
  const char* name;
  const char* description;
  std::function<int(const icl::CommonOptions& common, const std::string& config)> run;
};

const Benchmark kBenchmarks[] = {
    {"ops", "every operator beside its reference: time, ns per element, GB/s, ratio",
     [](const auto& common, const auto&) { return icl::bench_ops(common); }},
    {"train", "training steps of the quickstart's and the paper's models: ms, prompts/s",
     icl::bench_train},
    {"eval", "branching the state at every point beside one forward pass for each point",
     [](const auto& common, const auto&) { return icl::bench_eval(common); }},
    {"nlp",
     "language models of the shapes of mamba-130m and Pythia-160m: prompts/s, tokens/s, "
     "memory, and the rate beside that of the matrix products alone",
     [](const auto& common, const auto&) { return icl::bench_nlp(common); }},
};

}  // namespace

int main(int argc, char** argv) {
  icl::Program program("icl-bench",
                       "Measures how fast operators, training, evaluation and language models are "
                       "on this machine.",
                       "icl-bench ops --threads 1\n"
                       "icl-bench ops --device cuda --json\n"
                       "icl-bench train --threads 2\n"
                       "icl-bench eval\n"
                       "icl-bench nlp --threads 1");
  CLI::App& app = program.app();
  app.require_subcommand(1);
  const Benchmark* chosen = nullptr;
  std::string config;
  for (const Benchmark& benchmark : kBenchmarks) {
    CLI::App* command = app.add_subcommand(benchmark.name, benchmark.description);
    command->callback([&chosen, &benchmark] { chosen = &benchmark; });
    if (std::string(benchmark.name) == "train") {
      command->add_option("--config", config, "config file whose training step is timed");
    }
  }
  program.takes_assignments([&] { return !config.empty(); });
  return program.run(argc, argv, [&] { return chosen->run(program.common(), config); });
}
