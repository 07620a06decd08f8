// SPDX-License-Identifier: Apache-2.0
//
// What loading a pre-trained model refuses, and how it says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "icl/base/error.h"
#include "icl/language/language_model.h"
#include "tests/language/random_models.h"
#include "tests/support/temp_folder.h"

namespace icl::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::filesystem::path& folder) {
  try {
    load_language_model(folder);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

// What is said about a model with this setting put into its config.
std::string refusal(const std::string& type, const nlohmann::json& settings) {
  HubModel model = random_model(type);
  model.config.update(settings);
  const TempFolder folder;
  write_model(folder.path(), model);
  return refusal(folder.path());
}

TEST(LoadLanguageModel, NamesWhatIsMissing) {
  const TempFolder folder;
  EXPECT_THAT(refusal(folder / "nothing"), HasSubstr("no such model folder"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("holds no weights"));
  std::ofstream(folder / "config.json") << R"({"model_type": "gpt2")";
  EXPECT_THAT(refusal(folder.path()),
              AllOf(HasSubstr("config.json':1:"), HasSubstr("not valid JSON")));
  std::ofstream(folder / "config.json") << "[1]";
  EXPECT_THAT(refusal(folder.path()), HasSubstr("expected a JSON object, found array"));
}

TEST(LoadLanguageModel, KnowsItsFamilies) {
  for (const char* type : {"gpt_neo", "mamba2", "jamba", "rwkv7"}) {
    EXPECT_THAT(
        refusal("gpt2", {{"model_type", type}}),
        AllOf(HasSubstr(std::string("'model_type' is '") + type + "', which is not supported"),
              HasSubstr("falcon_mamba, gpt2, gpt_neox, gptj, llama, mamba, mistral, qwen2, "
                        "qwen3, rwkv"),
              Not(HasSubstr("did you mean"))));
  }
  EXPECT_THAT(refusal("gpt2", {{"model_type", nullptr}}), HasSubstr("'model_type'"));
  EXPECT_THAT(refusal("gpt2", {{"model_type", 3}}), HasSubstr("'model_type' is 3"));
}

TEST(LoadLanguageModel, RefusesSettingsByName) {
  EXPECT_THAT(refusal("gpt2", {{"activation_function", "geglu"}}),
              AllOf(HasSubstr("'activation_function' is \"geglu\""), HasSubstr("gelu_new")));
  EXPECT_THAT(refusal("llama", {{"rope_scaling", {{"rope_type", "mrope"}, {"factor", 2.0}}}}),
              AllOf(HasSubstr("rope_scaling"), HasSubstr("\"mrope\""), HasSubstr("llama3")));
  EXPECT_THAT(refusal("llama", {{"rope_scaling", {{"rope_type", "dynamic"}}}}),
              HasSubstr("'factor' is missing"));
  EXPECT_THAT(
      refusal("llama",
              {{"rope_scaling",
                {{"type", "longrope"}, {"short_factor", {1, 1, 1}}, {"long_factor", {1, 1}}}}}),
      AllOf(HasSubstr("'long_factor' is [1,1]"), HasSubstr("a list of 3 numbers above 0")));
  EXPECT_THAT(refusal("llama", {{"rope_parameters", {{"full_attention", {{"factor", 1.0}}}}}}),
              HasSubstr("the same rotary positions in all layers"));
  EXPECT_THAT(refusal("llama", {{"quantization_config", {{"quant_method", "gptq"}}}}),
              AllOf(HasSubstr("'quantization_config' ('gptq')"), HasSubstr("not supported")));
  EXPECT_THAT(refusal("qwen2", {{"layer_types", {"full_attention"}}}),
              HasSubstr("a list of 3 types"));
  EXPECT_THAT(refusal("llama", {{"rope_parameters", {{"rope_type", "lama3"}}}}),
              HasSubstr("did you mean 'llama3'?"));
  EXPECT_THAT(refusal("llama", {{"rope_scaling", {{"rope_type", "llama3"}, {"factor", 2.0}}}}),
              HasSubstr("'low_freq_factor' is missing, expected a number"));
  EXPECT_THAT(refusal("llama", {{"num_key_value_heads", 3}}),
              HasSubstr("'num_key_value_heads' is 3, expected a divisor"));
  EXPECT_THAT(refusal("gpt_neox", {{"rotary_pct", 0.9}}), HasSubstr("'rotary_pct' is 0.9"));
  EXPECT_THAT(refusal("gptj", {{"rotary_dim", 5}}), HasSubstr("'rotary_dim' is 5"));
  EXPECT_THAT(refusal("mamba", {{"hidden_act", "relu"}}), HasSubstr("'hidden_act' is \"relu\""));
  EXPECT_THAT(refusal("gpt2", {{"n_layer", -1}}),
              HasSubstr("'n_layer' is -1, expected a positive"));
  EXPECT_THAT(refusal("gpt2", {{"n_embd", nullptr}}),
              AllOf(HasSubstr("transformer.wte.weight is [41, 24]"),
                    HasSubstr("taken for them: 'n_embd' (768)")));
  EXPECT_THAT(refusal("gpt2", {{"n_head", 5}}), HasSubstr("'n_head' is 5, expected a divisor"));
  EXPECT_THAT(refusal("mamba", {{"use_bias", "no"}}),
              HasSubstr("'use_bias' is \"no\", expected true or false"));
}

TEST(LoadLanguageModel, RefusesOtherFormsOfTheOriginalMamba) {
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"rms_norm", false},
                                             {"ssm_cfg", {{"layer", "Mamba2"}}},
                                             {"attn_layer_idx", {1}},
                                             {"d_intermediate", 5}}) {
    HubModel model = random_original_mamba();
    model.config[key] = value;
    const TempFolder folder;
    write_model(folder.path(), model);
    EXPECT_THAT(refusal(folder.path()), HasSubstr(key == "ssm_cfg" ? "layer" : key));
  }
}

