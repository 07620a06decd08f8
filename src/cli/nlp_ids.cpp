// SPDX-License-Identifier: Apache-2.0
#include "src/cli/nlp_ids.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/io/files.h"

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
  if (model.context_length() > 0 && length > model.context_length()) {
    return str("has ", ids.size(), " ids", extra > 0 ? str(" and is to grow by ", extra) : "",
               ", but the model's context is ", model.context_length(), " tokens");
  }
  return "";
}

}  // namespace

void round_alike() {
  ::setenv("MKL_CBWR", "AUTO", /*overwrite=*/0);
}

NamedIds read_ids(const std::string& path, const LanguageModel& model, int64_t extra) {
  const ordered_json root =
      ordered_json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) throw DataError(str("'", path, "' is not JSON"));
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
