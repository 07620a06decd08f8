// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/results.h"

#include <numeric>

#include "icl/base/text.h"
#include "icl/config/visitors.h"
#include "icl/io/files.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

Json head(const ProbeOrigin& origin, const char* kind) {
  TaskConfig task = origin.task;
  std::vector<int64_t> layers(static_cast<size_t>(origin.n_layer));
  std::iota(layers.begin(), layers.end(), 0);
  return {{"schema", "icl.probe"},
          {"version", 1},
          {"kind", kind},
          {"run",
           {{"name", origin.name},
            {"path", origin.path},
            {"family", origin.family},
            {"parameters", origin.parameters},
            {"seed", origin.seed},
            {"checkpoint_step", origin.step},
            {"checkpoint_checksum", origin.checksum}}},
          {"task", write_fields([&](Fields& f) { task.describe(f); })},
          {"setting", "standard"},
          {"seed", origin.prompt_seed},
          {"normaliser", {{"name", origin.normaliser_name}, {"value", origin.normaliser}}},
          {"layers", layers},
          {"depths", relative_depths(origin.n_layer)}};
}

Json of(const Profile& profile) {
  return {{"name", profile.name},
          {"mean", profile.mean},
          {"std", profile.std},
          {"low", profile.low},
          {"high", profile.high}};
}

Json of(const Profile& profile, const char* kind) {
  Json json = of(profile);
  json["kind"] = kind;
  return json;
}

// Rows of one list of values with its interval.
void add_rows(std::string& csv, const std::string& group, const std::string& name,
              const Json& values, const Json& low, const Json& high) {
  const auto cell = [](const Json& list, size_t i) {
    return i < list.size() && list[i].is_number() ? shortest(list[i].get<double>()) : "";
  };
  for (size_t i = 0; i < values.size(); ++i) {
    csv += group + "," + name + "," + std::to_string(i) + "," + cell(values, i) + "," +
           cell(low, i) + "," + cell(high, i) + "\n";
  }
}

std::string csv_of(const Json& result) {
  std::string csv = "group,name,layer,value,low,high\n";
  for (const char* group : {"curves", "fits", "references"}) {
    if (!result.contains(group)) continue;
    for (const Json& entry : result[group]) {
      add_rows(csv, group, entry["name"], entry["mean"], entry["low"], entry["high"]);
    }
  }
  for (const Json& match : result.value("matches", Json::array())) {
    add_rows(csv, "matches",
             match["reference"].get<std::string>() + " " + match["curve"].get<std::string>(),
             match["step"], match["low"], match["high"]);
  }
  for (const Json& target : result.value("targets", Json::array())) {
    const std::string name =
        target["name"].get<std::string>() + " " + target["tokens"].get<std::string>();
    add_rows(csv, "r2", name, target["r2"], target["low"], target["high"]);
    add_rows(csv, "control", name, target["control"], target["control_low"],
             target["control_high"]);
  }
  return csv;
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

nlohmann::ordered_json to_json(const ProbeOrigin& origin, const ReadoutResult& result) {
  Json json = head(origin, "readout");
  json["n_context"] = result.n_context;
  json["n_queries"] = result.n_queries;
  json["n_prompts"] = result.n_prompts;
  json["fit_points"] = result.fit_points;
  for (const char* key : {"curves", "fits", "references", "matches"}) json[key] = Json::array();
  for (const Profile& curve : result.curves) json["curves"].push_back(of(curve, "model"));
  for (const Profile& fit : result.fits) json["fits"].push_back(of(fit));
  for (const ReferenceProfile& reference : result.references) {
    Json entry = of(reference.error, "baseline");
    entry["steps"] = reference.steps;
    if (reference.gamma > 0) entry["gamma"] = reference.gamma;
    json["references"].push_back(entry);
  }
  for (const Match& match : result.matches) {
    json["matches"].push_back({{"reference", match.reference},
                               {"curve", match.curve},
                               {"step", match.step},
                               {"low", match.low},
                               {"high", match.high},
                               {"distance", match.distance}});
  }
  return json;
}

nlohmann::ordered_json to_json(const ProbeOrigin& origin, const LinearResult& result) {
  Json json = head(origin, "linear");
  json["n_points"] = result.n_points;
  json["n_train"] = result.n_train;
  json["n_validation"] = result.n_validation;
  json["n_test"] = result.n_test;
  json["targets"] = Json::array();
  for (const LinearTarget& target : result.targets) {
    json["targets"].push_back({{"name", target.name},
                               {"tokens", target.tokens},
                               {"r2", target.r2},
                               {"low", target.low},
                               {"high", target.high},
                               {"control", target.control},
                               {"control_low", target.control_low},
                               {"control_high", target.control_high},
                               {"penalty", target.penalty}});
  }
  return json;
}

std::filesystem::path write_probe(const std::filesystem::path& folder,
                                  const nlohmann::ordered_json& result) {
  std::string step = std::to_string(result["run"]["checkpoint_step"].get<int64_t>());
  if (step.size() < 8) step.insert(0, 8 - step.size(), '0');
  const std::string name = result["kind"].get<std::string>() + "_" + step;
  make_folders(folder);
  write_file_atomically(folder / (name + ".csv"), csv_of(result));
  const std::filesystem::path path = folder / (name + ".json");
  write_file_atomically(path, result.dump(2) + "\n");
  return path;
}

}  // namespace icl