TEST(LoadLanguageModel, AccountsForEveryTensor) {
  HubModel model = random_model("llama");
  const auto rename = [&](const char* from, const char* to) {
    auto node = model.tensors.extract(from);
    node.key() = to;
    model.tensors.insert(std::move(node));
  };
  rename("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.uq_proj.weight");
  model.tensors.erase("lm_head.weight");
  model.tensors["model.norm.weight"] = at::ones({25});
  model.tensors["model.layers.0.self_attn.q_proj.weight"] = at::ones({24, 24}, at::kInt);
  model.tensors["model.layers.9.input_layernorm.weight"] = at::ones({24});
  const TempFolder folder;
  write_model(folder.path(), model);
  const std::string why = refusal(folder.path());
  for (const char* part : {"missing: model.layers.1.mlp.up_proj.weight [50, 24]; did you mean "
                           "'model.layers.1.mlp.uq_proj.weight'?",
                           "missing: lm_head.weight [41, 24]",
                           "misshapen: model.norm.weight is [25] float32 on cpu, expected [24]",
                           "misshapen: model.layers.0.self_attn.q_proj.weight is [24, 24] Int",
                           "extra: model.layers.1.mlp.uq_proj.weight",
                           "extra: model.layers.9.input_layernorm.weight", "model.safetensors"}) {
    EXPECT_THAT(why, HasSubstr(part));
  }
}

TEST(LoadLanguageModel, ListsNoMoreThanAScreenful) {
  HubModel model = random_model("gpt2");
  std::erase_if(model.tensors,
                [](const auto& item) { return item.first.find(".h.") != std::string::npos; });
  const TempFolder folder;
  write_model(folder.path(), model);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("and 16 more missing"));
}

TEST(LoadLanguageModel, ChecksShards) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"), {.container = Container::kPickleShards});
  std::filesystem::remove(folder / "pytorch_model-00002-of-00002.bin");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("pytorch_model-00002-of-00002.bin"));
  const TempFolder other;
  write_model(other.path(), random_model("gpt2"), {.container = Container::kSafetensorsShards});
  nlohmann::json index =
      nlohmann::json::parse(std::ifstream(other / "model.safetensors.index.json"));
  index["weight_map"]["transformer.wte.wait"] = "model-00001-of-00002.safetensors";
  std::ofstream(other / "model.safetensors.index.json") << index.dump();
  EXPECT_THAT(refusal(other.path()), HasSubstr("their shards do not hold: transformer.wte.wait"));
  index["weight_map"]["transformer.wte.wait"] = "../model.safetensors";
  std::ofstream(other / "model.safetensors.index.json") << index.dump();
  EXPECT_THAT(refusal(other.path()), HasSubstr("expected a name in the same folder"));
}

