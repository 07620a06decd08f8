// SPDX-License-Identifier: Apache-2.0
//
// icl-nlp tokenize, behind its flags: JSON lines from stdin to stdout.
//
//   echo '"Hello world"' | icl-nlp tokenize --tokenizer pythia-160m    # [12092,1533]
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

struct TokenizeOptions {
  std::string tokenizer;  // tokenizer.json, world vocabulary, or a folder that holds the former
  bool decode = false;    // id lists in, strings out
  bool special = false;   // as Tokenizer::encode and Tokenizer::decode have it
};

void add_tokenize_options(CLI::App& app, TokenizeOptions& options);

// Throws DataError that names the line for input that is not as expected; lines before it are
// answered.
int run_tokenize(const TokenizeOptions& options, const CommonOptions& common);

}  // namespace icl
