// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of tokenizer.json, written for Oniguruma (Ruby syntax), in ICU's engine.
#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "icl/base/error.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

// Of the engine's own count, for one match: some seconds. Nested repeats can take forever.
constexpr int32_t kMostSteps = 2000;

// Rewrites what the two engines spell alike but mean differently; throws the part that has no
// equal here.
class Translation {
 public:
  Translation(const std::string& regex, const JsonPlace& place) : regex_(regex), place_(place) {}

  std::string run() {
    while (at_ < regex_.size()) {
      const char here = regex_[at_];
      if (here == '\\') {
        escape();
      } else if (here == '[') {
        if (regex_.compare(at_, 2, "[:") == 0 && depth_ > 0) refuse(2);
        ++depth_;
        copy(regex_.compare(at_, 2, "[^") == 0 ? 2 : 1);
        if (at_ < regex_.size() && regex_[at_] == ']') {
          result_ += '\\';  // a bracket in the first place stands for itself
          copy(1);
        }
      } else if (here == ']' && depth_ > 0) {
        --depth_;
        copy(1);
      } else if (here == '(' && depth_ == 0) {
        group();
      } else if (here == '}' && depth_ == 0 &&
                 (regex_.compare(at_, 2, "}+") == 0 || regex_.compare(at_, 2, "}?") == 0)) {
        refuse(2);  // possessive or reluctant here, a repeated repeat there
      } else {
        copy(1);
      }
    }
    return std::move(result_);
  }

 private:
  void copy(size_t count) {
    result_.append(regex_, at_, count);
    at_ += count;
  }
  [[noreturn]] void refuse(size_t count) const {
    place_.fail(str("the regular expression '", regex_, "' holds '", regex_.substr(at_, count),
                    "', which is not supported"));
  }
  void group() {
    if (regex_.compare(at_, 2, "(?") != 0) return copy(1);
    for (const char* opening : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?i)"}) {
      const std::string text = opening;
      if (regex_.compare(at_, text.size(), text) == 0) return copy(text.size());
    }
    refuse(3);
  }
  void escape() {
    const char kind = at_ + 1 < regex_.size() ? regex_[at_ + 1] : '\0';
    const auto replace = [&](const char* text) {
      result_ += text;
      at_ += 2;
    };
    switch (kind) {
      case 's':
        return replace("\\p{White_Space}");
      case 'S':
        return replace("\\P{White_Space}");
      case 'w':
        return replace("[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}²³¹¼-¾]");
      case 'W':
        return replace("[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}²³¹¼-¾]");
      case 'd':
        return replace("\\p{Nd}");
      case 'D':
        return replace("\\P{Nd}");
      default:
        break;
    }
    const bool letter = (kind >= 'a' && kind <= 'z') || (kind >= 'A' && kind <= 'Z');
    const bool digit = kind >= '0' && kind <= '9';
    const bool same = std::string_view("pPrntfvuxAzG").find(kind) != std::string_view::npos;
    if (kind == '\0' || digit || (letter && !same) || kind == 'G') refuse(2);
    if (kind == 'v') return replace("\\x{0B}");
    copy(2);
    if (at_ < regex_.size() && regex_[at_] == '{') {  // of a name or number, not of a repeat
      copy(std::min(regex_.find('}', at_), regex_.size() - 1) - at_ + 1);
    }
  }

  const std::string& regex_;
  const JsonPlace& place_;
  std::string result_;
  size_t at_ = 0;
  int depth_ = 0;  // of nested sets
};

class Regex : public Pattern {
 public:
  explicit Regex(std::unique_ptr<icu::RegexPattern> pattern) : pattern_(std::move(pattern)) {}

  void scan(std::string_view text, const Emit& emit) const override {
    if (text.empty()) return;
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString wide = icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern_->matcher(wide, status));
    matcher->setTimeLimit(kMostSteps, status);
    check(status);
    size_t done = 0;    // bytes that are emitted
    size_t at = 0;      // a place in the bytes ...
    int32_t units = 0;  // ... and the same in UTF-16
    const auto bytes_at = [&](int32_t wanted) {
      while (units < wanted) {
        const uint32_t length = decode_at(text, at).length;
        at += length;
        units += length == 4 ? 2 : 1;
      }
      return at;
    };
    while (matcher->find(status) && U_SUCCESS(status)) {
      const int32_t first = matcher->start(status);
      const int32_t last = matcher->end(status);
      if (first == last) continue;
      const size_t begin = bytes_at(first);
      const size_t end = bytes_at(last);
      if (begin > done) emit(done, begin, false);
      emit(begin, end, true);
      done = end;
    }
    check(status);
    if (done < text.size()) emit(done, text.size(), false);
  }

 private:
  static void check(UErrorCode status) {
    if (U_SUCCESS(status)) return;
    throw DataError(
        str("a regular expression of the tokenizer cannot match this text: ", u_errorName(status)));
  }

  std::unique_ptr<icu::RegexPattern> pattern_;
};

}  // namespace

std::unique_ptr<Pattern> regex_pattern(const std::string& regex, const JsonPlace& place) {
  const std::string translated = Translation(regex, place).run();
  UErrorCode status = U_ZERO_ERROR;
  UParseError where{};
  // Ruby syntax: ^ and $ are those of lines, which end with \n alone.
  std::unique_ptr<icu::RegexPattern> pattern(
      icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(translated),
                                 UREGEX_MULTILINE | UREGEX_UNIX_LINES, where, status));
  if (U_FAILURE(status)) {
    place.fail(str("the regular expression '", regex, "' is not supported: ", u_errorName(status)));
  }
  return std::make_unique<Regex>(std::move(pattern));
}

}  // namespace icl::tokenizer