TEST(LoadLanguageModel, TellsWhatAnUnknownPthIs) {
  const TempFolder folder;
  write_weights(folder / "a.pth", {{"weight", at::ones({2, 2})}});
  EXPECT_THAT(refusal(folder.path()), HasSubstr("it holds no matrix 'emb.weight'"));
  HubModel newer = random_blink();
  newer.tensors["blocks.0.att.ln_x.weight"] = at::ones({24});
  write_weights(folder / "a.pth", newer.tensors);
  EXPECT_THAT(refusal(folder / "a.pth"), HasSubstr("RWKV-5 or later"));
  write_weights(folder / "b.pth", random_blink().tensors);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("several models: a.pth, b.pth"));
  EXPECT_EQ(load_language_model(folder / "b.pth").model->family(), "rwkv4");
}

TEST(LoadLanguageModel, KnowsAPointerOfGitLfs) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"));
  std::ofstream(folder / "model.safetensors") << "version https://git-lfs.github.com/spec/v1\n";
  EXPECT_THAT(refusal(folder.path()), HasSubstr("git lfs pull"));
}

TEST(LoadLanguageModel, FindsTheTokenizer) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"));
  EXPECT_FALSE(load_language_model(folder.path()).tokenizer.has_value());
  std::ofstream(folder / "rwkv_vocab_v20230424.txt") << "1 'a' 1\n";
  EXPECT_EQ(load_language_model(folder.path()).tokenizer, folder / "rwkv_vocab_v20230424.txt");
  std::ofstream(folder / "vocab.json") << "{}";
  std::ofstream(folder / "merges.txt") << "";
  EXPECT_EQ(load_language_model(folder.path()).tokenizer, folder / "vocab.json");
  std::ofstream(folder / "tokenizer.json") << "{}";
  EXPECT_EQ(load_language_model(folder.path()).tokenizer, folder / "tokenizer.json");
}

at::Tensor logits_of(const std::filesystem::path& folder) {
  const auto model = load_language_model(folder).model;
  return model->logits(at::tensor({3, 1, 4, 1, 5, 9, 2, 6}, at::kLong).unsqueeze(0));
}

at::Tensor logits_of(const HubModel& model) {
  const TempFolder folder;
  write_model(folder.path(), model);
  return logits_of(folder.path());
}

// A model of one family by the settings of another form of its config.
at::Tensor logits_with(const std::string& type, const nlohmann::json& settings) {
  HubModel model = random_model(type);
  for (const char* key : {"rotary_pct", "rope_theta"}) model.config.erase(key);
  model.config.update(settings);
  return logits_of(model);
}

// {settings, the same in the form of transformers 5}
TEST(LoadLanguageModel, RotarySettingsMayBeSpreadOverOldAndNewKeys) {
  using nlohmann::json;
  const auto newer = [](json rope) { return json{{"rope_parameters", std::move(rope)}}; };
  const std::vector<std::pair<json, json>> neox = {
      {{{"rope_parameters", json::object()}, {"rotary_pct", 0.5}, {"rotary_emb_base", 500}},
       newer({{"rope_theta", 500.0}, {"partial_rotary_factor", 0.5}})},
      {{{"rope_parameters", json::object()}, {"partial_rotary_factor", 1.0}, {"rope_theta", 50}},
       newer({{"rope_theta", 50.0}, {"partial_rotary_factor", 1.0}})},
      {{{"rope_parameters", {{"rope_theta", 30.0}}}, {"rotary_pct", 0.5}, {"rotary_emb_base", 9}},
       newer({{"rope_theta", 30.0}, {"partial_rotary_factor", 0.5}})},
      // A rope_scaling is taken instead of the whole rope_parameters.
      {{{"rope_parameters", {{"rope_theta", 30.0}, {"partial_rotary_factor", 1.0}}},
        {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}},
        {"rotary_pct", 0.5},
        {"rotary_emb_base", 300}},
       newer({{"rope_type", "linear"},
              {"factor", 2.0},
              {"rope_theta", 300.0},
              {"partial_rotary_factor", 0.5}})},
      {json::object(), newer({{"rope_theta", 10000.0}, {"partial_rotary_factor", 0.25}})}};
  for (const auto& [spread, together] : neox) {
    EXPECT_TRUE(at::equal(logits_with("gpt_neox", spread), logits_with("gpt_neox", together)))
        << spread;
  }
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0}};
  json whole = llama3;
  whole.update({{"rope_theta", 20.0}, {"original_max_position_embeddings", 5}});
  const json spread = {
      {"rope_parameters", llama3}, {"rope_theta", 20.0}, {"original_max_position_embeddings", 5}};
  EXPECT_TRUE(at::equal(logits_with("llama", spread), logits_with("llama", newer(whole))));
  EXPECT_FALSE(at::equal(logits_with("llama", spread), logits_with("llama", newer(llama3))));
}

