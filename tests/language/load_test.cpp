// SPDX-License-Identifier: Apache-2.0
//
// What loading a pre-trained model refuses, and how it says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_THAT(refusal(folder.path()), HasSubstr("config.json' is not JSON"));
  std::ofstream(folder / "config.json") << "[1]";
  EXPECT_THAT(refusal(folder.path()), HasSubstr("expected a JSON object, found array"));
}

TEST(LoadLanguageModel, KnowsItsFamilies) {
  EXPECT_THAT(refusal("gpt2", {{"model_type", "gpt_neo"}}),
              AllOf(HasSubstr("gpt2, gpt_neox, gptj, llama, mamba, rwkv"),
                    HasSubstr("did you mean 'gpt_neox'?")));
  EXPECT_THAT(refusal("gpt2", {{"model_type", nullptr}}), HasSubstr("'model_type'"));
  EXPECT_THAT(refusal("gpt2", {{"model_type", 3}}), HasSubstr("'model_type' is 3"));
}

TEST(LoadLanguageModel, RefusesSettingsByName) {
  EXPECT_THAT(refusal("gpt2", {{"activation_function", "geglu"}}),
              AllOf(HasSubstr("'activation_function' is \"geglu\""), HasSubstr("gelu_new")));
  EXPECT_THAT(refusal("llama", {{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 2.0}}}}),
              AllOf(HasSubstr("rope_scaling"), HasSubstr("\"yarn\""), HasSubstr("llama3")));
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
  EXPECT_THAT(refusal("gpt2", {{"n_embd", nullptr}}), HasSubstr("'n_embd'"));
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
  EXPECT_THAT(refusal(other.path()), HasSubstr("no shard holds: transformer.wte.wait"));
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
  std::ofstream(folder / "tokenizer.json") << "{}";
  EXPECT_EQ(load_language_model(folder.path()).tokenizer, folder / "tokenizer.json");
}

}  // namespace
}  // namespace icl::testing
