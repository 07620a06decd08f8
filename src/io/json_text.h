// SPDX-License-Identifier: Apache-2.0
//
// Pieces of JSON text that two readers of it share.
#pragma once

#include <cstddef>
#include <string_view>

namespace icl {

inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

// The end of the string or comment that begins at byte `at`; `at` itself if neither begins there.
inline size_t end_of_string_or_comment(std::string_view text, size_t at) {
  const auto or_end = [&](size_t found, size_t length) {
    return found == std::string_view::npos ? text.size() : found + length;
  };
  if (text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\';
    return at < text.size() ? at + 1 : text.size();
  }
  if (text.substr(at).starts_with("//")) return or_end(text.find('\n', at), 0);
  if (text.substr(at).starts_with("/*")) return or_end(text.find("*/", at + 2), 2);
  return at;
}

}  // namespace icl
