// SPDX-License-Identifier: Apache-2.0
//
// The report in a sentence or two.
#pragma once

#include <string>
#include <vector>

#include "src/report/figures.h"

namespace icl::report {

// Which model reaches which fraction of the error of predicting zero with as many in-context
// examples as input dimensions and with the most of training, beside least squares where it has no
// error to speak of or not. Without evaluations, how far training is.
std::string verdict(const std::vector<Group>& groups, const std::vector<LanguageResult>& language);

}  // namespace icl::report
