// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "icl/cli/nlp.h"

int main(int argc, char** argv) {
  icl::Program program("icl-nlp", "Asks pre-trained language models what they learn in context.",
                       "icl-nlp logits --model models/mamba-130m-hf --ids ids.json --out "
                       "logits.safetensors\n"
                       "icl-nlp generate --model models/pythia-160m --prompt 'example:a->b' "
                       "--max-new-tokens 5\n"
                       "icl-nlp generate --model RWKV-4-Pile-169M.pth --ids ids.json --json");
  icl::LogitsOptions logits;
  icl::GenerateOptions generate;
  CLI::App& app = program.app();
  app.require_subcommand(1, 1);
  CLI::App& logits_command =
      *app.add_subcommand("logits", "the logits of every position of token sequences");
  icl::add_logits_options(logits_command, logits);
  CLI::App& generate_command = *app.add_subcommand("generate", "greedy continuations");
  icl::add_generate_options(generate_command, generate);
  return program.run(argc, argv, [&] {
    if (logits_command.parsed()) return icl::run_logits(logits, program.common());
    return icl::run_generate(generate, program.common());
  });
}
