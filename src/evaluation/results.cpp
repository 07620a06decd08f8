// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/results.h"

#include <cmath>
#include <limits>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/json.h"
#include "icl/io/json_view.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "icl.eval";
constexpr int kVersion = 1;

Json numbers_json(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json());
  return list;
}

std::vector<double> numbers_of(const JsonView& list) {
  std::vector<double> values;
  for (const JsonView& value : list.elements()) values.push_back(value.number_or_nan());
  return values;
}

Json count_json(int64_t count) {
  return count > 0 ? Json(count) : Json();
}

int64_t count_of(const JsonView& view) {
  return view.is_null() ? 0 : view.integer(0);
}

Curve curve_of(const JsonView& view, int64_t n_points) {
  Curve curve{.name = view.at("name").text(), .is_model = view.at("kind").text() == "model"};
  for (const auto& [key, values] : {std::pair{"mean", &curve.mean},
                                    {"std", &curve.std},
                                    {"low", &curve.low},
                                    {"high", &curve.high}}) {
    *values = numbers_of(view.at(key));
    if (values->size() == static_cast<size_t>(n_points)) continue;
    view.at(key).fail(str("expected ", n_points, " numbers, found ", values->size()));
  }
  return curve;
}

std::string cell(double value) {
  return std::isfinite(value) ? shortest(value) : "";
}

}  // namespace

Json EvalResult::to_json() const {
  Json json = {{"schema", kSchema},
               {"version", kVersion},
               {"run", from.run_json()},
               {"provenance", from.program_json()},
               {"task", task},
               {"setting", setting},
               {"description", description},
               {"n_points", n_points},
               {"n_prompts", n_prompts},
               {"seed", seed},
               {"train_points", count_json(train_points)},
               {"train_dims", count_json(train_dims)},
               {"metric", metric},
               {"normaliser", {{"name", normaliser.name}, {"value", normaliser.value}}}};
  json["left_out"] = Json::array();
  for (const LeftOut& each : left_out) {
    json["left_out"].push_back({{"name", each.name}, {"reason", each.reason}});
  }
  json["settings_key"] = settings_key;
  json["curves"] = Json::array();
  for (const Curve& curve : curves) {
    json["curves"].push_back({{"name", curve.name},
                              {"kind", curve.is_model ? "model" : "baseline"},
                              {"mean", numbers_json(curve.mean)},
                              {"std", numbers_json(curve.std)},
                              {"low", numbers_json(curve.low)},
                              {"high", numbers_json(curve.high)}});
  }
  return json;
}

EvalResult EvalResult::from_json(const Json& json, const std::string& name) {
  const nlohmann::json plain = json;
  const JsonView view(plain, name);
  view.expect_schema(kSchema, kVersion);
  EvalResult result;
  result.from = Provenance::from_json(json);
  view.at("task").at("n_dims").integer(1);
  result.task = json.at("task");
  result.setting = view.at("setting").text();
  result.description = view.find("description").text_or_empty();
  result.n_points = view.at("n_points").integer(1);
  result.n_prompts = view.at("n_prompts").integer(1);
  result.seed = static_cast<uint64_t>(count_of(view.find("seed")));
  result.train_points = count_of(view.find("train_points"));
  result.train_dims = count_of(view.find("train_dims"));
  result.metric = view.find("metric").text_or_empty();
  const JsonView normaliser = view.at("normaliser");
  result.normaliser = {normaliser.at("name").text(), normaliser.at("value").number()};
  if (const JsonView left_out = view.find("left_out"); !left_out.is_null()) {
    for (const JsonView& each : left_out.elements()) {
      result.left_out.push_back({each.at("name").text(), each.at("reason").text()});
    }
  }
  result.settings_key = view.find("settings_key").text_or_empty();
  for (const JsonView& curve : view.at("curves").elements()) {
    result.curves.push_back(curve_of(curve, result.n_points));
  }
  if (result.curves.empty()) view.at("curves").fail("expected at least one curve");
  return result;
}

EvalResult EvalResult::read(const std::filesystem::path& file) {
  return from_json(read_json(file), str("'", file.string(), "'"));
}

std::string EvalResult::csv() const {
  std::string text = "curve,n,mean,std,low,high\n";
  for (const Curve& curve : curves) {
    for (size_t n = 0; n < curve.mean.size(); ++n) {
      text += str(curve.name, ",", n, ",", cell(curve.mean[n]), ",", cell(curve.std[n]), ",",
                  cell(curve.low[n]), ",", cell(curve.high[n]), "\n");
    }
  }
  return text;
}

}  // namespace icl
