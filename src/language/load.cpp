// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/io/files.h"
#include "icl/io/json.h"
#include "icl/models/rwkv4.h"
#include "icl/tokenizer/tokenizer.h"
#include "src/language/tensor_map.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using language::Blueprint;
using language::Settings;
using language::Weights;

Settings parse_config(const std::string& text, const std::string& where) {
  return {parse_json<nlohmann::json>(text, where, {.python_numbers = true}), where};
}

// The config that a BlinkDL file would have, from the shapes of its tensors.
Settings blink_config(const Weights& weights) {
  const std::string where = str("'", weights.file().string(), "'");
  const auto shape = [&](const std::string& name) {
    if (!weights.contains(name) || weights.tensor(name).dim() != 2) {
      throw DataError(str(where,
                          " has no config.json beside it and is not a file of BlinkDL's "
                          "RWKV-4: it holds no matrix '",
                          name, "'"));
    }
    return weights.tensor(name).sizes().vec();
  };
  if (weights.contains("blocks.0.att.ln_x.weight")) {
    throw DataError(where +
                    " is of RWKV-5 or later (it holds 'blocks.0.att.ln_x.weight'); only "
                    "RWKV-4 is known");
  }
  int64_t n_layer = 0;
  while (weights.contains(str("blocks.", n_layer, ".ln1.weight"))) ++n_layer;
  const std::vector<int64_t> embedding = shape("emb.weight");
  return {{{"model_type", "rwkv"},
           {"vocab_size", embedding[0]},
           {"hidden_size", embedding[1]},
           {"attention_hidden_size", shape("blocks.0.att.key.weight")[0]},
           {"intermediate_size", shape("blocks.0.ffn.key.weight")[0]},
           {"num_hidden_layers", n_layer},
           {"layer_norm_epsilon", 1e-5},
           {"rescale_every", 0},
           {"tie_word_embeddings", false}},
          where};
}

void check_type(at::ScalarType type) {
  for (const at::ScalarType known : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    if (type == known) return;
  }
  throw UsageError(str("models do not compute in ", describe_type(type),
                       "; expected float32, float64, float16 or bfloat16"));
}

// The tokens that end a text, as transformers generates: by generation_config.json, else by the
// config; none if neither names any.
std::vector<int64_t> end_tokens(const fs::path& folder, const Settings& config) {
  constexpr const char* kKey = "eos_token_id";
  const fs::path generation = folder / "generation_config.json";
  if (fs::exists(generation)) {
    const Settings own = parse_config(read_file(generation), str("'", generation.string(), "'"));
    if (own.has(kKey)) return own.token_ids(kKey);
  }
  return config.token_ids(kKey);
}

}  // namespace

LoadedModel load_language_model(const fs::path& folder, const LoadOptions& options) {
  if (options.dtype) check_type(*options.dtype);
  if (!fs::exists(folder)) {
    throw DataError(str("'", folder.string(), "': there is no such model folder or file"));
  }
  const bool has_config = fs::is_directory(folder) && fs::exists(folder / "config.json");
  // The config is read first: its errors say more than those of weights.
  std::optional<Settings> config;
  if (has_config) {
    const fs::path path = folder / "config.json";
    config = parse_config(read_file(path), str("'", path.string(), "'"));
  }
  Blueprint blueprint;
  if (config) blueprint = language::blueprint_of(*config);
  const Weights weights(folder);
  if (!config) {
    config = blink_config(weights);
    blueprint = language::blueprint_of(*config);
  }
  if (weights.contains("emb.weight") && blueprint.parts.family == Rwkv4Family::kName) {
    blueprint.names = language::blink_names();
    blueprint.prefix = "";
  }
  language::untie_if_file_does(blueprint, weights);
  LoadedModel loaded;
  loaded.model = std::make_shared<LanguageModel>(blueprint.parts);
  for (auto& parameter : loaded.model->parameters()) parameter.requires_grad_(false);
  const at::ScalarType type =
      options.dtype ? *options.dtype : language::type_of_file(blueprint, weights);
  language::load_parameters(*loaded.model, blueprint, weights, type, options.device);
  loaded.model->eval();
  loaded.folder = fs::is_directory(folder) ? folder : folder.parent_path();
  loaded.end_tokens = end_tokens(loaded.folder, *config);
  loaded.tokenizer = find_tokenizer(loaded.folder);
  return loaded;
}

std::shared_ptr<LanguageModel> make_language_model(const std::string& config) {
  const Settings settings = parse_config(config, "the model's config");
  auto model = std::make_shared<LanguageModel>(language::blueprint_of(settings).parts);
  model->reset_parameters();
  return model;
}

void export_language_model(const LanguageModel& model, const fs::path& folder) {
  nlohmann::json json = nlohmann::json::parse(model.config());
  for (const char* key : {"dtype", "torch_dtype"}) {  // the type that is written
    if (json.contains(key)) json[key] = describe_type(model.parameters().front().scalar_type());
  }
  const Settings config(json, "the model's config");
  make_folders(folder);
  const at::NoGradGuard no_grad;
  write_safetensors(folder / "model.safetensors",
                    language::file_tensors(model, language::blueprint_of(config)),
                    {{"format", "pt"}});
  write_file_atomically(folder / "config.json", config.json().dump(2) + "\n");
}

}  // namespace icl
