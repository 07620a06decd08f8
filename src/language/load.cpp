// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/io/files.h"
#include "src/language/fit.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using language::Blueprint;
using language::Settings;
using language::Weights;

Settings parse_config(const std::string& text, const std::string& where) {
  const nlohmann::json config = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) throw DataError(where + " is not JSON");
  return {config, where};
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
           {"tie_word_embeddings", false}},
          where};
}

void check_type(const LoadOptions& options, const std::string& family) {
  const at::ScalarType type = options.dtype.value_or(at::kFloat);
  if (type == at::kFloat || type == at::kDouble) return;
  const bool recurrent = family == "mamba" || family == "rwkv4";
  if (recurrent || (type != at::kHalf && type != at::kBFloat16)) {
    throw UsageError(str("a model of family ", family, " does not compute in ", describe_type(type),
                         "; expected float32 or float64",
                         recurrent ? "" : ", float16 or bfloat16"));
  }
}

}  // namespace

LoadedModel load_language_model(const fs::path& folder, const LoadOptions& options) {
  if (!fs::exists(folder)) {
    throw DataError(str("'", folder.string(), "': there is no such model folder or file"));
  }
  const bool has_config = fs::is_directory(folder) && fs::exists(folder / "config.json");
  // The config first: its complaint tells more than one about weights.
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
  if (weights.contains("emb.weight") && blueprint.parts.family == "rwkv4") {
    blueprint.names = language::blink_names();
    blueprint.prefix = "";
  }
  check_type(options, blueprint.parts.family);
  LoadedModel loaded;
  loaded.model = std::make_shared<LanguageModel>(blueprint.parts);
  for (auto& parameter : loaded.model->parameters()) parameter.requires_grad_(false);
  language::fill(*loaded.model, blueprint, weights, options);
  loaded.model->eval();
  loaded.folder = fs::is_directory(folder) ? folder : folder.parent_path();
  if (fs::exists(loaded.folder / "tokenizer.json")) {
    loaded.tokenizer = loaded.folder / "tokenizer.json";
  }
  return loaded;
}

std::shared_ptr<LanguageModel> make_language_model(const ModelConfig& config, int64_t vocab_size) {
  nlohmann::json json = {{"vocab_size", vocab_size}};
  if (config.family == "mamba") {
    const int64_t automatic = (config.d_model + 15) / 16;
    json.update({{"model_type", "mamba"},
                 {"architectures", {"MambaForCausalLM"}},
                 {"hidden_size", config.d_model},
                 {"num_hidden_layers", config.n_layer},
                 {"state_size", config.d_state},
                 {"conv_kernel", config.d_conv},
                 {"expand", config.expand},
                 {"intermediate_size", config.expand * config.d_model},
                 {"time_step_rank", config.dt_rank > 0 ? config.dt_rank : automatic},
                 {"layer_norm_epsilon", 1e-5},
                 {"tie_word_embeddings", true}});
  } else if (config.family == "gpt2" && config.positions == "learned") {
    json.update({{"model_type", "gpt2"},
                 {"architectures", {"GPT2LMHeadModel"}},
                 {"n_embd", config.d_model},
                 {"n_layer", config.n_layer},
                 {"n_head", config.n_head},
                 {"n_positions", config.n_positions},
                 {"activation_function", "gelu_new"},
                 {"layer_norm_epsilon", 1e-5},
                 {"tie_word_embeddings", true}});
  } else if (config.family == "rwkv4") {
    json.update({{"model_type", "rwkv"},
                 {"architectures", {"RwkvForCausalLM"}},
                 {"hidden_size", config.d_model},
                 {"attention_hidden_size", config.d_model},
                 {"intermediate_size", config.d_ffn > 0 ? config.d_ffn : 4 * config.d_model},
                 {"num_hidden_layers", config.n_layer},
                 {"layer_norm_epsilon", 1e-5},
                 {"tie_word_embeddings", false}});
  } else {
    throw UsageError(
        str("a language model is of family mamba, gpt2 (with positions 'learned') or "
            "rwkv4, found '",
            config.family, "'",
            config.family == "gpt2" ? " with positions '" + config.positions + "'" : ""));
  }
  json["dtype"] = json["torch_dtype"] = "float32";
  return make_language_model(json.dump());
}

std::shared_ptr<LanguageModel> make_language_model(const std::string& config) {
  const Settings settings = parse_config(config, "the model's config");
  auto model = std::make_shared<LanguageModel>(language::blueprint_of(settings).parts);
  model->reset_parameters();
  return model;
}

void export_language_model(const LanguageModel& model, const fs::path& folder) {
  nlohmann::json json = nlohmann::json::parse(model.config());
  for (const char* key : {"dtype", "torch_dtype"}) {  // of the file, not of the one it came from
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
