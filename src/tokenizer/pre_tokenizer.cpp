// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/pre_tokenizer.h"

#include <vector>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct Stretch {
  size_t begin, end;
  bool matched;
};

// Cuts at the matches of a pattern; `invert`: at what it does not match.
class Split : public PreTokenizer {
 public:
  Split(std::unique_ptr<Pattern> pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void split(std::string_view text, bool first, const Emit& emit) const override {
    const auto word = [&](size_t begin, size_t end) {
      if (end > begin) emit(text.substr(begin, end - begin), first && begin == 0);
    };
    if (behavior_ == Behavior::kIsolated || behavior_ == Behavior::kRemoved) {
      pattern_->scan(text, [&](size_t begin, size_t end, bool found) {
        if (behavior_ == Behavior::kIsolated || found == invert_) word(begin, end);
      });
      return;
    }
    std::vector<Stretch> stretches;
    pattern_->scan(text, [&](size_t begin, size_t end, bool found) {
      stretches.push_back({begin, end, found != invert_});
    });
    for (size_t i = 0; i < stretches.size();) {
      size_t next = i + 1;
      while (next < stretches.size() && joins(stretches[next - 1], stretches[next])) ++next;
      word(stretches[i].begin, stretches[next - 1].end);
      i = next;
    }
  }

 private:
  // Whether two neighbours are parts of one word. Of several matches in a row, one alone joins its
  // stretch.
  bool joins(const Stretch& left, const Stretch& right) const {
    switch (behavior_) {
      case Behavior::kMergedWithPrevious:
        return !left.matched && right.matched;
      case Behavior::kMergedWithNext:
        return left.matched && !right.matched;
      default:
        return left.matched == right.matched;
    }
  }

  std::unique_ptr<Pattern> pattern_;
  Behavior behavior_;
  bool invert_;
};

// The words of a pattern, and a space before a text that has none. `in_alphabet`: words are handed
// on in the alphabet of bytes, as pre-tokenizers that come after this one see them.
class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, bool in_alphabet)
      : add_prefix_space_(add_prefix_space),
        in_alphabet_(in_alphabet),
        pattern_(use_regex ? gpt2_pattern() : nullptr) {}

  void split(std::string_view text, bool first, const Emit& emit) const override {
    std::string longer;
    if (add_prefix_space_ && !text.starts_with(' ')) {
      longer.append(" ").append(text);
      text = longer;
    }
    if (pattern_ == nullptr) return word(text, first, emit);
    pattern_->scan(text, [&](size_t begin, size_t end, bool) {
      word(text.substr(begin, end - begin), first && begin == 0, emit);
    });
  }

 private:
  void word(std::string_view text, bool first, const Emit& emit) const {
    if (in_alphabet_) {
      emit(alphabet_of_bytes(text), first);
    } else {
      emit(text, first);
    }
  }

  bool add_prefix_space_, in_alphabet_;
  std::unique_ptr<Pattern> pattern_;
};

class MetaspaceSplit : public PreTokenizer {
 public:
  explicit MetaspaceSplit(Metaspace how) : how_(std::move(how)) {}

  void split(std::string_view text, bool first, const Emit& emit) const override {
    std::string replaced;
    replaced.reserve(text.size() + text.size() / 2);
    for (const char byte : text) {
      if (byte == ' ') {
        replaced += how_.replacement;
      } else {
        replaced += byte;
      }
    }
    const bool prepend = how_.prepend == Metaspace::Prepend::kAlways ||
                         (how_.prepend == Metaspace::Prepend::kFirst && first);
    if (prepend && !replaced.starts_with(how_.replacement)) replaced.insert(0, how_.replacement);
    const std::string_view whole = replaced;
    if (!how_.split) return emit(whole, first);
    for (size_t begin = 0; begin < whole.size();) {
      const size_t end = std::min(whole.find(how_.replacement, begin + 1), whole.size());
      emit(whole.substr(begin, end - begin), first && begin == 0);
      begin = end;
    }
  }

 private:
  Metaspace how_;
};

// Cuts wherever the kind of character changes, or around each one of a kind.
class CharacterSplit : public PreTokenizer {
 public:
  struct Kind {
    int value;
    bool alone = false;    // each such character is a word
    bool dropped = false;  // and is not part of any word
  };
  using KindOf = Kind (*)(char32_t);
  explicit CharacterSplit(KindOf kind_of) : kind_of_(kind_of) {}

  void split(std::string_view text, bool first, const Emit& emit) const override {
    size_t begin = 0;
    Kind kind{-1};
    const auto word = [&](size_t end) {
      if (end > begin && !kind.dropped) {
        emit(text.substr(begin, end - begin), first && begin == 0);
      }
      begin = end;
    };
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      const Kind here = kind_of_(point.value);
      if (here.alone || here.value != kind.value) word(at);
      kind = here;
      at += point.length;
    }
    word(text.size());
  }

 private:
  KindOf kind_of_;
};

