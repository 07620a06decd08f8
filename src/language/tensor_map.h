// SPDX-License-Identifier: Apache-2.0
//
// Between the tensors of a file and the parameters of a model.
#pragma once

#include "src/language/family.h"
#include "src/language/weights.h"

namespace icl::language {

// Whether the model's head is the embedding, as the file has it: a blueprint that ties them is
// untied, with a warning, where the file holds a head of other values.
void untie_if_file_does(Blueprint& blueprint, const Weights& weights);

// The type of the file's embedding, if models compute in that type; else float32.
at::ScalarType type_of_file(const Blueprint& blueprint, const Weights& weights);

// Gives every parameter its tensor: the file's own memory where neither type nor device differ, a
// converted copy otherwise. In float16 and bfloat16 only the embedding and the matrices of linear
// maps have that type, all else is float32. Throws DataError listing all tensors that are missing,
// misshapen, extra or not finite.
void load_parameters(LanguageModel& model, const Blueprint& blueprint, const Weights& weights,
                     at::ScalarType type, c10::Device device);

// The reverse: the model's parameters by the names and in the layout of the file.
NamedTensors file_tensors(const LanguageModel& model, const Blueprint& blueprint);

}  // namespace icl::language
