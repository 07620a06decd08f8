// SPDX-License-Identifier: Apache-2.0
//
// The "normalizer" of a tokenizer.json: what happens to text before it is split.
#pragma once

#include <memory>
#include <string>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(std::string& text) const = 0;  // valid UTF-8 in, valid UTF-8 out
  // Whether apply leaves `text` as it is, where that is cheap to see.
  virtual bool keeps(std::string_view text) const = 0;
};

// Null for a null place. Supported: Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace,
// Strip, StripAccents.
std::unique_ptr<Normalizer> read_normalizer(const JsonPlace& place);

}  // namespace icl::tokenizer
