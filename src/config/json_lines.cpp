// SPDX-License-Identifier: Apache-2.0
#include "json_lines.h"

#include <string_view>

#include "icl/base/error.h"

namespace icl {
namespace {

class Scanner {
 public:
  Scanner(const std::string& text, const std::string& name) : text_(text), name_(name) {}

  std::vector<KeyLine> scan() {
    value("");
    return std::move(found_);
  }

 private:
  void value(const std::string& path) {
    constexpr int kDeepest = 1000;
    if (++depth_ > kDeepest) {
      throw UsageError(str(name_, ": brackets within brackets, more than ", kDeepest, " deep"));
    }
    skip_blank();
    if (peek() == '{') {
      object(path);
    } else if (peek() == '[') {
      list(path);
    } else if (peek() == '"') {
      string();
    } else {
      while (at_ < text_.size() &&
             std::string_view(",]}/ \t\r\n").find(text_[at_]) == std::string_view::npos) {
        ++at_;
      }
    }
    skip_blank();
    --depth_;
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
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::string inside = text_.substr(begin, at_ - begin);
    ++at_;
    return inside;
  }

  void skip_blank() {
    while (at_ < text_.size()) {
      if (text_.compare(at_, 2, "//") == 0) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (text_.compare(at_, 2, "/*") == 0) {
        const size_t end = text_.find("*/", at_ + 2);
        const size_t stop = end == std::string::npos ? text_.size() : end + 2;
        for (; at_ < stop; ++at_) line_ += text_[at_] == '\n';
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        line_ += text_[at_++] == '\n';
      } else {
        return;
      }
    }
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  const std::string& text_;
  const std::string& name_;
  size_t at_ = 0;
  int line_ = 1;
  int depth_ = 0;
  std::vector<KeyLine> found_;
};

}  // namespace

std::vector<KeyLine> lines_of_keys(const std::string& text, const std::string& name) {
  return Scanner(text, name).scan();
}

}  // namespace icl
