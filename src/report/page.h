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
  std::vector<LanguageEvaluation> language;
  Summary summary;
  std::vector<Section> sections;
  std::vector<std::string> notes;
  std::string figures_folder;  // beside the page, where each figure is a file, too
};

std::string html_page(const PageContent& content);

}  // namespace icl::report
