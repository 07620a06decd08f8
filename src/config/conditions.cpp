// SPDX-License-Identifier: Apache-2.0
#include "src/config/conditions.h"

#include <algorithm>

#include "icl/base/text.h"

namespace icl {

std::string either(const std::vector<std::string>& conditions) {
  constexpr std::string_view kIs = " is ";
  std::vector<std::string> subjects;
  std::vector<std::vector<std::string>> values;  // of each subject
  for (const std::string& condition : conditions) {
    const size_t is = condition.find(kIs);
    const std::string subject = is == std::string::npos ? condition : condition.substr(0, is);
    const auto found = std::find(subjects.begin(), subjects.end(), subject);
    const auto place = static_cast<size_t>(found - subjects.begin());
    if (found == subjects.end()) {
      subjects.push_back(subject);
      values.emplace_back();
    }
    if (is == std::string::npos) continue;
    const std::string value = condition.substr(is + kIs.size());
    if (std::find(values[place].begin(), values[place].end(), value) == values[place].end()) {
      values[place].push_back(value);
    }
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < subjects.size(); ++i) {
    std::vector<std::string>& of = values[i];
    std::string text = subjects[i];
    if (!of.empty()) {
      const std::string last = of.back();
      of.pop_back();
      text += std::string(kIs) + (of.empty() ? last : join(of) + " or " + last);
    }
    texts.push_back(text);
  }
  return join(texts, " or ");
}

}  // namespace icl
