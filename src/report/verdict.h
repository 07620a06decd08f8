// SPDX-License-Identifier: Apache-2.0
//
// The report in a sentence or two.
#pragma once

#include <string>
#include <vector>

#include "src/report/figures.h"

namespace icl::report {

// Of one or two tasks: which part of the error of predicting zero each model reaches with as many
// in-context examples as input dimensions and with the most of training, beside least squares. Of
// more tasks: on how many each model is best. Without evaluations: how far training is.
std::string verdict(const std::vector<Group>& groups,
                    const std::vector<LanguageEvaluation>& language);

}  // namespace icl::report
