// SPDX-License-Identifier: Apache-2.0
//
// The "decoder" of a tokenizer.json: tokens to text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/tokenizer/json_place.h"

namespace icl::tokenizer {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Rewrites the tokens; joined, they are the text.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

// A null place joins tokens by spaces. Supported: Sequence, ByteLevel, Replace, ByteFallback, Fuse,
// Strip, Metaspace.
std::unique_ptr<Decoder> read_decoder(const JsonPlace& place);

}  // namespace icl::tokenizer
