// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/results.h"

#include <cmath>
#include <numeric>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/config/writer.h"
#include "icl/io/files.h"
#include "icl/io/json.h"
#include "icl/io/json_view.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "icl.probe";
constexpr int kVersion = 1;

Json list(const std::vector<double>& values) {
  Json numbers = Json::array();
  for (const double value : values) numbers.push_back(std::isfinite(value) ? Json(value) : Json());
  return numbers;
}

std::vector<double> list_of(const JsonView& view) {
  std::vector<double> values;
  for (const JsonView& value : view.elements()) values.push_back(value.number_or_nan());
  return values;
}

// The list under `key`, of this length.
std::vector<double> list_at(const JsonView& view, const char* key, size_t length) {
  std::vector<double> values = list_of(view.at(key));
  if (values.size() != length) {
    view.at(key).fail(str("expected ", length, " numbers, found ", values.size()));
  }
  return values;
}

Json of(const Profile& profile) {
  return {{"name", profile.name},
          {"mean", list(profile.mean)},
          {"std", list(profile.std)},
          {"low", list(profile.low)},
          {"high", list(profile.high)}};
}

Profile profile_of(const JsonView& view, size_t length) {
  return {.name = view.at("name").text(),
          .mean = list_at(view, "mean", length),
          .std = list_at(view, "std", length),
          .low = list_at(view, "low", length),
          .high = list_at(view, "high", length)};
}

// ---- of a read-out probe

void add(Json& json, const ReadoutResult& result) {
  json["n_context"] = result.n_context;
  json["n_queries"] = result.n_queries;
  json["n_prompts"] = result.n_prompts;
  json["fit_points"] = result.fit_points;
  for (const char* key : {"curves", "fits", "references", "matches"}) json[key] = Json::array();
  for (const Profile& curve : result.curves) {
    json["curves"].push_back(of(curve));
    json["curves"].back()["kind"] = "model";
  }
  for (const Profile& fit : result.fits) json["fits"].push_back(of(fit));
  for (const ReferenceProfile& reference : result.references) {
    Json entry = of(reference.error);
    entry["kind"] = "baseline";
    entry["steps"] = list(reference.steps);
    if (reference.gamma > 0) {
      entry["gamma"] = reference.gamma;
      entry["gamma_at_edge"] = reference.gamma_at_edge;
    }
    json["references"].push_back(entry);
  }
  for (const Match& match : result.matches) {
    json["matches"].push_back({{"reference", match.reference},
                               {"curve", match.curve},
                               {"step", list(match.step)},
                               {"low", list(match.low)},
                               {"high", list(match.high)},
                               {"distance", list(match.distance)}});
  }
}

ReadoutResult readout_of(const JsonView& view, size_t layers) {
  ReadoutResult result{.n_context = view.at("n_context").integer(1),
                       .n_queries = view.at("n_queries").integer(1),
                       .n_prompts = view.at("n_prompts").integer(1),
                       .fit_points = view.at("fit_points").integer(1)};
  for (const JsonView& curve : view.at("curves").elements()) {
    result.curves.push_back(profile_of(curve, layers));
  }
  for (const JsonView& fit : view.at("fits").elements()) {
    result.fits.push_back(profile_of(fit, layers));
  }
  for (const JsonView& entry : view.at("references").elements()) {
    ReferenceProfile reference{.steps = list_of(entry.at("steps"))};
    reference.error = profile_of(entry, reference.steps.size());
    const JsonView gamma = entry.find("gamma"), edge = entry.find("gamma_at_edge");
    if (!gamma.is_null()) reference.gamma = gamma.number();
    if (!edge.is_null()) reference.gamma_at_edge = edge.flag();
    result.references.push_back(std::move(reference));
  }
  for (const JsonView& entry : view.at("matches").elements()) {
    result.matches.push_back({.reference = entry.at("reference").text(),
                              .curve = entry.at("curve").text(),
                              .step = list_at(entry, "step", layers),
                              .low = list_at(entry, "low", layers),
                              .high = list_at(entry, "high", layers),
                              .distance = list_at(entry, "distance", layers)});
  }
  return result;
}

// ---- of a linear probe

// The lists of a target by their keys.
template <class Target>
auto lists_of(Target& target) {
  return std::vector{std::pair{"r2", &target.r2},
                     std::pair{"low", &target.low},
                     std::pair{"high", &target.high},
                     std::pair{"control", &target.control},
                     std::pair{"control_low", &target.control_low},
                     std::pair{"control_high", &target.control_high},
                     std::pair{"penalty", &target.penalty}};
}

void add(Json& json, const LinearResult& result) {
  json["n_points"] = result.n_points;
  json["n_train"] = result.n_train;
  json["n_validation"] = result.n_validation;
  json["n_test"] = result.n_test;
  json["targets"] = Json::array();
  for (const LinearTarget& target : result.targets) {
    Json entry = {{"name", target.name}, {"tokens", target.tokens}};
    for (const auto& [key, values] : lists_of(target)) entry[key] = list(*values);
    json["targets"].push_back(entry);
  }
}

LinearResult linear_of(const JsonView& view, size_t layers) {
  LinearResult result{.n_points = view.at("n_points").integer(1),
                      .n_train = view.at("n_train").integer(1),
                      .n_validation = view.at("n_validation").integer(1),
                      .n_test = view.at("n_test").integer(1)};
  for (const JsonView& entry : view.at("targets").elements()) {
    LinearTarget target{.name = entry.at("name").text(), .tokens = entry.at("tokens").text()};
    for (const auto& [key, values] : lists_of(target)) *values = list_at(entry, key, layers);
    result.targets.push_back(std::move(target));
  }
  return result;
}

