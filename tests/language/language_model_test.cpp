// SPDX-License-Identifier: Apache-2.0
//
// What every family of pre-trained models has to do, on small random ones.
#include "icl/language/language_model.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/language/generate.h"
#include "tests/language/reference.h"
#include "tests/support/small_models.h"
#include "tests/support/temp_folder.h"

namespace icl::testing {
namespace {

using ::testing::HasSubstr;

const std::vector<int64_t> kIds = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 36, 7, 0, 13, 21, 34, 11};

at::Tensor row(const std::vector<int64_t>& ids) {
  return at::tensor(ids, at::kLong).unsqueeze(0);
}

double largest(const at::Tensor& x) {
  return x.abs().max().item<double>();
}

class Family : public ::testing::TestWithParam<HubModel> {
 protected:
  void SetUp() override { write_model(folder_.path(), GetParam()); }
  std::shared_ptr<LanguageModel> load(at::ScalarType type = at::kFloat) {
    return load_language_model(folder_.path(), {.dtype = type}).model;
  }
  bool recurrent() const {
    const std::string& name = GetParam().name;
    return name.find("mamba") != std::string::npos || name.starts_with("rwkv");
  }

  TempFolder folder_;
};

TEST_P(Family, FollowsThePublishedFormulas) {
  const at::Tensor expected = reference_logits(GetParam(), kIds);
  ASSERT_GE(largest(expected), 1.0);
  const at::Tensor exact = load(at::kDouble)->logits(row(kIds)).squeeze(0);
  ASSERT_EQ(exact.sizes(), expected.sizes());
  EXPECT_LE(largest(exact - expected), 1e-11 * largest(expected));
  const at::Tensor single = load()->logits(row(kIds)).squeeze(0);
  EXPECT_EQ(single.scalar_type(), at::kFloat);
  EXPECT_LE(largest(single - expected), 2e-5 * largest(expected));
}

TEST_P(Family, LoadsTheSameFromEveryContainer) {
  const at::Tensor expected = load()->logits(row(kIds));
  for (const Container container :
       {Container::kSafetensorsShards, Container::kPickle, Container::kPickleShards}) {
    const TempFolder other;
    write_model(other.path(), GetParam(), {.container = container});
    const LoadedModel loaded = load_language_model(other.path());
    EXPECT_TRUE(at::equal(loaded.model->logits(row(kIds)), expected)) << int(container);
  }
}

TEST_P(Family, ReadsHalfPrecision) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    HubModel rounded = GetParam();
    for (auto* tensors : {&rounded.tensors, &rounded.plain}) {
      for (auto& [name, tensor] : *tensors) tensor = tensor.to(type);
    }
    const at::Tensor expected = reference_logits(rounded, kIds);
    for (const Container container : {Container::kSafetensors, Container::kPickle}) {
      const TempFolder other;
      write_model(other.path(), GetParam(), {.container = container, .type = type});
      const auto model = load_language_model(other.path()).model;
      const at::Tensor logits = model->logits(row(kIds)).squeeze(0);
      EXPECT_LE(largest(logits - expected), 2e-5 * largest(expected)) << type;
    }
  }
}

TEST_P(Family, GoesOnFromAState) {
  const auto model = load(at::kDouble);
  const at::Tensor whole = model->logits(row(kIds)).squeeze(0);
  const auto at_position = [&](const at::Tensor& logits, int64_t position) {
    const int64_t v = model->vocab_size();
    const at::Tensor expected = whole[position].narrow(0, 0, v);
    EXPECT_LE(largest(logits[0].narrow(0, 0, v) - expected), 1e-11 * largest(whole)) << position;
  };
  State state = model->initial_state(1);
  for (int64_t t = 0; t < static_cast<int64_t>(kIds.size()); ++t) {
    at_position(model->next_logits(row({kIds[static_cast<size_t>(t)]}), state), t);
  }
  State chunked = model->initial_state(1);
  const at::Tensor ids = row(kIds);
  at_position(model->next_logits(ids.narrow(1, 0, 7), chunked), 6);
  State other = chunked.clone();
  at_position(model->next_logits(ids.narrow(1, 7, 12), chunked), 18);
  at_position(model->next_logits(ids.narrow(1, 7, 1), other), 7);  // a branch of the same state
  EXPECT_EQ(chunked.length, 19);
}

