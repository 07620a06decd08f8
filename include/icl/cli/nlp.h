// SPDX-License-Identifier: Apache-2.0
//
// What icl-nlp does, behind its flags. Each run_ function returns the exit code and throws Error.
//
//   NlpEvalOptions options;
//   add_nlp_eval_options(*program.app().add_subcommand("eval"), options);
//   return program.run(argc, argv, [&] { return run_nlp_eval(options, program.common()); });
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "icl/cli/program.h"

namespace icl {

// The model of a command, and the type that it computes in.
struct ModelChoice {
  std::string model;              // folder, or a .pth file
  std::string dtype = "float32";  // float32, bfloat16, float16 or auto
};

struct NlpEvalOptions {
  ModelChoice model;
  std::string tokenizer;                       // empty: the one in the model's folder
  std::vector<std::string> tasks = {"paper"};  // all, paper, categories, names
  std::vector<int64_t> shots = {5};
  int64_t prompts = 400;
  int64_t limit = 0;  // 0: none
  std::string data_dir;
  std::string synonyms;
  std::string out;
  std::string samples;
  int64_t batch_size = 32;
  int64_t shared_context = 0;  // queries of a context
  bool task_vectors = false;
};

struct LogitsOptions {
  ModelChoice model;
  std::string ids;  // JSON file: {"name": [ids], ...}
  std::string out;  // safetensors file
};

struct GenerateOptions {
  ModelChoice model;
  std::string ids;     // JSON file, or
  std::string prompt;  // text, if the folder has a tokenizer
  std::string tokenizer;
  int64_t max_new_tokens = 20;
  bool ignore_eos = false;
};

void add_logits_options(CLI::App& app, LogitsOptions& options);
void add_generate_options(CLI::App& app, GenerateOptions& options);
void add_nlp_eval_options(CLI::App& app, NlpEvalOptions& options);

// The logits of every position of each sequence: one float32 tensor [T, rows of the head] a name.
int run_logits(const LogitsOptions& options, const CommonOptions& common);
// Continues each sequence, or the prompt, by the likeliest token, up to max_new_tokens times or to
// a token that ends the text.
int run_generate(const GenerateOptions& options, const CommonOptions& common);
// Accuracy on simple language tasks: a table on stdout, JSON and CSV into --out.
int run_nlp_eval(const NlpEvalOptions& options, const CommonOptions& common);

}  // namespace icl
