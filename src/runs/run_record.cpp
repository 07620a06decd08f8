// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_record.h"

#include "icl/base/error.h"
#include "icl/io/json.h"
#include "icl/io/json_view.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "icl.run";
constexpr int64_t kVersion = 1;

// The list under `key`; a record without it has an empty one.
std::vector<JsonView> elements_of(const JsonView& view, const char* key) {
  const JsonView list = view.find(key);
  return list.is_null() ? std::vector<JsonView>{} : list.elements();
}

}  // namespace

std::string RunRecord::state(int64_t planned_steps) const {
  const std::string last = stops.empty() ? "unknown" : stops.back().reason;
  const bool open = starts.size() > stops.size();
  // A start that found nothing left to do may have no stop of its own.
  const bool complete = last == "finished" && planned_steps > 0 && steps_done() >= planned_steps;
  return open && !complete ? "in progress" : last;
}

Json RunRecord::to_json() const {
  Json json = {{"schema", kSchema}, {"version", kVersion}, {"name", from.name}};
  json.update(from.program_json());
  json["family"] = from.family;
  json["parameters"] = from.parameters;
  json["starts"] = Json::array();
  json["stops"] = Json::array();
  for (const RunStart& start : starts) {
    json["starts"].push_back({{"time", start.time}, {"step", start.step}, {"host", start.host}});
  }
  for (const RunStop& stop : stops) {
    json["stops"].push_back({{"time", stop.time}, {"step", stop.step}, {"reason", stop.reason}});
  }
  return json;
}

RunRecord RunRecord::from_json(const Json& json, const std::string& name) {
  const nlohmann::json plain = json;
  const JsonView view(plain, name);
  view.expect_schema(kSchema, kVersion);
  RunRecord record{.from = Provenance::from_json({{"run", json}, {"provenance", json}})};
  for (const JsonView& start : elements_of(view, "starts")) {
    record.starts.push_back({.time = start.find("time").text_or_empty(),
                             .step = start.at("step").integer(),
                             .host = start.find("host").text_or_empty()});
  }
  for (const JsonView& stop : elements_of(view, "stops")) {
    record.stops.push_back({.time = stop.find("time").text_or_empty(),
                            .step = stop.at("step").integer(),
                            .reason = stop.at("reason").text()});
  }
  return record;
}

RunRecord RunRecord::read(const std::filesystem::path& file) {
  return from_json(read_json<Json>(file), str("'", file.string(), "'"));
}

}  // namespace icl
