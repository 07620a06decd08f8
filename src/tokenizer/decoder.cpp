// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/decoder.h"

#include <charconv>
#include <optional>

#include "icl/base/error.h"
#include "src/tokenizer/pattern.h"
#include "src/tokenizer/pre_tokenizer.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

class ByteLevel : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) bytes += bytes_of(token).value_or(token);
    tokens = {is_valid_utf8(bytes) ? std::move(bytes) : to_valid_utf8(bytes)};
  }
};

class Spaces : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    for (size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, " ");
  }
};

class Replace : public Decoder {
 public:
  Replace(std::unique_ptr<Pattern> pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) replace_all(*pattern_, content_, token);
  }

 private:
  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

// "<0xE2>" -> its byte.
std::optional<char> fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  unsigned value = 0;
  const char* digits = token.data() + 3;
  const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
  if (error != std::errc() || end != digits + 2) return std::nullopt;
  return static_cast<char>(value);
}

// Runs of byte tokens that are UTF-8 together become their text; others one U+FFFD for each byte.
class ByteFallback : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> result;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (is_valid_utf8(bytes)) {
        result.push_back(bytes);
      } else {
        result.insert(result.end(), bytes.size(), "\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const std::optional<char> byte = fallback_byte(token)) {
        bytes += *byte;
      } else {
        flush();
        result.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(result);
  }
};

class Fuse : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override { tokens = {joined(tokens)}; }
};

// Takes up to `start` and `stop` times `content` off the ends of each token.
class Strip : public Decoder {
 public:
  Strip(char32_t content, int64_t start, int64_t stop) : start_(start), stop_(stop) {
    append_utf8(content_, content);
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      for (int64_t i = 0; i < start_ && token.starts_with(content_); ++i) {
        token.erase(0, content_.size());
      }
      for (int64_t i = 0; i < stop_ && token.ends_with(content_); ++i) {
        token.erase(token.size() - content_.size());
      }
    }
  }

 private:
  std::string content_;
  int64_t start_, stop_;
};

class MetaspaceDecoder : public Decoder {
 public:
  explicit MetaspaceDecoder(Metaspace how) : how_(std::move(how)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool dropped = i == 0 && how_.prepend != Metaspace::Prepend::kNever;
      std::string text;
      for (size_t at = 0; at < tokens[i].size();) {
        if (tokens[i].compare(at, how_.replacement.size(), how_.replacement) == 0) {
          if (!dropped) text += ' ';
          at += how_.replacement.size();
        } else {
          text += tokens[i][at++];
        }
      }
      tokens[i] = std::move(text);
    }
  }

 private:
  Metaspace how_;
};

class Sequence : public Decoder {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Decoder>> parts) : parts_(std::move(parts)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (const auto& part : parts_) part->apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<Decoder>> parts_;
};

}  // namespace

std::unique_ptr<Decoder> read_decoder(const JsonPlace& place) {
  if (place.is_null()) return std::make_unique<Spaces>();
  const std::string type = place.type();
  if (type == "ByteLevel") return std::make_unique<ByteLevel>();
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Metaspace") return std::make_unique<MetaspaceDecoder>(read_metaspace(place));
  if (type == "Replace") {
    return std::make_unique<Replace>(read_pattern(place.at("pattern")), place.at("content").text());
  }
  if (type == "Strip") {
    return std::make_unique<Strip>(place.at("content").character(),
                                   place.at("start").integer(0, INT32_MAX),
                                   place.at("stop").integer(0, INT32_MAX));
  }
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Decoder>> parts;
    for (const JsonPlace& part : place.at("decoders").elements()) {
      if (part.is_null()) part.fail("expected a decoder, got null");
      parts.push_back(read_decoder(part));
    }
    return std::make_unique<Sequence>(std::move(parts));
  }
  place.unsupported("decoder",
                    "Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace");
}

}  // namespace icl::tokenizer