TEST_P(Family, PaddingOnTheRightChangesNothing) {
  const auto model = load();
  const std::vector<std::vector<int64_t>> sequences = {
      {5}, {1, 2, 3, 4, 5, 6, 7, 8}, {9, 8, 7}, {30, 2, 30}};
  std::vector<int64_t> lengths;
  at::Tensor ids = at::full({4, 8}, 17, at::kLong);
  for (int64_t i = 0; i < 4; ++i) {
    const auto& sequence = sequences[static_cast<size_t>(i)];
    lengths.push_back(static_cast<int64_t>(sequence.size()));
    ids[i].narrow(0, 0, lengths.back()).copy_(at::tensor(sequence, at::kLong));
  }
  const at::Tensor batch = model->last_logits(ids, lengths);
  for (int64_t i = 0; i < 4; ++i) {
    const at::Tensor alone =
        model->logits(row(sequences[static_cast<size_t>(i)]))[0][lengths[i] - 1];
    const int64_t v = model->vocab_size();
    EXPECT_LE(largest(batch[i].narrow(0, 0, v) - alone.narrow(0, 0, v)), 1e-5 * largest(alone));
  }
}

TEST_P(Family, GeneratesTheLikeliestToken) {
  const auto model = load();
  std::vector<int64_t> ids = {3, 1, 4, 1, 5};
  const std::vector<int64_t> added = generate(*model, ids, 6);
  for (const int64_t token : added) {
    const at::Tensor last = model->logits(row(ids))[0][static_cast<int64_t>(ids.size()) - 1];
    EXPECT_EQ(last.narrow(0, 0, model->vocab_size()).argmax().item<int64_t>(), token);
    ids.push_back(token);
  }
  EXPECT_EQ(added.size(), 6u);
}

TEST_P(Family, EditsReachWhatFollows) {
  const auto model = load(at::kDouble);
  const std::vector<int64_t> lengths = {static_cast<int64_t>(kIds.size())};
  std::vector<at::Tensor> streams;
  const auto keep = [&](int64_t, const at::Tensor& residual) { streams.push_back(residual); };
  const at::Tensor plain = model->last_logits(row(kIds), lengths, keep);
  ASSERT_EQ(streams.size(), 3u);
  // The stream after block 1 of other ids, put in its place, carries their answer with it.
  const std::vector<int64_t> other(kIds.rbegin(), kIds.rend());
  const at::Tensor edited =
      model->last_logits(row(other), lengths, {}, [&](int64_t layer, const at::Tensor& residual) {
        return layer == 1 ? streams[1] : residual;
      });
  const int64_t v = model->vocab_size();
  EXPECT_LE(largest((edited - plain).narrow(1, 0, v)), 1e-11 * largest(plain.narrow(1, 0, v)));
  EXPECT_GE(largest((model->last_logits(row(other), lengths) - plain).narrow(1, 0, v)), 1e-2);
}

TEST_P(Family, CanBeExported) {
  const TempFolder other;
  const auto model = load();
  export_language_model(*model, other / "again");
  const auto again = load_language_model(other / "again").model;
  EXPECT_TRUE(at::equal(again->logits(row(kIds)), model->logits(row(kIds))));
  EXPECT_EQ(again->family(), model->family());
  EXPECT_EQ(again->vocab_size(), model->vocab_size());
}

TEST_P(Family, DescribesItself) {
  const auto model = load();
  EXPECT_EQ(model->context_length(), recurrent() ? 0 : 40);
  EXPECT_FALSE(model->is_training());
  int64_t count = 0;
  for (const auto& [name, tensor] : GetParam().plain) count += tensor.numel();
  EXPECT_EQ(model->parameter_count(), count);
  for (const auto& parameter : model->parameters()) EXPECT_FALSE(parameter.requires_grad());
}

INSTANTIATE_TEST_SUITE_P(Random, Family, ::testing::ValuesIn(random_models()),
                         [](const auto& variant) { return variant.param.name; });

TEST(LanguageModel, NeverChoosesAPaddingRow) {
  HubModel hub = random_original_mamba();
  // Rows 37 .. 39 stand for no token; make them the likeliest by far.
  hub.tensors["backbone.embedding.weight"].narrow(0, 37, 3).mul_(100);
  const TempFolder folder;
  write_model(folder.path(), hub);
  const auto model = load_language_model(folder.path()).model;
  EXPECT_EQ(model->vocab_size(), 37);
  EXPECT_EQ(model->n_rows(), 40);
  const at::Tensor all = model->logits(row(kIds))[0];
  EXPECT_EQ(all.size(1), 40);
  EXPECT_TRUE((all.argmax(1) >= 37).any().item<bool>());
  const at::Tensor last = model->last_logits(row(kIds), {19})[0];
  const at::Tensor real = all.narrow(1, 0, 37);
  EXPECT_LE(largest(last.narrow(0, 0, 37) - real[18]), 1e-6 * largest(real));
  EXPECT_EQ(last.narrow(0, 37, 3).max().item<float>(), -std::numeric_limits<float>::infinity());
  for (const int64_t token : generate(*model, kIds, 20)) EXPECT_LT(token, 37);
}

