// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/language/language_model.h"
#include "icl/models/gpt2.h"
#include "icl/tokenizer/byte_tokenizer.h"
#include "src/training/mixed_precision.h"
#include "src/training/objectives.h"

namespace icl {
namespace {

// GPT-2's start, a deviation of 0.02 throughout and as much for the positions, is made for a wide
// model. In a narrow one all heads look everywhere alike for most of a short training: its matrices
// begin wider, as the root of the width allows, and its positions as sinusoids, whose distances
// look the same wherever a document's bytes lie.
void widen_start(LanguageModel& model, int64_t width) {
  const at::NoGradGuard no_grad;
  const double deviation = 0.8 / std::sqrt(static_cast<double>(width));
  for (auto& item : model.named_parameters()) {
    if (item.value().dim() == 2) item.value().mul_(deviation / 0.02);
  }
  at::Tensor* found = model.named_parameters().find("backbone.positions.weight");
  if (found == nullptr) return;
  at::Tensor positions = *found;
  const at::Tensor place = at::arange(positions.size(0), at::kFloat).unsqueeze(1);
  const at::Tensor channel = at::arange(width, at::kFloat);
  const at::Tensor pair = channel.div(2, "floor");
  const at::Tensor angle = place * at::pow(10000.0, -2.0 * pair / static_cast<double>(width));
  const at::Tensor waves = at::where(channel.remainder(2) == 0, angle.sin(), angle.cos());
  positions.copy_(std::sqrt(2.0) * deviation * waves);
}

// Per point: the share of sequences whose prediction is wrong.
std::vector<double> wrong_shares(const at::Tensor& logits_BTV, const at::Tensor& targets_BT,
                                 const at::Tensor& scored_BK) {
  const at::Tensor wrong_BT = logits_BTV.detach().argmax(2) != targets_BT;
  const at::Tensor shares = wrong_BT.to(at::kCPU, at::kDouble).gather(1, scored_BK).mean(0);
  return {shares.data_ptr<double>(), shares.data_ptr<double>() + shares.numel()};
}

// The prediction of tokens. A batch is inputs, targets and weights [B, T], and the scored places
// [B, K].
class TokenObjective : public Objective {
 public:
  TokenObjective(const RunConfig& config, c10::Device device, bool draw_weights)
      : config_(config), device_(device), traits_(task()->traits(most_points())) {
    if (draw_weights) seed_initial_weights(config);
    model_ = make_language_model(config.model, traits_.vocabulary);
    if (config.model.family.get_if<Gpt2Family>() != nullptr) {
      widen_start(*model_, config.model.d_model);
    }
    for (at::Tensor& parameter : model_->parameters()) parameter.requires_grad_(true);
    model_->to(device);
    model_->train();
  }

  torch::nn::Module& module() override { return *model_; }

  TensorBatch draw(int64_t step) const override {
    const CurriculumStage stage = curriculum_stage(config_.training.curriculum, step);
    const TokenBatch batch = task()->draw({.seed = static_cast<uint64_t>(config_.seed),
                                           .step = step,
                                           .batch_size = config_.training.batch_size,
                                           .n_points = stage.n_points});
    return {batch.inputs_BT, batch.targets_BT, batch.weights_BT, batch.scored_BK};
  }

  StepLoss loss(const TensorBatch& batch) override {
    const at::Tensor targets = batch[1].to(device_);
    const at::Tensor weights = batch[2].to(device_);
    at::Tensor logits_BTV;
    {
      const MixedPrecision mixed(config_.training.precision, device_);
      logits_BTV = model_->logits(batch[0].to(device_)).to(at::kFloat);
    }
    const auto cross_entropy = [targets, weights](const at::Tensor& logits) {
      const at::Tensor of_tokens =
          at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten(), {}, at::Reduction::None);
      return (of_tokens * weights.flatten()).sum();
    };
    const auto figures = [=, scored_BK = batch[3]] {
      return BatchFigures{
          .zero_loss = cross_entropy(at::zeros_like(logits_BTV)).template item<double>(),
          .zero_error = 1,
          .errors = wrong_shares(logits_BTV, targets, scored_BK),
          .n_points = scored_BK.size(1)};
    };
    return {cross_entropy(logits_BTV), figures};
  }

  void export_model(const RunFolder& folder) override {
    if (!has_published_form(config_.model)) return;
    const std::filesystem::path out = folder.language_model();
    make_folders(out);
    if (traits_.bytes) write_file_atomically(out / "tokenizer.json", byte_tokenizer_json());
    export_language_model(*model_, out);
  }

  TrainingSummary summarise(const RunFolder& folder,
                            const std::vector<double>& last_errors) override {
    const bool known = !last_errors.empty();
    TrainingSummary summary;
    summary.json = {{"schema", "icl.train"},
                    {"version", 1},
                    {"n", static_cast<int64_t>(last_errors.size()) - 1},
                    {"errors",
                     {{config_.model.family.name(),
                       known ? nlohmann::ordered_json(last_errors.back()) : nullptr}}}};
    if (known) {
      std::array<char, 160> line{};
      std::snprintf(line.data(), line.size(),
                    "wrong answers in the last batch: %.3f at the first point, %.3f at point %zu\n",
                    last_errors.front(), last_errors.back(), last_errors.size());
      summary.text = line.data();
    }
    if (!has_published_form(config_.model)) return summary;
    const std::string out = folder.language_model().string();
    summary.json["exported"] = out;
    summary.text += str("exported to ", out);
    if (!traits_.language_tasks.empty()) {
      summary.text += str("; try: icl-nlp eval --model ", out, " --tasks ",
                          join(traits_.language_tasks, ","), " --shots 0,1,2,4,8");
    }
    summary.text += "\n";
    return summary;
  }

 private:
  const TokenTask& task() const { return config_.tokens.task; }
  int64_t most_points() const { return config_.training.curriculum.points.end; }

  RunConfig config_;
  c10::Device device_;
  TokenTaskTraits traits_;
  std::shared_ptr<LanguageModel> model_;
};

}  // namespace

std::unique_ptr<Objective> make_token_objective(const RunConfig& config, c10::Device device,
                                                bool draw_weights) {
  return std::make_unique<TokenObjective>(config, device, draw_weights);
}

}  // namespace icl
