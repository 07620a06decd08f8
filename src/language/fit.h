// SPDX-License-Identifier: Apache-2.0
//
// Between the tensors of a file and the parameters of a model.
#pragma once

#include "src/language/family.h"
#include "src/language/weights.h"

namespace icl::language {

// Gives every parameter its tensor, converted where type or device differ, otherwise the file's own
// memory. Throws DataError listing all that is missing, extra or misshapen.
void fill(LanguageModel& model, const Blueprint& blueprint, const Weights& weights,
          const LoadOptions& options);

// The reverse: the model's parameters by the names and in the layout of the file.
NamedTensors file_tensors(const LanguageModel& model, const Blueprint& blueprint);

}  // namespace icl::language
