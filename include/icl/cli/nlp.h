// SPDX-License-Identifier: Apache-2.0
//
// What icl-nlp does, behind its flags. Each run_ function returns the exit code and throws Error.
#pragma once

#include <cstdint>
#include <string>

#include "icl/cli/program.h"

namespace icl {

struct LogitsOptions {
  std::string model;  // folder, or a .pth file
  std::string ids;    // JSON file: {"name": [ids], ...}
  std::string out;    // safetensors file
};

struct GenerateOptions {
  std::string model;
  std::string ids;     // JSON file, or
  std::string prompt;  // text, if the folder has a tokenizer
  std::string tokenizer;
  int64_t max_new_tokens = 20;
};

void add_logits_options(CLI::App& app, LogitsOptions& options);
void add_generate_options(CLI::App& app, GenerateOptions& options);

// The logits of every position of each sequence: one float32 tensor [T, rows of the head] a name.
int run_logits(const LogitsOptions& options, const CommonOptions& common);
// Continues each sequence, or the prompt, by the likeliest token, max_new_tokens times.
int run_generate(const GenerateOptions& options, const CommonOptions& common);

}  // namespace icl
