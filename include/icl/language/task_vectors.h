// SPDX-License-Identifier: Apache-2.0
//
// Task vectors (Hendel et al. 2023): what a model's hidden state holds of the task that it has been
// shown, given to it in place of the demonstrations.
//
// The residual stream after a layer, at the last token of a prompt with the demonstrations and a
// dummy query (the mean over two dummies, which are none of the demonstrations), replaces that at
// the last token of the query without demonstrations. The layer is the best on development prompts;
// the accuracy is that on the test prompts, whose queries and demonstrations are those of the plain
// evaluation (whether or not that shares contexts: those of separate prompts).
//
//   options.task_vectors = true;
//   const ShotResults results = evaluate_shots(model, tokenizer, options);   // .task_vectors
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "icl/language/evaluation.h"

namespace icl {

class Predictor;

// Prompts that evaluating a task vector passes through the model, for progress; 0 if it cannot.
int64_t task_vector_passes(LanguageModel& model, const LanguageTask& task, int64_t shots,
                           const ShotOptions& options);

// nullopt when `progress` stopped it.
std::optional<TaskVectorResult> evaluate_task_vector(Predictor& predictor, const LanguageTask& task,
                                                     int64_t shots, const ShotOptions& options,
                                                     const std::function<bool(int64_t)>& progress);

}  // namespace icl
