// SPDX-License-Identifier: Apache-2.0
//
// JSON text from outside: the one way in which icl parses it. Brackets nest at most kDeepestJson
// deep, because programs walk a parsed value recursively; a byte-order mark in front of the text is
// accepted; every error names the file, the line and the column.
//
//   const auto config = read_json<nlohmann::json>("model/config.json", {.python_numbers = true});
//   const nlohmann::ordered_json words = parse_json(text, "--words");
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace icl {

inline constexpr int kDeepestJson = 1000;

struct JsonDialect {
  bool comments = false;        // `//` and `/* */` are skipped
  bool python_numbers = false;  // NaN, Infinity and -Infinity, as Python's json module writes them
};

// Parses `text`; `name` says in messages where the text is from. `Json` is nlohmann::json or
// nlohmann::ordered_json. Where a key is given twice, the last one counts. Throws DataError:
// "NAME:LINE:COLUMN: not valid JSON: ...".
template <class Json = nlohmann::ordered_json>
Json parse_json(std::string_view text, const std::string& name, const JsonDialect& dialect = {});

// The same from a file, which messages name.
template <class Json = nlohmann::ordered_json>
Json read_json(const std::filesystem::path& path, const JsonDialect& dialect = {});

struct KeyLine {
  std::string path;  // "training.optimizer.groups.0.lr", with escapes such as \u0061 decoded
  int line;          // from 1
};

// Every key and list element of a text that parse_json() accepts with comments, in order; a key
// that is given twice is listed twice.
std::vector<KeyLine> lines_of_keys(std::string_view text);

}  // namespace icl
