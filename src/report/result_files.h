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

// "linear regression, 20 dimensions"
std::string task_label(const std::string& function, int64_t n_dims);

bool is_of_training(const std::string& setting);  // evaluation_of_training's

// Equal for tasks whose curves may share a figure: all of config.task but the inputs.
std::string task_key(Json task);

// The in-context curve of the last training batches, as far as the curriculum did not change: what
// a run shows of itself before it is evaluated. Bands are 90% normal intervals over batches.
std::optional<Evaluation> evaluation_of_training(const RunRecord& run, const Json& config);

}  // namespace icl::report
