// SPDX-License-Identifier: Apache-2.0
#include "icl/language/results.h"

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

Json mean_json(const TaskMean& mean) {
  return {{"accuracy", mean.accuracy}, {"stderr", mean.standard_error}, {"tasks", mean.tasks}};
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json result_json(const ShotResult& result) {
  return {{"task", result.task.name},
          {"category", result.task.category},
          {"in_paper", result.task.in_paper},
          {"shots", result.shots},
          {"accuracy", result.accuracy.value},
          {"stderr", result.accuracy.standard_error},
          {"n_prompts", result.accuracy.n_prompts},
          {"overflow", result.overflow},
          {"n_items", result.n_items},
          {"source", result.source},
          {"skipped", text_or_null(result.skipped)}};
}

Json vector_json(const TaskVectorResult& result) {
  return {{"task", result.task.name},
          {"category", result.task.category},
          {"shots", result.shots},
          {"accuracy", result.accuracy.value},
          {"stderr", result.accuracy.standard_error},
          {"n_prompts", result.accuracy.n_prompts},
          {"layer", result.layer < 0 ? Json(nullptr) : Json(result.layer)},
          {"development_accuracy_by_layer", result.layer_accuracies},
          {"skipped", text_or_null(result.skipped)}};
}

std::string csv_row(const std::string& kind, const std::string& name, const std::string& category,
                    int64_t shots, double accuracy, double standard_error, int64_t prompts,
                    const std::string& note) {
  const auto number = [](double value) { return std::isnan(value) ? "" : shortest(value); };
  return str(kind, ",", name, ",", category, ",", shots, ",", number(accuracy), ",",
             number(standard_error), ",", prompts > 0 ? std::to_string(prompts) : "", ",",
             note.empty() ? "" : "\"" + note + "\"", "\n");
}

}  // namespace

Json shots_json(const ShotResults& results, const LanguageFacts& facts) {
  Json json = {
      {"schema", "icl.nlp"},
      {"version", 1},
      {"complete", results.complete},
      {"model",
       {{"name", facts.name},
        {"path", facts.path},
        {"family", facts.family},
        {"parameters", facts.parameters},
        {"context_length", facts.context_length > 0 ? Json(facts.context_length) : Json(nullptr)}}},
      {"tokenizer", facts.tokenizer},
      {"data_dir", text_or_null(facts.data_dir)},
      {"synonyms", text_or_null(facts.synonyms)},
      {"seed", facts.seed},
      {"n_prompts", facts.n_prompts},
      {"queries_per_context", facts.queries_per_context},
      {"shots", results.shots},
      {"results", Json::array()},
      {"means", Json::array()},
      {"groups", Json::array()}};
  for (const ShotResult& result : results.results) json["results"].push_back(result_json(result));
  for (const GroupMeans& means : results.means) {
    Json entry = {{"shots", means.shots},
                  {"fixed_set", mean_json(means.fixed)},
                  {"available", mean_json(means.available)}};
    if (means.group == "all") {
      json["means"].push_back(std::move(entry));
    } else {
      Json group = {{"group", means.group}};
      group.update(entry);
      json["groups"].push_back(std::move(group));
    }
  }
  if (!results.task_vectors.empty()) {
    for (const auto& result : results.task_vectors) {
      json["task_vectors"].push_back(vector_json(result));
    }
  }
  return json;
}

std::string shots_csv(const ShotResults& results) {
  std::string text = "kind,name,category,shots,accuracy,stderr,prompts,note\n";
  for (const ShotResult& result : results.results) {
    const std::string note =
        result.skipped.empty() && result.overflow > 0
            ? str(result.overflow, " prompts are longer than the model's context")
            : result.skipped;
    text +=
        csv_row("task", result.task.name, result.task.category, result.shots, result.accuracy.value,
                result.accuracy.standard_error, result.accuracy.n_prompts, note);
  }
  for (const GroupMeans& means : results.means) {
    for (const bool fixed : {true, false}) {
      const TaskMean& mean = fixed ? means.fixed : means.available;
      text +=
          csv_row(fixed ? "mean_fixed" : "mean_available", means.group, means.group, means.shots,
                  mean.accuracy, mean.standard_error, 0, str(mean.tasks.size(), " tasks"));
    }
  }
  for (const TaskVectorResult& result : results.task_vectors) {
    text +=
        csv_row("task_vector", result.task.name, result.task.category, result.shots,
                result.accuracy.value, result.accuracy.standard_error, result.accuracy.n_prompts,
                result.skipped.empty() ? str("after layer ", result.layer) : result.skipped);
  }
  return text;
}

std::string samples_text(const ShotResults& results) {
  std::string text;
  for (const ShotResult& result : results.results) {
    for (const ShotSample& sample : result.samples) {
      const Json line = {{"task", result.task.name}, {"shots", result.shots},
                         {"index", sample.index},    {"prompt", sample.prompt},
                         {"answer", sample.answer},  {"prediction", sample.prediction},
                         {"right", sample.right}};
      text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
  }
  return text;
}

}  // namespace icl
