// SPDX-License-Identifier: Apache-2.0
#include "icl/report/table.h"

#include <cmath>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::report {
namespace {

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string field(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return field(*text);
  const double value = std::get<double>(cell);
  return std::isnan(value) ? "" : shortest(value);
}

}  // namespace

std::string to_csv(const Table& table) {
  std::string csv;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    csv += (i > 0 ? "," : "") + field(table.columns[i]);
  }
  csv += "\r\n";
  for (const auto& row : table.rows) {
    ICL_ASSERT(row.size() == table.columns.size(), "row of ", row.size(), " cells");
    for (size_t i = 0; i < row.size(); ++i) csv += (i > 0 ? "," : "") + field(row[i]);
    csv += "\r\n";
  }
  return csv;
}

}  // namespace icl::report
