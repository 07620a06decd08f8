// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "icl/io/json.h"
#include "src/io/json_text.h"

namespace icl {
namespace {

// Walks a valid text, whose brackets parse_json() has bounded.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(without_byte_order_mark(text)) {}

  std::vector<KeyLine> scan() {
    value("");
    return std::move(found_);
  }

 private:
  void value(const std::string& path) {
    skip_blank();
    if (peek() == '{') {
      object(path);
    } else if (peek() == '[') {
      list(path);
    } else if (peek() == '"') {
      string();
    } else {
      at_ = std::min(text_.find_first_of(",]}/ \t\r\n", at_), text_.size());
    }
    skip_blank();
  }

  void object(const std::string& path) {
    ++at_;
    skip_blank();
    while (at_ < text_.size() && peek() != '}') {
      const int line = line_;
      const std::string key = path.empty() ? string() : path + "." + string();
      found_.push_back({key, line});
      skip_blank();
      ++at_;  // ':'
      value(key);
      if (peek() == ',') ++at_;
      skip_blank();
    }
    ++at_;
  }

  void list(const std::string& path) {
    ++at_;
    skip_blank();
    for (int index = 0; at_ < text_.size() && peek() != ']'; ++index) {
      const std::string key = path + "." + std::to_string(index);
      found_.push_back({key, line_});
      value(key);
      if (peek() == ',') ++at_;
      skip_blank();
    }
    ++at_;
  }

  std::string string() {
    const size_t begin = at_;
    at_ = end_of_string_or_comment(text_, at_);
    return nlohmann::json::parse(text_.substr(begin, at_ - begin)).get<std::string>();
  }

  void skip_blank() {
    while (at_ < text_.size()) {
      const bool blank = std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos;
      const bool comment = text_[at_] == '/';
      if (!blank && !comment) return;
      const size_t end = std::max(at_ + 1, blank ? 0 : end_of_string_or_comment(text_, at_));
      for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
    }
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<KeyLine> found_;
};

}  // namespace

std::vector<KeyLine> lines_of_keys(std::string_view text) {
  return Scanner(text).scan();
}

}  // namespace icl
