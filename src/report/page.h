// SPDX-License-Identifier: Apache-2.0
//
// The HTML page: self-contained, without scripts, for screens of any width, light, dark and paper.
#pragma once

#include <string>
#include <vector>

#include "src/report/figures.h"

namespace icl::report {

struct PageContent {
  std::string verdict;
  std::vector<Group> groups;
  std::vector<LanguageResult> language;
  std::vector<Section> sections;
  std::vector<std::string> notes;
};

std::string html_page(const PageContent& content);

}  // namespace icl::report
