// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "icl/cli/nlp.h"
#include "icl/cli/tokenize.h"

int main(int argc, char** argv) {
  icl::Program program(
      "icl-nlp", "Asks pre-trained language models what they learn in context.",
      "icl-nlp eval --model models/mamba-130m-hf --shots 0,1,2,4,8 --out mamba-130m.json\n"
      "icl-nlp eval --model models/pythia-160m --tasks all --data-dir data --task-vectors\n"
      "icl-nlp logits --model models/mamba-130m-hf --ids ids.json --out logits.safetensors\n"
      "icl-nlp generate --model models/pythia-160m --prompt 'example:a->b' --max-new-tokens 5\n"
      "icl-nlp generate --model RWKV-4-Pile-169M.pth --ids ids.json --json\n"
      "echo '\"Hello world\"' | icl-nlp tokenize --tokenizer models/pythia-160m");
  icl::NlpEvalOptions eval;
  icl::LogitsOptions logits;
  icl::GenerateOptions generate;
  icl::TokenizeOptions tokenize;
  CLI::App& app = program.app();
  app.require_subcommand(1, 1);
  CLI::App& eval_command =
      *app.add_subcommand("eval", "accuracy on simple tasks against the number of shots");
  icl::add_nlp_eval_options(eval_command, eval);
  CLI::App& logits_command =
      *app.add_subcommand("logits", "the logits of every position of token sequences");
  icl::add_logits_options(logits_command, logits);
  CLI::App& generate_command = *app.add_subcommand("generate", "greedy continuations");
  icl::add_generate_options(generate_command, generate);
  CLI::App& tokenize_command =
      *app.add_subcommand("tokenize", "text to token ids and back, JSON lines");
  icl::add_tokenize_options(tokenize_command, tokenize);
  program.refuses(logits_command, {"--json", "--seed"});
  program.refuses(tokenize_command, {"--json", "--seed", "--device"});
  return program.run(argc, argv, [&] {
    if (eval_command.parsed()) return icl::run_nlp_eval(eval, program.common());
    if (logits_command.parsed()) return icl::run_logits(logits, program.common());
    if (generate_command.parsed()) return icl::run_generate(generate, program.common());
    return icl::run_tokenize(tokenize, program.common());
  });
}
