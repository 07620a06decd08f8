// SPDX-License-Identifier: Apache-2.0
#include "icl/report/markup.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "icl/base/error.h"

namespace icl::report {
namespace {

constexpr std::string_view kReplacement = "\ufffd";

// Bytes of the valid UTF-8 character at `text[at]`, or 0.
size_t character_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  const bool noncharacter = lead == 0xEF && second == 0xBF && byte(at + 2) >= 0xBE;
  return overlong || outside || noncharacter ? 0 : length;
}

double character_width(std::string_view character) {
  if (character.size() == 3 && static_cast<unsigned char>(character[0]) >= 0xE3) return 1.0;
  if (character.size() > 1) return 0.62;
  const char c = character[0];
  if (std::string_view("iljtfrI.,:;'|!()[]/ ").find(c) != std::string_view::npos) return 0.31;
  if (std::string_view("mwMW%@").find(c) != std::string_view::npos) return 0.86;
  if (c >= 'A' && c <= 'Z') return 0.68;
  return 0.56;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = character_length(text, i);
    const char c = text[i];
    const bool control = (c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
    const bool c1 = length == 2 && c == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (length == 0 || control || c1) {
      out += kReplacement;
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return out;
}

std::string px(double value) {
  ICL_ASSERT(std::isfinite(value), "coordinate");
  const auto hundredths = std::llround(value * 100);
  std::string text = hundredths < 0 ? "-" : "";
  const auto size = std::llabs(hundredths);
  text += std::to_string(size / 100);
  const auto rest = size % 100;
  if (rest != 0) {
    text += '.';
    text += static_cast<char>('0' + rest / 10);
    if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  }
  return text;
}

double text_width(std::string_view text, double font_size) {
  double width = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, character_length(text, i));
    width += character_width(text.substr(i, length));
    i += length;
  }
  return width * font_size;
}

std::string fit_text(const std::string& text, double font_size, double width) {
  if (text_width(text, font_size) <= width) return text;
  const std::string ellipsis = "\u2026";
  std::string kept;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, character_length(text, i));
    const std::string longer = kept + text.substr(i, length);
    if (text_width(longer + ellipsis, font_size) > width) break;
    kept = longer;
    i += length;
  }
  return kept + ellipsis;
}

std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter) {
      out += c;
    } else if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "figure" : out;
}

void Markup::start(const std::string& tag, const Attributes& attributes) {
  out_ += '<' + tag;
  for (const auto& [name, value] : attributes) {
    if (!value.empty()) out_ += ' ' + name + "=\"" + escape(value) + '"';
  }
}

Markup& Markup::open(const std::string& tag, const Attributes& attributes) {
  start(tag, attributes);
  out_ += '>';
  open_.push_back(tag);
  return *this;
}

Markup& Markup::close() {
  ICL_ASSERT(!open_.empty(), "no tag to close");
  out_ += "</" + open_.back() + ">\n";
  open_.pop_back();
  return *this;
}

Markup& Markup::leaf(const std::string& tag, const Attributes& attributes) {
  start(tag, attributes);
  out_ += "/>\n";
  return *this;
}

Markup& Markup::element(const std::string& tag, const Attributes& attributes,
                        std::string_view content) {
  return open(tag, attributes).text(content).close();
}

Markup& Markup::text(std::string_view content) {
  out_ += escape(content);
  return *this;
}

Markup& Markup::raw(std::string_view markup) {
  out_ += markup;
  return *this;
}

std::string Markup::take() {
  ICL_ASSERT(open_.empty(), "unclosed <", open_.back(), ">");
  return std::move(out_);
}

}  // namespace icl::report
