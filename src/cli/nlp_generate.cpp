// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/cli/nlp.h"
#include "icl/cli/signals.h"
#include "icl/language/generate.h"
#include "icl/tokenizer/tokenizer.h"
#include "src/cli/nlp_model.h"

namespace icl {
namespace {

std::string listed(const std::vector<int64_t>& ids) {
  std::vector<std::string> words;
  for (const int64_t id : ids) words.push_back(std::to_string(id));
  return join(words, " ");
}

int continue_sequences(const LoadedModel& loaded, const GenerateOptions& options, bool as_json) {
  const NamedIds sequences = read_ids(options.ids, *loaded.model, options.max_new_tokens - 1);
  nlohmann::ordered_json results = nlohmann::ordered_json::object();
  for (const auto& [name, ids] : sequences) {
    if (pending_signal() != 0) return 0;
    const std::vector<int64_t> added =
        generate(*loaded.model, ids, options.max_new_tokens, loaded.end_tokens);
    if (as_json) {
      results[name] = added;
    } else {
      std::printf("%s: %s\n", name.c_str(), listed(added).c_str());
    }
  }
  if (as_json) std::printf("%s\n", results.dump().c_str());
  return 0;
}

// The prompt's continuation as text, or as {"prompt", "ids", "text"}.
int continue_prompt(const LoadedModel& loaded, const GenerateOptions& options, bool as_json) {
  if (options.tokenizer.empty() && !loaded.tokenizer) {
    throw UsageError(
        str("'", loaded.folder.string(),
            "' holds no tokenizer, or several; give one with --tokenizer FILE, or --ids"));
  }
  const auto tokenizer = load_tokenizer(
      options.tokenizer.empty() ? *loaded.tokenizer : std::filesystem::path(options.tokenizer));
  const std::vector<int64_t> ids = tokenizer->encode(options.prompt, /*special=*/true);
  const std::vector<int64_t> added =
      generate(*loaded.model, ids, options.max_new_tokens, loaded.end_tokens);
  std::vector<int64_t> known;  // a model may have more rows than its tokenizer has tokens
  for (const int64_t id : added) {
    if (id < tokenizer->vocab_size()) known.push_back(id);
  }
  const std::string text = tokenizer->decode(known);
  if (as_json) {
    const nlohmann::ordered_json result = {
        {"prompt", options.prompt}, {"ids", added}, {"text", text}};
    std::puts(result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

}  // namespace

void add_generate_options(CLI::App& app, GenerateOptions& options) {
  add_model_options(app, options.model);
  app.add_option("--ids", options.ids, "JSON file of token ids: {\"name\": [ids], ...}");
  app.add_option("--prompt", options.prompt, "text to continue, instead of --ids");
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer.json or RWKV vocabulary for --prompt; default: that of the folder");
  app.add_option("--max-new-tokens", options.max_new_tokens, "tokens to add to each sequence")
      ->capture_default_str();
  app.add_flag("--ignore-eos", options.ignore_eos,
               "go on after a token that ends the text (eos_token_id of the folder's configs)");
}

int run_generate(const GenerateOptions& options, const CommonOptions& common) {
  if (options.ids.empty() == options.prompt.empty()) {
    throw UsageError("give either --ids FILE or --prompt TEXT");
  }
  if (options.max_new_tokens < 1 || options.max_new_tokens > 1'000'000) {
    throw UsageError(str("--max-new-tokens ", options.max_new_tokens, ": expected 1 .. 1000000"));
  }
  LoadedModel loaded = load_chosen_model(options.model, common);
  if (options.ignore_eos) loaded.end_tokens.clear();
  return options.prompt.empty() ? continue_sequences(loaded, options, common.json)
                                : continue_prompt(loaded, options, common.json);
}

}  // namespace icl
