// SPDX-License-Identifier: Apache-2.0
//
// Result files into records. Each throws DataError saying what is wrong with the contents.
#pragma once

#include "icl/report/run_record.h"
#include "src/report/json_access.h"

namespace icl::report {

Evaluation read_evaluation(const Json& json);
Probe read_probe(const Json& json);
LanguageResult read_language_result(const Json& json);

// metrics.jsonl; returns the number of lines that are not JSON objects, a cut last one excepted.
int64_t read_metrics(const std::string& text, RunRecord& run);

}  // namespace icl::report
