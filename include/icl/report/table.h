// SPDX-License-Identifier: Apache-2.0
//
// A table of text and numbers, written as CSV (RFC 4180) with every digit of each number.
//
//   Table table{{"curve", "n", "mean"}};
//   table.rows.push_back({"Mamba", 10.0, 0.123});
//   std::string csv = to_csv(table);       // "curve,n,mean\r\nMamba,10,0.123\r\n"
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace icl::report {

using Cell = std::variant<std::string, double>;  // NaN: an empty cell

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // each as long as `columns`
};

std::string to_csv(const Table& table);

}  // namespace icl::report
