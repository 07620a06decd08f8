// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/language/results.h"

namespace icl {
namespace {

using Row = std::vector<std::string>;

std::string cell(double accuracy, double standard_error) {
  if (std::isnan(accuracy)) return "-";
  std::array<char, 48> text{};
  if (std::isnan(standard_error)) {
    std::snprintf(text.data(), text.size(), "%.3f", accuracy);
  } else {
    std::snprintf(text.data(), text.size(), "%.3f ± %.3f", accuracy, standard_error);
  }
  return text.data();
}

// Columns of a terminal: bytes that continue a character take none.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  }));
}

std::string markdown(const std::vector<Row>& rows, size_t left_columns) {
  std::vector<size_t> width(rows.front().size(), 3);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], width_of(row[i]));
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const std::string space(width[i] - width_of(rows[r][i]), ' ');
      text += " " + (i < left_columns ? rows[r][i] + space : space + rows[r][i]) + " |";
    }
    text += "\n";
    if (r > 0) continue;
    text += "|";
    for (size_t i = 0; i < width.size(); ++i) {
      text += i < left_columns ? std::string(width[i] + 2, '-') + "|"
                               : std::string(width[i] + 1, '-') + ":|";
    }
    text += "\n";
  }
  return text;
}

const TaskVectorResult* vector_of(const ShotResults& results, const std::string& task,
                                  int64_t shots) {
  for (const TaskVectorResult& result : results.task_vectors) {
    if (task == result.task.name && result.shots == shots) return &result;
  }
  return nullptr;
}

std::vector<Row> task_rows(const ShotResults& results, const std::vector<int64_t>& vectors) {
  std::vector<Row> rows;
  std::map<std::string, size_t> row_of;
  for (const ShotResult& result : results.results) {
    if (row_of.emplace(result.task.name, rows.size()).second) {
      rows.push_back({result.task.name, result.task.category});
    }
    std::string text = cell(result.accuracy.value, result.accuracy.standard_error);
    if (result.overflow > 0) text += " *";
    rows[row_of[result.task.name]].push_back(text);
  }
  for (Row& row : rows) {
    row.resize(2 + results.shots.size(), "-");
    for (const int64_t shots : vectors) {
      const TaskVectorResult* found = vector_of(results, row[0], shots);
      row.push_back(found != nullptr && found->skipped.empty()
                        ? cell(found->accuracy.value, found->accuracy.standard_error) +
                              str(" (layer ", found->layer, ")")
                        : "-");
    }
  }
  return rows;
}

// Mean accuracy of the task vectors of these tasks; "-" unless all have one.
std::string vector_mean(const ShotResults& results, const std::vector<std::string>& tasks,
                        int64_t shots) {
  double sum = 0, variance = 0;
  for (const std::string& task : tasks) {
    const TaskVectorResult* found = vector_of(results, task, shots);
    if (found == nullptr || !found->skipped.empty()) return "-";
    sum += found->accuracy.value;
    variance += found->accuracy.standard_error * found->accuracy.standard_error;
  }
  const auto n = static_cast<double>(tasks.size());
  return tasks.empty() ? "-" : cell(sum / n, std::sqrt(variance) / n);
}

std::vector<Row> mean_rows(const ShotResults& results, const std::vector<int64_t>& vectors) {
  std::map<std::string, std::vector<const GroupMeans*>> groups;
  std::vector<std::string> order;
  for (const GroupMeans& means : results.means) {
    if (groups[means.group].empty()) order.push_back(means.group);
    groups[means.group].push_back(&means);
  }
  std::rotate(order.begin(), order.begin() + (order.empty() ? 0 : 1), order.end());  // all: last
  std::vector<Row> rows;
  for (const std::string& group : order) {
    const std::vector<const GroupMeans*>& means = groups[group];
    const std::vector<std::string>& tasks = means.front()->fixed.tasks;
    Row fixed = {str("mean of ", tasks.size(), tasks.size() == 1 ? " task" : " tasks"), group};
    Row available = {"mean of those available", group};
    bool differ = false;
    for (const GroupMeans* mean : means) {
      fixed.push_back(cell(mean->fixed.accuracy, mean->fixed.standard_error));
      available.push_back(cell(mean->available.accuracy, mean->available.standard_error) +
                          str(" [", mean->available.tasks.size(), "]"));
      differ = differ || mean->available.tasks.size() != tasks.size();
    }
    for (const int64_t shots : vectors) {
      fixed.push_back(vector_mean(results, tasks, shots));
      available.emplace_back("");
    }
    rows.push_back(std::move(fixed));
    if (differ) rows.push_back(std::move(available));
  }
  return rows;
}