TEST(LanguageModel, UsesTheFileWhereItIsMapped) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"));
  const auto model = load_language_model(folder.path()).model;
  const auto parameters = model->named_parameters();
  // Stored [in, out]: a view of the file, transposed, not a copy.
  EXPECT_FALSE(parameters["backbone.blocks.0.attn.c_attn.weight"].is_contiguous());
  const auto at_file = [&](const char* name) {
    return !parameters[name].storage().resizable();  // memory that is not ours
  };
  EXPECT_TRUE(at_file("embedding.weight"));
  EXPECT_TRUE(at_file("backbone.blocks.0.attn.c_attn.weight"));
}

TEST(LanguageModel, RefusesIdsItCannotRead) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"));
  const auto model = load_language_model(folder.path()).model;
  EXPECT_THAT(message_of([&] { model->logits(row({1, 41})); }), HasSubstr("token 41"));
  EXPECT_THAT(message_of([&] { model->logits(row({1, -1})); }), HasSubstr("token -1"));
  EXPECT_THROW(model->logits(at::zeros({1, 0}, at::kLong)), UsageError);
  EXPECT_THROW(model->logits(at::zeros({1, 3})), UsageError);
  EXPECT_THAT(message_of([&] {
                model->logits(at::zeros({1, 41}, at::kLong));
              }),
              HasSubstr("41 tokens exceed the model's context of 40"));
  State state = model->initial_state(1);
  model->next_logits(at::zeros({1, 38}, at::kLong), state);
  EXPECT_THROW(model->next_logits(at::zeros({1, 3}, at::kLong), state), UsageError);
  EXPECT_THROW(model->last_logits(at::zeros({2, 3}, at::kLong), {3}), UsageError);
  EXPECT_THROW(model->last_logits(at::zeros({1, 3}, at::kLong), {4}), UsageError);
  EXPECT_THROW(generate(*model, std::vector<int64_t>(38), 4), UsageError);
  EXPECT_EQ(generate(*model, std::vector<int64_t>(38), 3).size(), 3u);
}

TEST_P(Family, ComputesInSixteenBits) {
  const at::Tensor expected = load()->logits(row(kIds));
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const auto model = load(type);
    const at::Tensor logits = model->logits(row(kIds));
    EXPECT_EQ(logits.scalar_type(), at::kFloat);
    EXPECT_LE(largest(logits - expected), (type == at::kHalf ? 0.02 : 0.15) * largest(expected))
        << type;
    EXPECT_GE(largest(logits - expected), 1e-5 * largest(expected)) << type;
    for (const auto& item : model->named_parameters()) {
      const bool matrix = item.key() == "embedding.weight" || item.key().ends_with("proj.weight");
      if (matrix) {
        EXPECT_EQ(item.value().scalar_type(), type) << item.key();
      }
      if (item.key().find("norm") != std::string::npos) {
        EXPECT_EQ(item.value().scalar_type(), at::kFloat) << item.key();
      }
    }
    State state = model->initial_state(1);
    const at::Tensor last = model->next_logits(row(kIds), state);
    const int64_t v = model->vocab_size();
    EXPECT_LE(largest(last[0].narrow(0, 0, v) - logits[0][18].narrow(0, 0, v)),
              0.02 * largest(expected));
  }
}

TEST(LanguageModel, TakesTheTypeOfTheFile) {
  const TempFolder folder;
  write_model(folder.path(), random_model("gpt2"), {.type = at::kBFloat16});
  const auto model = load_language_model(folder.path(), {.dtype = std::nullopt}).model;
  EXPECT_EQ(model->named_parameters()["embedding.weight"].scalar_type(), at::kBFloat16);
  write_model(folder.path(), random_model("gpt2"));
  const auto wide = load_language_model(folder.path(), {.dtype = std::nullopt}).model;
  EXPECT_EQ(wide->named_parameters()["embedding.weight"].scalar_type(), at::kFloat);
  EXPECT_THAT(message_of([&] { load_language_model(folder.path(), {.dtype = at::kInt}); }),
              HasSubstr("models do not compute in Int"));
}

// Rotary positions go on where a table of learned ones ends.
TEST(LanguageModel, RotaryModelsReadOnBeyondTheirContext) {
  for (const char* type : {"gpt_neox", "gptj", "llama", "mistral", "qwen3"}) {
    const HubModel hub = random_model(type);
    const TempFolder folder;
    write_model(folder.path(), hub);
    const auto model = load_language_model(folder.path(), {.dtype = at::kDouble}).model;
    EXPECT_EQ(model->context_length(), 40);
    EXPECT_EQ(model->longest_sequence(), 0);
    std::vector<int64_t> ids;
    for (int64_t i = 0; i < 50; ++i) ids.push_back((7 * i * i + 3) % 41);
    const at::Tensor expected = reference_logits(hub, ids);
    EXPECT_LE(largest(model->logits(row(ids))[0] - expected), 1e-11 * largest(expected)) << type;
  }
}