TEST(LoadLanguageModel, GptJTurnsSixtyFourCoordinatesUnlessItsConfigSays) {
  const nlohmann::json wide = {{"n_embd", 288}, {"n_head", 4}};
  const auto logits = [&](const nlohmann::json& rotary) {
    HubModel model = random_model("gptj", wide);
    model.config.erase("rotary_dim");
    model.config.update(rotary);
    return logits_of(model);
  };
  const at::Tensor without = logits(nlohmann::json::object());
  EXPECT_TRUE(at::equal(without, logits({{"rotary_dim", 64}})));
  EXPECT_TRUE(at::equal(logits({{"rotary_dim", nullptr}}), logits({{"rotary_dim", 72}})));
  EXPECT_FALSE(at::equal(without, logits({{"rotary_dim", 72}})));
}

TEST(LoadLanguageModel, UsesAHeadThatIsNotTheEmbeddingItIsTiedTo) {
  for (const char* type : {"gpt2", "mamba"}) {
    HubModel tied = random_model(type);
    const char* const embedding =
        std::string(type) == "gpt2" ? "transformer.wte.weight" : "backbone.embeddings.weight";
    const at::Tensor expected = logits_of(tied);

    HubModel repeated = tied;
    repeated.tensors["lm_head.weight"] = tied.tensors[embedding].clone();
    EXPECT_TRUE(at::equal(logits_of(repeated), expected)) << type;

    HubModel head_only = repeated;
    head_only.tensors.erase(embedding);
    EXPECT_TRUE(at::equal(logits_of(head_only), expected)) << type;

    HubModel other = tied;
    other.tensors["lm_head.weight"] = tied.tensors[embedding].flip(0);
    HubModel untied = other;
    untied.config["tie_word_embeddings"] = false;
    const at::Tensor own = logits_of(other);
    EXPECT_TRUE(at::equal(own, logits_of(untied))) << type;
    EXPECT_FALSE(at::equal(own, expected)) << type;

    const TempFolder folder;
    write_model(folder / "a", other);
    export_language_model(*load_language_model(folder / "a").model, folder / "b");
    EXPECT_TRUE(at::equal(logits_of(folder / "b"), own)) << type;
  }
  HubModel neither = random_model("gpt2");
  neither.tensors.erase("transformer.wte.weight");
  const TempFolder folder;
  write_model(folder.path(), neither);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("missing: transformer.wte.weight"));
}

TEST(LoadLanguageModel, NamesTensorsThatAreNotFinite) {
  HubModel model = random_model("gpt2");
  model.tensors["transformer.h.1.mlp.c_fc.weight"][2][3] = NAN;
  model.tensors["transformer.ln_f.bias"][0] = -INFINITY;
  const TempFolder folder;
  write_model(folder.path(), model);
  EXPECT_THAT(refusal(folder.path()),
              AllOf(HasSubstr("not finite: transformer.h.1.mlp.c_fc.weight holds 1 times NaN and 0 "
                              "times infinity"),
                    HasSubstr("transformer.ln_f.bias holds 0 times NaN and 1 times infinity")));
  HubModel large = random_model("gpt2");
  large.tensors["transformer.wte.weight"][0][0] = 1e6;
  write_model(folder.path(), large);
  EXPECT_EQ(refusal(folder.path()), "");
  EXPECT_THAT(message_of([&] { load_language_model(folder.path(), {.dtype = at::kHalf}); }),
              HasSubstr("transformer.wte.weight has numbers that float16 cannot hold"));
}

TEST(LoadLanguageModel, TakesATensorFromTheShardThatTheIndexNames) {
  const HubModel model = random_model("gpt2");
  const TempFolder folder;
  write_model(folder.path(), model, {.container = Container::kSafetensorsShards});
  const at::Tensor expected = logits_of(folder.path());
  const std::filesystem::path second = folder / "model-00002-of-00002.safetensors";
  const std::filesystem::path first = folder / "model-00001-of-00002.safetensors";
  TensorsByName tensors;
  {
    const SafetensorsFile file(second);
    for (const std::string& name : file.names()) tensors[name] = file.tensor(name).clone();
    const SafetensorsFile other(first);
    for (const std::string& name : other.names())
      tensors[name] = at::zeros_like(other.tensor(name));
  }
  write_weights(second, tensors);
  EXPECT_TRUE(at::equal(logits_of(folder.path()), expected));
}