// "0, 2 and 30 shots"
std::string listed(const std::vector<int64_t>& shots) {
  std::string text;
  for (size_t i = 0; i < shots.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == shots.size() ? " and " : ", ") + std::to_string(shots[i]);
  }
  return text + (shots == std::vector<int64_t>{1} ? " shot" : " shots");
}

// Whether the task keeps only items whose answer is one token of the tokenizer.
bool filtered(const LanguageTaskInfo& task) {
  return !task.generated() && task.comparison != Comparison::kPrefix;
}

// What has no accuracy, and why: a line a task for too few items.
std::string skipped_notes(const ShotResults& results) {
  std::string text;
  std::vector<std::pair<const ShotResult*, std::vector<int64_t>>> lacking;
  for (const ShotResult& result : results.results) {
    const std::string where = str(result.task.name, " at ", listed({result.shots}), ": ");
    if (result.n_items <= result.shots) {
      const bool fresh =
          lacking.empty() || lacking.back().first->task.name != std::string(result.task.name);
      if (fresh) lacking.emplace_back(&result, std::vector<int64_t>());
      lacking.back().second.push_back(result.shots);
    } else if (!result.skipped.empty()) {
      text += "- " + where + result.skipped + "\n";
    } else if (result.overflow > 0) {
      text += str("* ", where, result.overflow, " of ", result.overflow + result.accuracy.n_prompts,
                  " prompts are longer than the model's context and count nowhere; the task is "
                  "left out of means\n");
    }
  }
  for (const auto& [result, shots] : lacking) {
    text += str("- ", result->task.name, ": too few items for ", listed(shots), ": ",
                result->n_items, filtered(result->task) ? " with answers of one token" : "", "\n");
  }
  return text;
}

std::string notes(const ShotResults& results) {
  std::string text = skipped_notes(results);
  std::map<std::string, std::vector<std::string>> sources;
  for (const ShotResult& result : results.results) {
    auto& tasks = sources[result.source];
    if (tasks.empty() || tasks.back() != result.task.name) tasks.emplace_back(result.task.name);
  }
  for (const TaskVectorResult& result : results.task_vectors) {
    if (result.skipped.empty()) continue;
    text += str("- task vector of ", result.task.name, " from ", listed({result.shots}), ": ",
                result.skipped, "\n");
  }
  for (const auto& [source, tasks] : sources) {
    text += str("items: ", source, source == "built-in word list" ? " (ours, small)" : "", ": ",
                join(tasks), "\n");
  }
  if (!results.complete) text += "stopped early: what is missing was not evaluated\n";
  return text;
}

}  // namespace

std::string shots_table(const ShotResults& results) {
  std::vector<int64_t> vectors;
  for (const TaskVectorResult& result : results.task_vectors) {
    if (std::find(vectors.begin(), vectors.end(), result.shots) == vectors.end()) {
      vectors.push_back(result.shots);
    }
  }
  std::vector<Row> rows = {{"task", "category"}};
  for (const int64_t shots : results.shots) {
    rows[0].push_back(str(shots, shots == 1 ? " shot" : " shots"));
  }
  for (const int64_t shots : vectors) rows[0].push_back(str("vector of ", shots));
  for (Row& row : task_rows(results, vectors)) rows.push_back(std::move(row));
  for (Row& row : mean_rows(results, vectors)) rows.push_back(std::move(row));
  return markdown(rows, 2) + "\n" + notes(results);
}

}  // namespace icl
