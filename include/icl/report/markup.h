// SPDX-License-Identifier: Apache-2.0
//
// Writes SVG and HTML: balanced tags, escaped text and attributes, short locale-free numbers.
//
//   Markup out;
//   out.open("g", {{"id", "plot"}}).leaf("circle", {{"r", px(2.5)}}).close();
//   std::string text = out.take();
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace icl::report {

using Attributes = std::vector<std::pair<std::string, std::string>>;

// Safe as text and inside a double-quoted attribute. Control characters and invalid UTF-8, which
// neither SVG nor HTML may hold, become U+FFFD.
std::string escape(std::string_view text);

// A length or coordinate with at most two decimals: "12", "12.5", "-0.25"; never "-0".
std::string px(double value);

// Estimated width of `text` set in a sans-serif font of this size, in pixels.
double text_width(std::string_view text, double font_size);

// `text` cut to the width, with an ellipsis where something is missing; never inside a character.
std::string fit_text(const std::string& text, double font_size, double width);

// Letters, digits and single hyphens, for file names and ids; never empty.
std::string slug(std::string_view text);

class Markup {
 public:
  Markup& open(const std::string& tag, const Attributes& attributes = {});
  Markup& close();
  Markup& leaf(const std::string& tag, const Attributes& attributes = {});  // <tag ... />
  Markup& element(const std::string& tag, const Attributes& attributes, std::string_view content);
  Markup& text(std::string_view content);
  Markup& raw(std::string_view markup);  // already escaped
  // The markup so far; every tag must be closed.
  std::string take();

 private:
  void start(const std::string& tag, const Attributes& attributes);
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace icl::report
