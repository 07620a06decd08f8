// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "icl/cli/program.h"
#include "icl/cli/tokenize.h"

int main(int argc, char** argv) {
  icl::Program program("icl-nlp", "Asks pre-trained language models what they learn in context.",
                       "echo '\"Hello world\"' | icl-nlp tokenize --tokenizer models/pythia-160m");
  icl::TokenizeOptions tokenize;
  CLI::App& app = program.app();
  app.require_subcommand(1, 1);
  CLI::App& tokenize_command =
      *app.add_subcommand("tokenize", "text to token ids and back, JSON lines");
  icl::add_tokenize_options(tokenize_command, tokenize);
  return program.run(argc, argv, [&] { return icl::run_tokenize(tokenize, program.common()); });
}
