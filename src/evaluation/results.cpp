// SPDX-License-Identifier: Apache-2.0
#include "icl/evaluation/results.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/config/visitors.h"
#include "icl/io/files.h"
#include "icl/tasks/registry.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kVersion = 1;

Json task_json(TaskConfig task) {
  return write_fields([&task](Fields& f) { task.describe(f); });
}

Json run_json(const RunFacts& run) {
  return {{"name", run.name},
          {"path", run.path},
          {"family", run.family},
          {"parameters", run.parameters},
          {"seed", run.seed},
          {"checkpoint_step", run.checkpoint_step},
          {"checkpoint_checksum", run.checkpoint_checksum}};
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

// Numbers of in-context examples worth a column: round ones and the ends.
std::vector<int64_t> selected_points(int64_t n_points, int64_t train_points) {
  std::vector<int64_t> chosen;
  for (const int64_t n : {0, 1, 5, 10, 20, 40, 100, 200, 500, 1000}) {
    if (n < n_points) chosen.push_back(n);
  }
  chosen.push_back(n_points - 1);
  if (train_points > 0 && train_points < n_points) chosen.push_back(train_points - 1);
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

std::string rows_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += "  " + padded(row[i], width[i], /*right=*/i > 0);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

RunFacts facts_of(const LoadedRun& run) {
  return {.name = run.config.name,
          .path = run.path.string(),
          .family = run.config.model.family,
          .parameters = run.model->parameter_count(),
          .seed = run.config.seed,
          .checkpoint_step = run.checkpoint.step,
          .checkpoint_checksum = run.checkpoint.checksum};
}

std::string settings_key(const RunFacts& run, const Setting& setting, const TaskConfig& task,
                         const EvaluateOptions& options) {
  const Json parts = {{"version", kVersion},
                      {"checkpoint", run.checkpoint_checksum},
                      {"name", options.model_name},
                      {"setting", setting.name},
                      {"task", task_json(task_of(setting, task))},
                      {"points", points_of(setting, task, options)},
                      {"train_points", options.train_points},
                      {"prompts", options.n_prompts},
                      {"seed", options.seed},
                      {"train_seed", options.train_seed},
                      {"stream", options.stream},
                      {"baselines", baseline_names(options.baselines, task, setting)}};
  return checksum(parts.dump());
}

Json result_json(const SettingResult& result, const RunFacts& run, const std::string& key) {
  Json curves = Json::array();
  for (const Curve& curve : result.curves) {
    curves.push_back({{"name", curve.name},
                      {"kind", curve.is_model ? "model" : "baseline"},
                      {"mean", curve.mean},
                      {"std", curve.std},
                      {"low", curve.low},
                      {"high", curve.high}});
  }
  return {{"schema", "icl.eval"},
          {"version", kVersion},
          {"run", run_json(run)},
          {"task", task_json(result.task)},
          {"setting", result.setting},
          {"description", result.description},
          {"n_points", result.n_points},
          {"n_prompts", result.n_prompts},
          {"seed", result.seed},
          {"train_points", result.train_points > 0 ? Json(result.train_points) : Json(nullptr)},
          {"metric", task_info(result.task.function).metric},
          {"normaliser", {{"name", result.normaliser.name}, {"value", result.normaliser.value}}},
          {"settings_key", key},
          {"curves", curves}};
}

std::string result_csv(const SettingResult& result) {
  std::string text = "curve,n,mean,std,low,high\n";
  for (const Curve& curve : result.curves) {
    for (size_t n = 0; n < curve.mean.size(); ++n) {
      text += str(curve.name, ",", n, ",", shortest(curve.mean[n]), ",", shortest(curve.std[n]),
                  ",", shortest(curve.low[n]), ",", shortest(curve.high[n]), "\n");
    }
  }
  return text;
}

void write_result(const fs::path& folder, const SettingResult& result, const RunFacts& run,
                  const std::string& key) {
  make_folders(folder);
  // The JSON last: its key then vouches for both.
  write_file_atomically(folder / (result.setting + ".csv"), result_csv(result));
  write_file_atomically(folder / (result.setting + ".json"),
                        result_json(result, run, key).dump(1) + "\n");
}

std::optional<Json> read_result(const fs::path& file, const std::string& key) {
  if (!fs::exists(file)) return std::nullopt;
  const Json stored = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!stored.is_object() || stored.value("settings_key", Json()) != Json(key)) return std::nullopt;
  if (!fs::exists(fs::path(file).replace_extension(".csv"))) return std::nullopt;
  return stored;
}

std::string table_text(const Json& result) {
  const auto n_points = result.at("n_points").get<int64_t>();
  const Json& train = result.at("train_points");
  const auto train_points = train.is_null() ? 0 : train.get<int64_t>();
  const std::vector<int64_t> points = selected_points(n_points, train_points);
  std::string text =
      str(result.at("setting").get<std::string>(), ": ",
          result.at("description").get<std::string>(), "\n  ", result.at("n_prompts").dump(),
          " prompts, error / ", result.at("normaliser").at("name").get<std::string>(), " (",
          shortest(result.at("normaliser").at("value").get<double>()),
          ") with 90% interval, by number of in-context examples");
  if (train_points > 0 && n_points > train_points) {
    text += str("; training went to ", train_points - 1);
  }
  text += "\n";
  std::vector<std::vector<std::string>> rows(1, {"n"});
  for (const int64_t n : points) rows[0].push_back(std::to_string(n));
  for (const Json& curve : result.at("curves")) {
    std::vector<std::string> row = {curve.at("name").get<std::string>()};
    for (const int64_t n : points) {
      row.push_back(str(number(curve.at("mean").at(n).get<double>()), " [",
                        number(curve.at("low").at(n).get<double>()), ", ",
                        number(curve.at("high").at(n).get<double>()), "]"));
    }
    rows.push_back(std::move(row));
  }
  return text + rows_text(rows);
}

std::string line_text(const SettingResult& result, int64_t n) {
  std::vector<std::string> parts;
  for (const Curve& curve : result.curves) {
    parts.push_back(str(curve.name, " ", number(curve.mean.at(n))));
  }
  return str("error after ", n, " in-context examples: ", join(parts));
}

}  // namespace icl
