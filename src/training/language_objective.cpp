// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/random.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/language/scoring.h"
#include "icl/language/tasks.h"
#include "icl/tokenizer/byte_tokenizer.h"
#include "src/training/mixed_precision.h"
#include "src/training/objectives.h"

namespace icl {
namespace {

// The paper's algorithmic tasks; all that need no words.
const std::vector<LanguageTask>& tasks() {
  static const std::vector<LanguageTask> list = [] {
    std::vector<LanguageTask> loaded;
    for (const LanguageTaskInfo& info : expand_language_tasks({"algorithmic"})) {
      if (info.in_paper) loaded.push_back(generated_language_task(info));
    }
    return loaded;
  }();
  return list;
}

int64_t most_points() {
  int64_t most = tasks().front().n_items();
  for (const LanguageTask& task : tasks()) most = std::min(most, task.n_items());
  return most;
}

// "example:a,b,c,d->a\n"
constexpr int64_t kLongestDemonstration = 19;

void check(const RunConfig& config) {
  const int64_t points = config.training.curriculum.points.end;
  if (points > most_points()) {
    throw UsageError(str("training.curriculum.points.end: ", points, ", expected at most ",
                         most_points(),
                         " where task.function is language: its smallest task has no more items"));
  }
  if (config.model.family == "gpt2" && config.model.n_positions < points * kLongestDemonstration) {
    throw UsageError(str("model.n_positions: ", config.model.n_positions, ", expected at least ",
                         points * kLongestDemonstration, " bytes for ", points,
                         " demonstrations (training.curriculum.points.end)"));
  }
  if (config.evaluation.every > 0) {
    throw UsageError(str("evaluation.every: ", config.evaluation.every,
                         ", expected 0 where task.function is language: icl-nlp eval measures the "
                         "exported model"));
  }
}

// Of each byte that is predicted, [B, T - 1]: the answers have half of the weight, what surrounds
// them the other half, padding none. Unweighted, the inputs, which nobody can guess, drown them.
at::Tensor weights_of(const Documents& documents) {
  const int64_t length = documents.ids_BT.size(1) - 1;
  at::Tensor answers = at::zeros({documents.ids_BT.size(0), length});
  at::Tensor others = at::zeros_like(answers);
  for (size_t b = 0; b < documents.lengths.size(); ++b) {
    const auto row = static_cast<int64_t>(b);
    others[row].slice(0, 0, documents.lengths[b] - 1).fill_(1);
    for (const int64_t place : documents.answers[b]) {
      answers[row][place - 1] = 1;
      others[row][place - 1] = 0;
    }
  }
  return 0.5 * answers / answers.sum() + 0.5 * others / others.sum();
}

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
  at::Tensor positions = model.named_parameters()["backbone.positions.weight"];
  const at::Tensor place = at::arange(positions.size(0), at::kFloat).unsqueeze(1);
  const at::Tensor channel = at::arange(width, at::kFloat);
  const at::Tensor pair = channel.div(2, "floor");
  const at::Tensor angle = place * at::pow(10000.0, -2.0 * pair / static_cast<double>(width));
  const at::Tensor waves = at::where(channel.remainder(2) == 0, angle.sin(), angle.cos());
  positions.copy_(std::sqrt(2.0) * deviation * waves);
}

// Prediction of the next byte.
class LanguageObjective : public Objective {
 public:
  LanguageObjective(const RunConfig& config, c10::Device device)
      : config_(config), device_(device) {
    check(config);
    seed_initial_weights(config);
    model_ = make_language_model(config.model, kByteTokens);
    if (config.model.family == "gpt2") widen_start(*model_, config.model.d_model);
    for (at::Tensor& parameter : model_->parameters()) parameter.requires_grad_(true);
    model_->to(device);
    model_->train();
  }

  torch::nn::Module& module() override { return *model_; }
  int64_t parameter_count() const override { return model_->parameter_count(); }
  LanguageModel* language() override { return model_.get(); }

