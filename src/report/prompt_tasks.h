// SPDX-License-Identifier: Apache-2.0
//
// Tasks and settings as figures name them, from the configs that results hold.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "icl/report/inputs.h"

namespace icl::report {

// `task` is the config of a task, `where` says in messages where the config is from. The key is all
// of the config but inputs and pools, which evaluations change. Throws DataError.
PromptTask prompt_task(const nlohmann::ordered_json& task, const std::string& where);
// The same for prompts whose inputs matter, as those of a probe.
PromptTask prompt_task(const nlohmann::ordered_json& task, const nlohmann::ordered_json& inputs,
                       const std::string& where);
// What a run is trained on, from its config or, if that cannot be read, from the JSON of it.
PromptTask trained_task(const std::optional<RunConfig>& config, const nlohmann::ordered_json& json);

// "skewed (exponent 2, rotation per batch), times 3"
std::string inputs_label(const nlohmann::ordered_json& inputs, const std::string& where);

// "decision_tree" -> "decision tree"
std::string spaced(std::string name);
// "1 dimension", "20 dimensions"
std::string counted(int64_t count, const std::string& noun);

// A setting of icl's table draws its inputs as training did if its record says so: the name then
// goes with the inputs, because two runs may mean different ones.
std::string setting_label(const EvalResult& result, const std::string& where);

}  // namespace icl::report
