// SPDX-License-Identifier: Apache-2.0
#include "src/cli/nlp_model.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/json.h"

namespace icl {
namespace {

using nlohmann::ordered_json;

// The complaint about one sequence, or "".
std::string fault_of(const ordered_json& ids, const LanguageModel& model, int64_t extra) {
  if (!ids.is_array()) return str("is ", ids.type_name(), ", expected a list of ids");
  if (ids.empty()) return "is empty, expected at least one id";
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool integer = ids[i].is_number_integer();
    if (!integer || ids[i] < 0 || ids[i] >= model.n_rows()) {
      return str("holds ", ids[i].dump(-1, ' ', false, ordered_json::error_handler_t::replace),
                 " at index ", i, ", expected an integer in 0 .. ", model.n_rows() - 1);
    }
  }
  const int64_t length = static_cast<int64_t>(ids.size()) + extra;
  if (model.longest_sequence() > 0 && length > model.longest_sequence()) {
    return str("has ", ids.size(), " ids", extra > 0 ? str(" and is to grow by ", extra) : "",
               ", but the model's context is ", model.longest_sequence(), " tokens");
  }
  return "";
}

}  // namespace

void add_model_options(CLI::App& app, ModelChoice& choice) {
  app.add_option("--model", choice.model,
                 "folder of a pre-trained model (config.json and weights), or a .pth file of RWKV")
      ->required();
  app.add_option("--dtype", choice.dtype,
                 "type of the model's matrices and their products: float32, bfloat16, float16, or "
                 "auto for the type of the file")
      ->capture_default_str();
}

LoadedModel load_chosen_model(const ModelChoice& choice, const CommonOptions& common) {
  ::setenv("MKL_CBWR", "AUTO", /*overwrite=*/0);  // before the first product
  LoadOptions options{.device = prepare_device(common), .dtype = std::nullopt};
  const std::vector<std::pair<std::string, at::ScalarType>> types = {
      {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf}};
  std::vector<std::string> names = {"auto"};
  for (const auto& [name, type] : types) {
    if (choice.dtype == name) options.dtype = type;
    names.push_back(name);
  }
  if (!options.dtype && choice.dtype != "auto") {
    throw UsageError(str("--dtype '", choice.dtype, "': expected one of ", join(names),
                         did_you_mean(choice.dtype, names)));
  }
  return load_language_model(choice.model, options);
}

NamedIds read_ids(const std::string& path, const LanguageModel& model, int64_t extra) {
  const ordered_json root = read_json(path);
  if (!root.is_object() || root.empty()) {
    throw DataError(str("'", path,
                        "': expected {\"name\": [ids], ...} with at least one name, found ",
                        root.is_object() ? "an empty object" : root.type_name()));
  }
  NamedIds sequences;
  for (const auto& [name, ids] : root.items()) {
    const std::string fault = fault_of(ids, model, extra);
    if (!fault.empty()) throw DataError(str("'", path, "': '", name, "' ", fault));
    sequences.emplace_back(name, ids.get<std::vector<int64_t>>());
  }
  return sequences;
}

}  // namespace icl