  StepLoss loss(int64_t step, const CurriculumStage& stage) override {
    const Documents documents = sample_documents(static_cast<uint64_t>(config_.seed), step,
                                                 config_.training.batch_size, stage.n_points);
    const int64_t length = documents.ids_BT.size(1);
    const at::Tensor targets = documents.ids_BT.narrow(1, 1, length - 1).to(device_);
    const at::Tensor weights = weights_of(documents).to(device_);
    const at::Tensor ids = documents.ids_BT.narrow(1, 0, length - 1).to(device_);
    at::Tensor logits_BTV;
    {
      const MixedPrecision mixed(config_.training.precision, device_);
      logits_BTV = model_->logits(ids).to(at::kFloat);
    }
    const auto cross_entropy = [targets, weights](const at::Tensor& logits) {
      const at::Tensor of_bytes =
          at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten(), {}, at::Reduction::None);
      return (of_bytes * weights.flatten()).sum();
    };
    const auto figures = [=, answers = documents.answers] {
      return BatchFigures{
          .zero_loss = cross_entropy(at::zeros_like(logits_BTV)).template item<double>(),
          .zero_error = 1,  // no answer is the first byte of all
          .errors = wrong_answers(logits_BTV, targets, answers)};
    };
    return {cross_entropy(logits_BTV), figures};
  }

 private:
  // Per demonstration: the share of documents whose answer is not the likeliest byte.
  static std::vector<double> wrong_answers(const at::Tensor& logits_BTV, const at::Tensor& targets,
                                           const std::vector<std::vector<int64_t>>& answers) {
    const at::Tensor wrong =
        (logits_BTV.detach().argmax(2) != targets).to(at::kCPU, at::kDouble).contiguous();
    const auto* values = wrong.data_ptr<double>();
    const int64_t length = wrong.size(1);
    std::vector<double> errors(answers.front().size(), 0.0);
    for (size_t b = 0; b < answers.size(); ++b) {
      for (size_t i = 0; i < errors.size(); ++i) {
        // The byte at a place is the target of the one before.
        errors[i] += values[static_cast<int64_t>(b) * length + answers[b][i] - 1] /
                     static_cast<double>(answers.size());
      }
    }
    return errors;
  }

  RunConfig config_;
  c10::Device device_;
  std::shared_ptr<LanguageModel> model_;
};

}  // namespace

std::unique_ptr<Objective> make_language_objective(const RunConfig& config, c10::Device device) {
  return std::make_unique<LanguageObjective>(config, device);
}

Documents sample_documents(uint64_t seed, int64_t step, int64_t batch_size, int64_t n_points) {
  const RandomStream stream = RandomStream(seed, "documents").at_step(step);
  const at::Tensor chosen =
      stream.child("task").integers({batch_size}, static_cast<int64_t>(tasks().size()));
  std::vector<std::string> texts;
  Documents documents;
  size_t longest = 0;
  for (int64_t b = 0; b < batch_size; ++b) {
    const LanguageTask& task = tasks()[static_cast<size_t>(chosen.data_ptr<int64_t>()[b])];
    std::string& text = texts.emplace_back();
    auto& answers = documents.answers.emplace_back();
    for (const WordPair& pair : task.draw(stream.child("items").at_step(b), n_points)) {
      text += prompt_text({}, pair.input);
      answers.push_back(static_cast<int64_t>(text.size()));
      text += pair.output + "\n";
    }
    documents.lengths.push_back(static_cast<int64_t>(text.size()));
    longest = std::max(longest, text.size());
  }
  documents.ids_BT = at::full({batch_size, static_cast<int64_t>(longest)}, int64_t{'\n'},
                              at::TensorOptions().dtype(at::kLong));
  auto* ids = documents.ids_BT.data_ptr<int64_t>();
  for (size_t b = 0; b < texts.size(); ++b) {
    std::transform(texts[b].begin(), texts[b].end(), ids + b * longest,
                   [](char byte) { return int64_t{static_cast<unsigned char>(byte)}; });
  }
  return documents;
}

std::vector<std::string> language_training_tasks() {
  std::vector<std::string> names;
  for (const LanguageTask& task : tasks()) names.emplace_back(task.info().name);
  return names;
}

void export_trained_language_model(const LanguageModel& model,
                                   const std::filesystem::path& folder) {
  make_folders(folder);
  write_file_atomically(folder / "tokenizer.json", byte_tokenizer_json());
  export_language_model(model, folder);
}

}  // namespace icl
