// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/pattern.h"

#include <oniguruma.h>

#include <algorithm>

#include "icl/base/error.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

class Literal : public Pattern {
 public:
  explicit Literal(std::string wanted) : wanted_(std::move(wanted)) {}
  void scan(std::string_view text, const Emit& emit) const override {
    size_t at = 0;
    while (at < text.size()) {
      const size_t found = text.find(wanted_, at);
      if (found == std::string_view::npos) break;
      if (found > at) emit(at, found, false);
      at = found + wanted_.size();
      emit(found, at, true);
    }
    if (at < text.size()) emit(at, text.size(), false);
  }

 private:
  std::string wanted_;  // not empty
};

CharClass class_at(std::string_view text, size_t at) {
  return class_of(decode_at(text, at).value);
}

// End of the run of characters of one class from `at`.
size_t run_end(std::string_view text, size_t at, CharClass wanted) {
  while (at < text.size()) {
    const CodePoint point = decode_at(text, at);
    if (class_of(point.value) != wanted) break;
    at += point.length;
  }
  return at;
}

// \s+(?!\S)|\s+ : a run of white space leaves its last character to a word that follows.
size_t space_end(std::string_view text, size_t at, size_t run) {
  if (run == text.size()) return run;
  const size_t last = run - decode_before(text, run).length;
  return last > at ? last : run;
}

// Bytes of 's|'t|'re|'ve|'m|'ll|'d at `at`; 0 for none.
size_t contraction(std::string_view text, size_t at, bool any_case) {
  if (text[at] != '\'' || at + 1 >= text.size()) return 0;
  const auto lower = [&](size_t i) -> char {
    if (i >= text.size()) return '\0';
    const char letter = text[i];
    return any_case && letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  };
  const char first = lower(at + 1);
  const char second = lower(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  // U+017F, the long s, is an s in another case.
  if (any_case && text.substr(at + 1, 2) == "\xC5\xBF") return 3;
  return 0;
}

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class Gpt2Split : public Pattern {
 public:
  void scan(std::string_view text, const Emit& emit) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t end = token_end(text, at);
      emit(at, end, true);
      at = end;
    }
  }

 private:
  static size_t token_end(std::string_view text, size_t at) {
    if (const size_t length = contraction(text, at, false)) return at + length;
    CharClass kind = class_at(text, at);
    if (text[at] == ' ' && at + 1 < text.size()) {
      const CharClass next = class_at(text, at + 1);
      if (next != CharClass::kSpace) {
        ++at;
        kind = next;
      }
    }
    const size_t run = run_end(text, at, kind);
    return kind == CharClass::kSpace ? space_end(text, at, run) : run;
  }
};

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool is_newline(char byte) {
  return byte == '\n' || byte == '\r';
}

// The split of cl100k and LLaMA-3 (numbers in groups of up to three digits) and Qwen2 (of one).
class Cl100kSplit : public Pattern {
 public:
  explicit Cl100kSplit(int digits) : digits_(digits) {}
  void scan(std::string_view text, const Emit& emit) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t end = token_end(text, at);
      emit(at, end, true);
      at = end;
    }
  }

 private:
  size_t token_end(std::string_view text, size_t at) const {
    if (const size_t length = contraction(text, at, true)) return at + length;
    const CodePoint first = decode_at(text, at);
    const CharClass kind = class_of(first.value);
    const size_t next = at + first.length;
    if (kind == CharClass::kLetter) return run_end(text, next, CharClass::kLetter);
    if (kind == CharClass::kNumber) return number_end(text, next);
    if (!is_newline(text[at]) && next < text.size() && class_at(text, next) == CharClass::kLetter) {
      return run_end(text, next, CharClass::kLetter);
    }
    if (kind == CharClass::kOther) return other_end(text, at);
    if (text[at] == ' ' && next < text.size() && class_at(text, next) == CharClass::kOther) {
      return other_end(text, next);
    }
    const size_t run = run_end(text, at, CharClass::kSpace);
    size_t last = run;
    while (last > at && !is_newline(text[last - 1])) --last;
    return last > at ? last : space_end(text, at, run);
  }
  size_t number_end(std::string_view text, size_t at) const {
    for (int digit = 1; digit < digits_ && at < text.size(); ++digit) {
      const CodePoint point = decode_at(text, at);
      if (class_of(point.value) != CharClass::kNumber) break;
      at += point.length;
    }
    return at;
  }
  static size_t other_end(std::string_view text, size_t at) {
    at = run_end(text, at, CharClass::kOther);
    while (at < text.size() && is_newline(text[at])) ++at;
    return at;
  }

  int digits_;
};

const UChar* bytes_of(std::string_view text) {
  return reinterpret_cast<const UChar*>(text.data());
}

std::string onig_message(int code, OnigErrorInfo* info) {
  UChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int length = onig_error_code_to_str(message, code, info);
  return to_valid_utf8({reinterpret_cast<const char*>(message), static_cast<size_t>(length)});
}

