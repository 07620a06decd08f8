// SPDX-License-Identifier: Apache-2.0
#include "src/language/rope.h"

#include "icl/base/error.h"

namespace icl::language {
namespace {

RotaryOptions::Llama3 llama3_of(const Settings& scaling, int64_t context) {
  const RotaryOptions::Llama3 llama3{
      .factor = scaling.number("factor"),
      .low = scaling.number("low_freq_factor"),
      .high = scaling.number("high_freq_factor"),
      .context = scaling.number("original_max_position_embeddings", static_cast<double>(context))};
  if (!(llama3.factor > 0)) scaling.refuse("factor", "a number above 0");
  if (!(llama3.low > 0)) scaling.refuse("low_freq_factor", "a number above 0");
  if (!(llama3.high > llama3.low)) {
    scaling.refuse("high_freq_factor", "a number above low_freq_factor");
  }
  return llama3;
}

}  // namespace

std::shared_ptr<const Rotary> rope_of(const Settings& config, const RopeKeys& keys,
                                      int64_t d_head) {
  const bool newer = config.has("rope_parameters");
  const Settings rope = config.object(newer ? "rope_parameters" : "rope_scaling");
  const Settings& own = newer ? rope : config;
  RotaryOptions options;
  options.theta = own.number(newer ? "rope_theta" : keys.theta_key, 10000.0);
  if (!(options.theta > 0)) own.refuse(newer ? "rope_theta" : keys.theta_key, "a number above 0");
  const char* const share_key = newer ? "partial_rotary_factor" : keys.share_key;
  const double share = own.number(share_key, keys.share);
  options.width = static_cast<int64_t>(static_cast<double>(d_head) * share);
  if (options.width < 2 || options.width > d_head || options.width % 2 != 0) {
    own.refuse(share_key,
               str("a share that makes an even number of a head's ", d_head, " coordinates"));
  }
  const char* const type_key = rope.has("rope_type") ? "rope_type" : "type";
  switch (rope.choice(type_key, "default", {"default", "linear", "llama3"})) {
    case 1:
      options.stretch = rope.number("factor");
      if (!(options.stretch > 0)) rope.refuse("factor", "a number above 0");
      break;
    case 2:
      options.llama3 = llama3_of(rope, keys.context);
      break;
    default:
      break;
  }
  return std::make_shared<Rotary>(options);
}

}  // namespace icl::language
