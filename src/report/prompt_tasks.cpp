// SPDX-License-Identifier: Apache-2.0
#include "src/report/prompt_tasks.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/evaluation/settings.h"
#include "icl/io/json_view.h"

namespace icl::report {
namespace {

using Json = nlohmann::ordered_json;

std::string one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string value_text(const JsonView& view) {
  if (view.value().is_number()) return shortest(view.number());
  return spaced(view.value().is_string() ? view.text() : view.value().dump());
}

}  // namespace

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string counted(int64_t count, const std::string& noun) {
  return str(with_commas(count), " ", noun, count == 1 ? "" : "s");
}

std::string inputs_label(const Json& inputs, const std::string& where) {
  const nlohmann::json plain = inputs;
  const JsonView view(plain, where);
  std::string text = spaced(view.find("distribution").text_or_empty());
  if (text.empty()) text = "unknown";
  std::vector<std::string> own;
  for (const auto& [key, value] : inputs.items()) {
    if (key == "distribution" || key == "scale" || key == "bias") continue;
    own.push_back(spaced(key) + " " + value_text(view.find(key)));
  }
  if (!own.empty()) text += " (" + join(own) + ")";
  const JsonView scale = view.find("scale"), bias = view.find("bias");
  if (!scale.is_null() && scale.number() != 1) text += ", times " + shortest(scale.number());
  if (!bias.is_null() && bias.number() != 0) text += ", plus " + shortest(bias.number());
  return text;
}

PromptTask prompt_task(const Json& task, const std::string& where) {
  const nlohmann::json plain = task;
  const JsonView view(plain, where);
  const std::string function = view.find("function").text_or_empty();
  PromptTask found{.label = function.empty() ? "unknown task" : spaced(function)};
  if (const JsonView dims = view.find("n_dims"); !dims.is_null()) found.n_dims = dims.integer(1);
  if (found.n_dims > 0) found.label += ", " + counted(found.n_dims, "dimension");
  Json rest = task;
  for (const char* key : {"inputs", "num_tasks", "num_training_examples"}) rest.erase(key);
  found.key = one_line(rest);
  return found;
}

PromptTask prompt_task(const Json& task, const Json& inputs, const std::string& where) {
  PromptTask found = prompt_task(task, where);
  found.label += ", " + inputs_label(inputs, where) + " inputs";
  found.key += one_line(inputs);
  return found;
}

PromptTask trained_task(const std::optional<RunConfig>& config, const Json& json) {
  if (!json.is_object()) return {};
  const bool of_tokens = config && config->objective_kind() == ObjectiveKind::kTokens;
  const auto group = json.find(of_tokens ? "tokens" : "task");
  if (group == json.end() || !group->is_object()) return {};
  if (of_tokens) {
    return {.key = "tokens " + one_line(*group),
            .label = spaced(config->tokens.task.name()),
            .n_dims = 0};
  }
  return prompt_task(*group, "task of a config");
}

std::string setting_label(const EvalResult& result, const std::string& where) {
  const Setting* setting = settings().find(result.setting);
  if (setting == nullptr || setting->inputs) return result.setting;
  const auto inputs = result.task.find("inputs");
  if (inputs == result.task.end() || !inputs->is_object()) return result.setting;
  return result.setting + ": " + inputs_label(*inputs, where);
}

}  // namespace icl::report
