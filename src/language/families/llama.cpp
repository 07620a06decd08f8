// SPDX-License-Identifier: Apache-2.0
#include "src/language/families/llama_like.h"

namespace icl::language {

Blueprint llama(const Settings& config) {
  const bool bias = config.flag("attention_bias", false);
  return llama_like(config, {.family = "llama",
                             .qkv_bias = bias,
                             .out_bias = bias,
                             .mlp_bias = config.flag("mlp_bias", false)});
}

}  // namespace icl::language
