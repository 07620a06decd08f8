// SPDX-License-Identifier: Apache-2.0
//
// What the commands of icl-nlp share: the model that they load, and files of token sequences.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "icl/cli/nlp.h"
#include "icl/language/language_model.h"

namespace icl {

// --model and --dtype.
void add_model_options(CLI::App& app, ModelChoice& choice);

// Loads the model onto the device that the common flags name. Products with a single token are made
// to round in one way wherever the weights lie in memory, so that a model gives the same logits
// from every kind of file.
LoadedModel load_chosen_model(const ModelChoice& choice, const CommonOptions& common);

using NamedIds = std::vector<std::pair<std::string, std::vector<int64_t>>>;

// The file's {"name": [ids], ...}, in its order. Throws DataError naming the sequence and the place
// in it for an id that is no token of the model, and for sequences that, with `extra` more tokens,
// are longer than the model can read.
NamedIds read_ids(const std::string& path, const LanguageModel& model, int64_t extra);

}  // namespace icl
