// SPDX-License-Identifier: Apache-2.0
#include "icl/language/results.h"

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/json_view.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "icl.nlp";
constexpr int64_t kVersion = 1;

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

const LanguageTaskInfo& task_of(const JsonView& name) {
  for (const LanguageTaskInfo& task : all_language_tasks()) {
    if (name.text() == task.name) return task;
  }
  name.fail(str("'", name.text(), "' is none of icl's tasks"));
}

Accuracy accuracy_from(const JsonView& json) {
  return {.n_prompts = json.at("n_prompts").integer(0),
          .value = json.find("accuracy").number_or_nan(),
          .standard_error = json.find("stderr").number_or_nan()};
}

ShotResult result_from(const JsonView& json) {
  return {.task = task_of(json.at("task")),
          .shots = json.at("shots").integer(0),
          .n_items = json.at("n_items").integer(0),
          .source = json.at("source").text(),
          .skipped = json.find("skipped").text_or_empty(),
          .overflow = json.at("overflow").integer(0),
          .accuracy = accuracy_from(json)};
}

TaskVectorResult vector_from(const JsonView& json) {
  TaskVectorResult result{.task = task_of(json.at("task")),
                          .shots = json.at("shots").integer(0),
                          .skipped = json.find("skipped").text_or_empty(),
                          .accuracy = accuracy_from(json)};
  if (!json.find("layer").is_null()) result.layer = json.at("layer").integer(0);
  for (const JsonView& accuracy : json.at("development_accuracy_by_layer").elements()) {
    result.layer_accuracies.push_back(accuracy.number_or_nan());
  }
  return result;
}

TaskMean mean_from(const JsonView& json) {
  TaskMean mean{.accuracy = json.find("accuracy").number_or_nan(),
                .standard_error = json.find("stderr").number_or_nan()};
  for (const JsonView& task : json.at("tasks").elements()) mean.tasks.push_back(task.text());
  return mean;
}

GroupMeans means_from(const JsonView& json, std::string group) {
  return {.group = std::move(group),
          .shots = json.at("shots").integer(0),
          .fixed = mean_from(json.at("fixed_set")),
          .available = mean_from(json.at("available"))};
}

LanguageFacts facts_from(const JsonView& json) {
  const JsonView model = json.at("model");
  const JsonView dtype = model.find("dtype"), context = model.find("context_length");
  return {.name = model.at("name").text(),
          .path = model.find("path").text_or_empty(),
          .family = model.at("family").text(),
          .dtype = dtype.is_null() ? "float32" : dtype.text(),  // older files
          .tokenizer = json.find("tokenizer").text_or_empty(),
          .data_dir = json.find("data_dir").text_or_empty(),
          .synonyms = json.find("synonyms").text_or_empty(),
          .parameters = model.at("parameters").integer(0),
          .context_length = context.is_null() ? 0 : context.integer(0),
          .n_prompts = json.at("n_prompts").integer(0),
          .queries_per_context = json.at("queries_per_context").integer(0),
          .seed = static_cast<uint64_t>(json.at("seed").integer())};
}

}  // namespace

LanguageEvaluation LanguageEvaluation::from_json(const nlohmann::json& json,
                                                 const std::string& name) {
  const JsonView root(json, name);
  root.expect_schema(kSchema, kVersion);
  LanguageEvaluation evaluation{.facts = facts_from(root), .results = {}};
  ShotResults& results = evaluation.results;
  results.complete = root.at("complete").flag();
  for (const JsonView& shots : root.at("shots").elements()) {
    results.shots.push_back(shots.integer(0));
  }
  for (const JsonView& result : root.at("results").elements()) {
    results.results.push_back(result_from(result));
  }
  for (const JsonView& mean : root.at("means").elements()) {
    results.means.push_back(means_from(mean, "all"));
  }
  for (const JsonView& group : root.at("groups").elements()) {
    results.means.push_back(means_from(group, group.at("group").text()));
  }
  if (root.find("task_vectors").is_null()) return evaluation;
  for (const JsonView& vector : root.at("task_vectors").elements()) {
    results.task_vectors.push_back(vector_from(vector));
  }
  return evaluation;
}

Json LanguageEvaluation::to_json() const {
  Json json = {
      {"schema", kSchema},
      {"version", kVersion},
      {"complete", results.complete},
      {"model",
       {{"name", facts.name},
        {"path", facts.path},
        {"family", facts.family},
        {"dtype", facts.dtype},
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
