// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "icl/base/error.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

// Characters that the tokenizers library normalizes, which has the tables of Unicode 9; the class
// of U+0EBA has changed since. Ids are to be those that a model was trained on.
const icu::UnicodeSet& normalized_characters() {
  static const icu::UnicodeSet* set = [] {
    UErrorCode status = U_ZERO_ERROR;
    auto* characters = new icu::UnicodeSet(u"[[:Age=9.0:]-[\\u0EBA]]", status);
    ICL_ASSERT(U_SUCCESS(status), u_errorName(status));
    characters->freeze();
    return characters;
  }();
  return *set;
}

// Unicode normalization forms (Unicode Standard Annex #15).
class UnicodeForm : public Normalizer {
 public:
  UnicodeForm(const icu::Normalizer2& form, unsigned char first_changed)
      : form_(form, normalized_characters()), first_changed_(first_changed) {}

  void apply(std::string& text) const override {
    if (keeps(text)) return;
    order_long_runs(text);
    std::string result;
    result.reserve(text.size() + text.size() / 8);
    icu::StringByteSink<std::string> sink(&result);
    UErrorCode status = U_ZERO_ERROR;
    form_.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                        nullptr, status);
    ICL_ASSERT(U_SUCCESS(status), "normalization: ", u_errorName(status));
    text = std::move(result);
  }
  bool keeps(std::string_view text) const override {
    return std::none_of(text.begin(), text.end(), [&](char byte) {
      return static_cast<unsigned char>(byte) >= first_changed_;
    });
  }

 private:
  // Puts long runs of combining marks into canonical order, which changes no normal form; ICU would
  // do so one by one, in time that grows with the square of the run.
  void order_long_runs(std::string& text) const {
    constexpr size_t kLong = 64;
    std::vector<std::pair<int, char32_t>> run;
    size_t begin = 0;  // of the run
    const auto order = [&](size_t end) {
      if (run.size() > kLong) {
        std::stable_sort(run.begin(), run.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string ordered;
        for (const auto& [order_class, mark] : run) append_utf8(ordered, mark);
        text.replace(begin, end - begin, ordered);  // of the same length
      }
      run.clear();
    };
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      const int order_class =
          point.value < 0x300 ? 0 : form_.getCombiningClass(static_cast<UChar32>(point.value));
      if (order_class == 0) {
        order(at);
      } else {
        if (run.empty()) begin = at;
        run.emplace_back(order_class, point.value);
      }
      at += point.length;
    }
    order(text.size());
  }

  icu::FilteredNormalizer2 form_;
  unsigned char first_changed_;  // text of lower bytes only is normalized already
};

// Each character by itself, so a final sigma is no exception.
class Lowercase : public Normalizer {
 public:
  void apply(std::string& text) const override {
    std::string result;
    result.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      if (point.value < 0x80) {
        const auto letter = static_cast<char>(point.value);
        result += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
      } else {
        icu::UnicodeString character(static_cast<UChar32>(lower_of_new(point.value)));
        character.toLower(icu::Locale::getRoot()).toUTF8String(result);
      }
      at += point.length;
    }
    text = std::move(result);
  }
  bool keeps(std::string_view) const override { return false; }
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(std::string& text) const override {
    if (!text.empty()) text.insert(0, prefix_);
  }
  bool keeps(std::string_view text) const override { return text.empty() || prefix_.empty(); }

 private:
  std::string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(std::unique_ptr<Pattern> pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(std::string& text) const override { replace_all(*pattern_, content_, text); }
  bool keeps(std::string_view) const override { return false; }

 private:
  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(std::string& text) const override {
    size_t begin = 0, end = text.size();
    while (left_ && begin < end && is_space(decode_at(text, begin).value)) {
      begin += decode_at(text, begin).length;
    }
    while (right_ && end > begin && is_space(decode_before(text, end).value)) {
      end -= decode_before(text, end).length;
    }
    text = text.substr(begin, end - begin);
  }
  bool keeps(std::string_view) const override { return false; }

 private:
  bool left_, right_;
};

// Drops combining marks; a decomposition comes before it.
class StripAccents : public Normalizer {
 public:
  void apply(std::string& text) const override {
    std::string result;
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = decode_at(text, at);
      if (!is_mark(point.value)) result.append(text, at, point.length);
      at += point.length;
    }
    text = std::move(result);
  }
  bool keeps(std::string_view text) const override {
    return std::none_of(text.begin(), text.end(),
                        [](char byte) { return static_cast<unsigned char>(byte) >= 0xCC; });
  }
};

class Sequence : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> parts) : parts_(std::move(parts)) {}
  void apply(std::string& text) const override {
    for (const auto& part : parts_) part->apply(text);
  }
  bool keeps(std::string_view text) const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [&](const auto& part) { return part->keeps(text); });
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

// Composed forms keep everything below U+0300 (lead byte 0xCC), the others only ASCII.
std::unique_ptr<Normalizer> unicode_form(const std::string& type) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = nullptr;
  unsigned char first_changed = 0x80;
  if (type == "NFC") {
    form = icu::Normalizer2::getNFCInstance(status);
    first_changed = 0xCC;
  } else if (type == "NFD") {
    form = icu::Normalizer2::getNFDInstance(status);
  } else if (type == "NFKC") {
    form = icu::Normalizer2::getNFKCInstance(status);
  } else if (type == "NFKD") {
    form = icu::Normalizer2::getNFKDInstance(status);
  } else {
    return nullptr;
  }
  ICL_ASSERT(U_SUCCESS(status), type, ": ", u_errorName(status));
  return std::make_unique<UnicodeForm>(*form, first_changed);
}

}  // namespace

std::unique_ptr<Normalizer> read_normalizer(const JsonPlace& place) {
  if (place.is_null()) return nullptr;
  const std::string type = place.type();
  if (auto form = unicode_form(type)) return form;
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "Prepend") return std::make_unique<Prepend>(place.at("prepend").text());
  if (type == "Replace") {
    return std::make_unique<Replace>(read_pattern(place.at("pattern")), place.at("content").text());
  }
  if (type == "Strip") {
    return std::make_unique<Strip>(place.flag("strip_left", true), place.flag("strip_right", true));
  }
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> parts;
    for (const JsonPlace& part : place.at("normalizers").elements()) {
      parts.push_back(read_normalizer(part));
      if (parts.back() == nullptr) part.fail("expected a normalizer, got null");
    }
    return std::make_unique<Sequence>(std::move(parts));
  }
  place.unsupported("normalizer",
                    "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, "
                    "StripAccents");
}

}  // namespace icl::tokenizer
