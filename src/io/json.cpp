// SPDX-License-Identifier: Apache-2.0
#include "icl/io/json.h"

#include <algorithm>
#include <limits>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "src/io/json_text.h"

namespace icl {
namespace {

// In front of the word of a Python number, this makes a string that stands for the number while the
// text is parsed: as the text spells the string, and as the parser reads it.
constexpr std::string_view kMark = "\\u0001icl:";
constexpr std::string_view kMarkRead = "\x01icl:";

struct PythonNumber {
  std::string_view word;
  double value;
};
constexpr PythonNumber kPythonNumbers[] = {
    {"NaN", std::numeric_limits<double>::quiet_NaN()},
    {"Infinity", std::numeric_limits<double>::infinity()},
    {"-Infinity", -std::numeric_limits<double>::infinity()},
};

// "LINE:COLUMN" of a byte, both from 1.
std::string place_of(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return str(line, ":", before.size() - (before.rfind('\n') + 1) + 1);
}

// Checks how deep brackets nest. Returns the text with the words of Python's numbers replaced by
// marked strings where the dialect has them, or "" if the text holds none of them.
std::string scan(std::string_view text, const std::string& name, const JsonDialect& dialect) {
  std::string replaced;
  size_t copied = 0;
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char next = text[at];
    const size_t end = std::max(at + 1, end_of_string_or_comment(text, at));
    if (next == '[' || next == '{') {
      if (++depth > kDeepestJson) {
        throw DataError(str(name, ":", place_of(text, at), ": brackets nest more than ",
                            kDeepestJson, " deep"));
      }
    } else if (next == ']' || next == '}') {
      --depth;
    } else if (dialect.python_numbers && (next == 'N' || next == 'I' || next == '-')) {
      for (const PythonNumber& number : kPythonNumbers) {
        if (!text.substr(at).starts_with(number.word)) continue;
        replaced.append(text.substr(copied, at - copied));
        replaced.append("\"").append(kMark).append(number.word).append("\"");
        copied = at + number.word.size();
        break;
      }
    }
    at = std::max(end, copied);
  }
  return copied == 0 ? "" : replaced.append(text.substr(copied));
}

// What the parser's message leaves to guess, or "".
std::string hint(std::string_view text, size_t byte) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "; the text is empty";
  const std::string_view line = text.substr(first, text.find('\n', first) - first);
  if (std::string_view("{[\"/").find(line[0]) == std::string_view::npos &&
      (line.starts_with("---") || line.find(": ") != std::string_view::npos ||
       line.ends_with(':'))) {
    return "; the text looks like YAML, expected JSON";
  }
  const bool closes = byte < text.size() && (text[byte] == '}' || text[byte] == ']');
  const size_t before = byte > 0 ? text.find_last_not_of(kBlank, byte - 1) : text.npos;
  if (closes && before != std::string_view::npos && text[before] == ',') {
    return "; JSON has no comma before a closing bracket";
  }
  return "";
}

template <class Json>
Json parse(std::string_view text, const JsonDialect& dialect, bool marked) {
  if (!marked) return Json::parse(text, nullptr, /*allow_exceptions=*/true, dialect.comments);
  const auto restore = [&](int /*depth*/, typename Json::parse_event_t event, Json& value) {
    if (event != Json::parse_event_t::value || !value.is_string()) return true;
    std::string_view word = value.template get_ref<const std::string&>();
    if (!word.starts_with(kMarkRead)) return true;
    word.remove_prefix(kMarkRead.size());
    for (const PythonNumber& number : kPythonNumbers) {
      if (word != number.word) continue;
      value = number.value;
      break;
    }
    return true;
  };
  return Json::parse(text, restore, /*allow_exceptions=*/true, dialect.comments);
}

}  // namespace

template <class Json>
Json parse_json(std::string_view text, const std::string& name, const JsonDialect& dialect) {
  text = without_byte_order_mark(text);
  const std::string replaced = scan(text, name, dialect);
  const std::string_view parsed = replaced.empty() ? text : replaced;
  try {
    return parse<Json>(parsed, dialect, !replaced.empty());
  } catch (const typename Json::parse_error& error) {
    const size_t byte = error.byte > 0 ? error.byte - 1 : 0;
    std::string why = error.what();
    const size_t prefix = why.find(": ");  // the parser's own line and column
    if (prefix != std::string::npos) why.erase(0, prefix + 2);
    throw DataError(
        str(name, ":", place_of(parsed, byte), ": not valid JSON: ", why, hint(parsed, byte)));
  } catch (const typename Json::exception& error) {
    std::string why = error.what();
    const size_t prefix = why.find("] ");
    if (prefix != std::string::npos) why.erase(0, prefix + 2);
    throw DataError(str(name, ": not valid JSON: ", why));
  }
}

template <class Json>
Json read_json(const std::filesystem::path& path, const JsonDialect& dialect) {
  return parse_json<Json>(read_file(path), "'" + path.string() + "'", dialect);
}

template nlohmann::json parse_json(std::string_view, const std::string&, const JsonDialect&);
template nlohmann::ordered_json parse_json(std::string_view, const std::string&,
                                           const JsonDialect&);
template nlohmann::json read_json(const std::filesystem::path&, const JsonDialect&);
template nlohmann::ordered_json read_json(const std::filesystem::path&, const JsonDialect&);

}  // namespace icl