// ---- CSV

// Rows of one list of values with its interval.
void add_rows(std::string& csv, const std::string& group, const std::string& name,
              const std::vector<double>& values, const std::vector<double>& low,
              const std::vector<double>& high) {
  const auto cell = [](double value) { return std::isfinite(value) ? shortest(value) : ""; };
  for (size_t i = 0; i < values.size(); ++i) {
    csv += str(group, ",", name, ",", i, ",", cell(values[i]), ",", cell(low[i]), ",",
               cell(high[i]), "\n");
  }
}

std::string differences(const Json& before, const Json& now) {
  std::vector<std::string> keys;
  for (const Difference& difference : icl::differences(before, now)) {
    const bool is_number_of_a_list =
        difference.path.find_first_of("0123456789") != std::string::npos;
    if (!is_number_of_a_list && keys.size() < 8) keys.push_back(difference.path);
  }
  return keys.empty() ? "numbers" : join(keys);
}

// Says what a stored result of this name has that the new one has not.
void note_replaced(const std::filesystem::path& file, const ProbeResult& result) {
  if (!std::filesystem::exists(file)) return;
  const Json before = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  const Json now = result.to_json();
  if (before == now) return;
  log_info(str("replacing '", file.string(), "', which differs in: ",
               before.is_object() ? differences(before, now) : "all, as it is no JSON object"));
}

}  // namespace

std::vector<double> relative_depths(int64_t n_layer) {
  std::vector<double> depths;
  for (int64_t layer = 0; layer < n_layer; ++layer) {
    const auto last = static_cast<double>(n_layer - 1);
    depths.push_back(n_layer == 1 ? 1.0 : static_cast<double>(layer) / last);
  }
  return depths;
}

void ProbeResult::describe_task(const TaskConfig& config) {
  TaskConfig copy = config;
  task = write_fields([&copy](Fields& f) { copy.describe(f); });
  inputs = task["inputs"];
}

Json ProbeResult::to_json() const {
  std::vector<int64_t> layers(static_cast<size_t>(n_layer));
  std::iota(layers.begin(), layers.end(), 0);
  Json json = {{"schema", kSchema},
               {"version", kVersion},
               {"kind", kind()},
               {"run", from.run_json()},
               {"provenance", from.program_json()},
               {"task", task},
               {"setting", setting},
               {"inputs", inputs},
               {"seed", seed},
               {"normaliser", {{"name", normaliser.name}, {"value", normaliser.value}}},
               {"layers", layers},
               {"depths", relative_depths(n_layer)}};
  std::visit([&json](const auto& result) { add(json, result); }, found);
  return json;
}

ProbeResult ProbeResult::from_json(const Json& json, const std::string& name) {
  const nlohmann::json plain = json;
  const JsonView view(plain, name);
  view.expect_schema(kSchema, kVersion);
  ProbeResult result;
  result.from = Provenance::from_json(json);
  view.at("task").at("n_dims").integer(1);
  result.task = json.at("task");
  result.inputs = view.find("inputs").is_null() ? result.task.value("inputs", Json::object())
                                                : json.at("inputs");
  result.setting = view.at("setting").text();
  result.seed = static_cast<uint64_t>(view.at("seed").integer(0));
  const JsonView normaliser = view.at("normaliser");
  result.normaliser = {normaliser.at("name").text(), normaliser.at("value").number()};
  const size_t layers = view.at("layers").elements().size();
  result.n_layer = static_cast<int64_t>(layers);
  const JsonView kind = view.at("kind");
  if (kind.text() == "readout") {
    result.found = readout_of(view, layers);
  } else if (kind.text() == "linear") {
    result.found = linear_of(view, layers);
  } else {
    kind.fail(str("expected readout or linear, found '", kind.text(), "'"));
  }
  return result;
}

ProbeResult ProbeResult::read(const std::filesystem::path& file) {
  return from_json(read_json(file), str("'", file.string(), "'"));
}

std::string ProbeResult::csv() const {
  std::string text = "group,name,layer,value,low,high\n";
  if (const ReadoutResult* result = readout()) {
    for (const Profile& each : result->curves) {
      add_rows(text, "curves", each.name, each.mean, each.low, each.high);
    }
    for (const Profile& each : result->fits) {
      add_rows(text, "fits", each.name, each.mean, each.low, each.high);
    }
    for (const ReferenceProfile& each : result->references) {
      add_rows(text, "references", each.error.name, each.error.mean, each.error.low,
               each.error.high);
    }
    for (const Match& match : result->matches) {
      add_rows(text, "matches", match.reference + " " + match.curve, match.step, match.low,
               match.high);
    }
  }
  if (const LinearResult* result = linear()) {
    for (const LinearTarget& target : result->targets) {
      const std::string name = target.name + " " + target.tokens;
      add_rows(text, "r2", name, target.r2, target.low, target.high);
      add_rows(text, "control", name, target.control, target.control_low, target.control_high);
    }
  }
  return text;
}

std::filesystem::path write_probe(const std::filesystem::path& folder, const ProbeResult& result,
                                  const std::string& differs) {
  std::string step = std::to_string(result.from.checkpoint_step);
  if (step.size() < 8) step.insert(0, 8 - step.size(), '0');
  const std::string name = str(result.kind(), "_", step, differs);
  make_folders(folder);
  const std::filesystem::path path = folder / (name + ".json");
  note_replaced(path, result);
  write_file_atomically(folder / (name + ".csv"), result.csv());
  write_file_atomically(path, result.to_json().dump(2) + "\n");
  return path;
}

}  // namespace icl