TEST(LanguageModel, LongSequencesMayTurnByOtherFrequencies) {
  const nlohmann::json dynamic = {{"type", "dynamic"}, {"factor", 2.0}};
  const nlohmann::json longrope = {{"type", "longrope"},
                                   {"short_factor", {1.0, 1.1, 1.3}},
                                   {"long_factor", {2.0, 4.0, 8.0}},
                                   {"factor", 3.0}};
  for (const auto& scaling : {dynamic, longrope}) {
    const HubModel hub =
        random_model("llama", {{"rope_scaling", scaling}, {"max_position_embeddings", 12}});
    const TempFolder folder;
    write_model(folder.path(), hub);
    const auto model = load_language_model(folder.path(), {.dtype = at::kDouble}).model;
    EXPECT_EQ(model->uniform_length(), 12);
    for (const size_t length : {12, 13, 19}) {
      const std::vector<int64_t> ids(kIds.begin(), kIds.begin() + static_cast<int64_t>(length));
      const at::Tensor expected = reference_logits(hub, ids);
      EXPECT_LE(largest(model->logits(row(ids))[0] - expected), 1e-11 * largest(expected))
          << scaling << length;
    }
  }
}

TEST(LanguageModel, GeneratesUpToATokenThatEndsTheText) {
  const TempFolder folder;
  write_model(folder.path(), random_model("mamba"));
  const auto model = load_language_model(folder.path()).model;
  const std::vector<int64_t> whole = generate(*model, {3, 1, 4}, 12);
  ASSERT_EQ(whole.size(), 12u);
  const std::vector<int64_t> ends = {whole[4]};
  const auto first = std::find(whole.begin(), whole.end(), whole[4]);
  EXPECT_EQ(generate(*model, {3, 1, 4}, 12, ends), std::vector<int64_t>(whole.begin(), first + 1));
}

TEST(LanguageModel, NoTokenIsTheLikeliestOfNaN) {
  const std::vector<double> logits = {1, 3, 3, -INFINITY, -5, -INFINITY};
  EXPECT_EQ(likeliest(at::tensor(logits).view({2, 3})), (std::vector<int64_t>{1, 1}));
  const std::vector<double> without_number = {1, NAN, 3};
  EXPECT_THAT(message_of([&] {
                likeliest(at::tensor(without_number).view({1, 3}));
              }),
              HasSubstr("NaN or infinity"));
}

TEST(LanguageModel, NewOnesCanBeTrainedAndExported) {
  const std::vector<ModelConfig> configs = {
      {.family = MambaFamily{}, .d_model = 16, .n_layer = 2},
      {.family = Gpt2Family{.n_head = 2, .positions = "learned", .n_positions = 32},
       .d_model = 16,
       .n_layer = 2},
      {.family = Rwkv4Family{}, .d_model = 16, .n_layer = 2}};
  for (const ModelConfig& config : configs) {
    at::manual_seed(3);
    const auto model = make_language_model(config, 30);
    const at::Tensor loss = model->logits(row({1, 2, 3})).logsumexp(-1).sum();
    loss.backward();
    for (const auto& item : model->named_parameters()) {
      EXPECT_TRUE(item.value().grad().defined()) << config.family.name() << " " << item.key();
    }
    const TempFolder folder;
    export_language_model(*model, folder.path());
    const auto loaded = load_language_model(folder.path()).model;
    const at::Tensor logits = model->logits(row({1, 2, 3}));
    // Not bit by bit: GPT-2's files hold its matrices transposed.
    EXPECT_LE(largest(loaded->logits(row({1, 2, 3})) - logits), 1e-6 * largest(logits))
        << config.family.name();
  }
}

// The other families are language models, too, but of no form that other programs read.
TEST(LanguageModel, OfAnyFamilyCanBeTrained) {
  for (const std::string& family : families().names()) {
    const ModelConfig config = small_model_config(family, 16, 2);
    at::manual_seed(3);
    const auto model = make_language_model(config, 30);
    EXPECT_EQ(model->logits(row({1, 2, 3})).sizes(), (at::IntArrayRef{1, 3, 30})) << family;
    const bool published = family == "mamba" || family == "rwkv4";
    EXPECT_EQ(has_published_form(config), published) << family;
  }
}

}  // namespace
}  // namespace icl::testing