// [[:punct:]] holds symbols too since Oniguruma 6.9.9, which the tokenizers library has.
std::string with_symbols_as_punctuation(const std::string& regex) {
  std::string result;
  int depth = 0;  // of nested sets
  for (size_t at = 0; at < regex.size();) {
    const auto is = [&](std::string_view part) {
      return regex.compare(at, part.size(), part) == 0;
    };
    if (depth > 0 && is("[:punct:]")) {
      result += "[\\p{P}\\p{S}]";
      at += 9;
      continue;
    }
    if (depth > 0 && is("[:^punct:]")) {
      result += "[^\\p{P}\\p{S}]";
      at += 10;
      continue;
    }
    if (regex[at] == '[') ++depth;
    if (regex[at] == ']' && depth > 0) --depth;
    if (regex[at] == '\\' && at + 1 < regex.size()) result += regex[at++];
    result += regex[at++];
  }
  return result;
}

class Regex : public Pattern {
 public:
  Regex(const std::string& regex, const JsonPlace& place) {
    static const int initialized = [] {
      OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
      return onig_initialize(encodings, 1);
    }();
    ICL_ASSERT(initialized == ONIG_NORMAL, "Oniguruma: ", onig_message(initialized, nullptr));
    OnigErrorInfo info;
    const std::string source = with_symbols_as_punctuation(regex);
    const UChar* begin = bytes_of(source);
    regex_t* compiled = nullptr;
    const int code = onig_new(&compiled, begin, begin + source.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, ONIG_SYNTAX_DEFAULT, &info);
    if (code != ONIG_NORMAL) {
      place.fail(str("the regular expression '", regex,
                     "' is not supported: ", onig_message(code, &info)));
    }
    regex_.reset(compiled);
  }

  void scan(std::string_view text, const Emit& emit) const override {
    std::string older;
    if (replace_new_characters(text, older)) text = older;
    const UChar* begin = bytes_of(text);
    const UChar* end = begin + text.size();
    const std::unique_ptr<OnigRegion, FreeRegion> region(onig_region_new());
    size_t done = 0;                        // bytes that are emitted
    size_t last_match = std::string::npos;  // end of the last match
    for (size_t at = 0; at <= text.size();) {
      onig_region_clear(region.get());
      const int found =
          onig_search(regex_.get(), begin, end, begin + at, end, region.get(), ONIG_OPTION_NONE);
      if (found == ONIG_MISMATCH) break;
      if (found < 0) {
        throw DataError(str("a regular expression of the tokenizer cannot match this text: ",
                            onig_message(found, nullptr)));
      }
      const auto first = static_cast<size_t>(region->beg[0]);
      const auto last = static_cast<size_t>(region->end[0]);
      at = last;
      if (first == last && last == last_match) {
        at += last < text.size() ? decode_at(text, last).length : 1;
        continue;
      }
      last_match = last;
      if (first > done) emit(done, first, false);
      emit(std::max(first, done), last, true);
      done = last;
    }
    if (done < text.size()) emit(done, text.size(), false);
  }

 private:
  struct FreeRegex {
    void operator()(regex_t* regex) const { onig_free(regex); }
  };
  struct FreeRegion {
    void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
  };
  std::unique_ptr<regex_t, FreeRegex> regex_;
};

}  // namespace

std::unique_ptr<Pattern> gpt2_pattern() {
  return std::make_unique<Gpt2Split>();
}

std::unique_ptr<Pattern> known_pattern(std::string_view regex) {
  if (regex == kGpt2) return std::make_unique<Gpt2Split>();
  if (regex == kLlama3) return std::make_unique<Cl100kSplit>(3);
  if (regex == kQwen2) return std::make_unique<Cl100kSplit>(1);
  return nullptr;
}

std::unique_ptr<Pattern> regex_pattern(const std::string& regex, const JsonPlace& place) {
  return std::make_unique<Regex>(regex, place);
}

std::unique_ptr<Pattern> read_pattern(const JsonPlace& place) {
  const JsonPlace literal = place.find("String");
  if (!literal.is_null() && !literal.text().empty()) {
    return std::make_unique<Literal>(literal.text());
  }
  if (!literal.is_null()) return regex_pattern("", literal);  // matches between any two characters
  const JsonPlace regex = place.find("Regex");
  if (regex.is_null()) place.fail("expected {\"String\": ...} or {\"Regex\": ...}");
  auto known = known_pattern(regex.text());
  return known ? std::move(known) : regex_pattern(regex.text(), regex);
}

void replace_all(const Pattern& pattern, std::string_view content, std::string& text) {
  constexpr size_t kShort = size_t{1} << 26;
  const size_t most = std::min(kLongestText, std::max(kShort, 4 * text.size()));
  std::string result;
  result.reserve(text.size());
  pattern.scan(text, [&](size_t begin, size_t end, bool matched) {
    result += matched ? content : std::string_view(text).substr(begin, end - begin);
    if (result.size() > most) {
      throw DataError(str("the tokenizer's replacements make a text longer than ", most, " bytes"));
    }
  });
  text = std::move(result);
}

}  // namespace icl::tokenizer