TEST(LoadLanguageModel, PassesOverConstants) {
  HubModel model = random_model("llama");
  const at::Tensor expected = logits_of(model);
  model.tensors["model.rotary_emb.inv_freq"] = at::ones({3});
  model.tensors["model.layers.0.self_attn.rotary_emb.cos_cached"] = at::ones({1, 1, 40, 6});
  model.tensors["model.layers.0.self_attn.rotary_emb.sin_cached"] = at::ones({1, 1, 40, 6});
  EXPECT_TRUE(at::equal(logits_of(model), expected));
  HubModel masked = random_model("gpt2");
  const at::Tensor plain = logits_of(masked);
  masked.tensors["transformer.h.0.attn.bias"] = at::ones({1, 1, 4, 4}).to(at::kUInt32);
  EXPECT_TRUE(at::equal(logits_of(masked), plain));
}

TEST(LoadLanguageModel, ReadsPythonsNumbersInAConfig) {
  const TempFolder folder;
  HubModel model = random_model("mamba");
  write_model(folder.path(), model);
  std::string text = model.config.dump();
  text.insert(1, R"("time_step_limit": [0.0, Infinity], "note": NaN, )");
  std::ofstream(folder / "config.json") << text;
  EXPECT_EQ(refusal(folder.path()), "");
  text.insert(1, R"("layer_norm_epsilon": Infinity, )");
  std::ofstream(folder / "config.json") << text;
  EXPECT_THAT(refusal(folder.path()), HasSubstr("'layer_norm_epsilon' is"));
}

TEST(LoadLanguageModel, ReadsTheOtherWordsAndDefaultsOfTransformers) {
  HubModel model = random_model("gpt2", {{"n_layer", 12}, {"n_head", 12}});
  const at::Tensor expected = logits_of(model);
  model.config.erase("n_layer");
  model.config.erase("n_head");
  EXPECT_TRUE(at::equal(logits_of(model), expected));
  for (const auto& [key, word] : std::map<std::string, std::string>{
           {"n_embd", "hidden_size"}, {"n_positions", "max_position_embeddings"}}) {
    model.config[word] = model.config[key];
    model.config.erase(key);
  }
  EXPECT_TRUE(at::equal(logits_of(model), expected));
  model.config["hidden_size"] = -1;
  const TempFolder folder;
  write_model(folder.path(), model);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("'hidden_size' is -1"));
}

TEST(LoadLanguageModel, TakesOffTheWrappersOfNames) {
  const HubModel model = random_model("gpt2");
  const at::Tensor expected = logits_of(model);
  for (const std::string prefix :
       {"module.", "_orig_mod.", "module._orig_mod.", "base_model.model."}) {
    HubModel wrapped = model;
    wrapped.tensors.clear();
    for (const auto& [name, tensor] : model.tensors) wrapped.tensors[prefix + name] = tensor;
    EXPECT_TRUE(at::equal(logits_of(wrapped), expected)) << prefix;
  }
  HubModel some = model;
  some.tensors["module.extra"] = at::ones({1});
  const TempFolder folder;
  write_model(folder.path(), some);
  EXPECT_THAT(refusal(folder.path()),
              AllOf(HasSubstr("1 of 41 tensors"), HasSubstr("'module.'"), Not(HasSubstr("\n"))));
  write_model(folder.path(),
              {"", model.config, {{"base_model.model.h.lora_A.weight", at::ones({1})}}, {}});
  EXPECT_THAT(refusal(folder.path()), HasSubstr("LoRA adapter"));
}

TEST(LoadLanguageModel, FindsTheTokensThatEndAText) {
  HubModel model = random_model("gpt2");
  const TempFolder folder;
  const auto ends = [&] {
    write_model(folder.path(), model);
    return load_language_model(folder.path()).end_tokens;
  };
  EXPECT_EQ(ends(), (std::vector<int64_t>{}));
  model.config["eos_token_id"] = 7;
  EXPECT_EQ(ends(), (std::vector<int64_t>{7}));
  std::ofstream(folder / "generation_config.json") << R"({"eos_token_id": [5, 6]})";
  EXPECT_EQ(ends(), (std::vector<int64_t>{5, 6}));
  std::ofstream(folder / "generation_config.json") << R"({"top_p": 0.5})";
  EXPECT_EQ(ends(), (std::vector<int64_t>{7}));
}

}  // namespace
}  // namespace icl::testing