class Sequence : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}
  void split(std::string_view text, bool first, const Emit& emit) const override {
    split_from(0, text, first, emit);
  }

 private:
  void split_from(size_t part, std::string_view text, bool first, const Emit& emit) const {
    if (part == parts_.size()) return emit(text, first);
    parts_[part]->split(text, first, [&](std::string_view word, bool first_word) {
      split_from(part + 1, word, first_word, emit);
    });
  }
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

using Kind = CharacterSplit::Kind;

Kind digits_alone(char32_t value) {
  return is_digit(value) ? Kind{1, true} : Kind{0};
}
Kind digits_together(char32_t value) {
  return {is_digit(value) ? 1 : 0};
}
Kind spaces_dropped(char32_t value) {
  return is_space(value) ? Kind{1, false, true} : Kind{0};
}
Kind words_and_symbols(char32_t value) {
  if (is_space(value)) return {2, false, true};
  return {is_word_char(value) ? 1 : 0};
}

Behavior read_behavior(const JsonPlace& place) {
  static const std::vector<std::string> names = {"Removed", "Isolated", "MergedWithPrevious",
                                                 "MergedWithNext", "Contiguous"};
  for (size_t i = 0; i < names.size(); ++i) {
    if (place.text() == names[i]) return static_cast<Behavior>(i);
  }
  place.fail(str("'", place.text(), "' is no behavior; expected one of ", join(names)));
}

class PunctuationPattern : public Pattern {
 public:
  void scan(std::string_view text, const Emit& emit) const override {
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      const size_t end = at + point.length;
      if (is_punctuation(point.value)) {
        if (at > begin) emit(begin, at, false);
        emit(at, end, true);
        begin = end;
      }
      at = end;
    }
    if (begin < text.size()) emit(begin, text.size(), false);
  }
};

std::unique_ptr<PreTokenizer> read_part(const JsonPlace& place, bool last, bool& bytes);

std::unique_ptr<PreTokenizer> read_sequence(const JsonPlace& place, bool last, bool& bytes) {
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  const std::vector<JsonPlace> places = place.at("pretokenizers").elements();
  for (size_t i = 0; i < places.size(); ++i) {
    parts.push_back(read_part(places[i], last && i + 1 == places.size(), bytes));
  }
  return std::make_unique<Sequence>(std::move(parts));
}

std::unique_ptr<PreTokenizer> read_part(const JsonPlace& place, bool last, bool& bytes) {
  const std::string type = place.type();
  if (type == "Sequence") return read_sequence(place, last, bytes);
  if (type == "ByteLevel") {
    if (last) bytes = true;
    return std::make_unique<ByteLevel>(place.flag("add_prefix_space", true),
                                       place.flag("use_regex", true), !last);
  }
  if (type == "Split") {
    return std::make_unique<Split>(read_pattern(place.at("pattern")),
                                   read_behavior(place.at("behavior")),
                                   place.flag("invert", false));
  }
  if (type == "Metaspace") return std::make_unique<MetaspaceSplit>(read_metaspace(place));
  if (type == "Digits") {
    return std::make_unique<CharacterSplit>(
        place.flag("individual_digits", false) ? digits_alone : digits_together);
  }
  if (type == "Punctuation") {
    const JsonPlace behavior = place.find("behavior");
    return std::make_unique<Split>(
        std::make_unique<PunctuationPattern>(),
        behavior.is_null() ? Behavior::kIsolated : read_behavior(behavior), false);
  }
  if (type == "Whitespace") return std::make_unique<CharacterSplit>(words_and_symbols);
  if (type == "WhitespaceSplit") return std::make_unique<CharacterSplit>(spaces_dropped);
  place.unsupported("pre-tokenizer",
                    "Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, "
                    "WhitespaceSplit");
}

}  // namespace

Metaspace read_metaspace(const JsonPlace& place) {
  Metaspace how;
  append_utf8(how.replacement, place.at("replacement").character());
  how.split = place.flag("split", true);
  const JsonPlace scheme = place.find("prepend_scheme");
  const bool add_prefix_space = place.flag("add_prefix_space", true);
  if (scheme.is_null()) {
    how.prepend = add_prefix_space ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
  } else if (scheme.text() == "always") {
    how.prepend = Metaspace::Prepend::kAlways;
  } else if (scheme.text() == "first") {
    how.prepend = Metaspace::Prepend::kFirst;
  } else if (scheme.text() == "never") {
    how.prepend = Metaspace::Prepend::kNever;
  } else {
    scheme.fail(str("'", scheme.text(), "'; expected always, first or never"));
  }
  return how;
}

ReadPreTokenizer read_pre_tokenizer(const JsonPlace& place) {
  ReadPreTokenizer result;
  if (!place.is_null()) result.pre_tokenizer = read_part(place, true, result.bytes);
  return result;
}

}  // namespace icl::tokenizer
