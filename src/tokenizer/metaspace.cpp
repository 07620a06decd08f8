// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/metaspace.h"

#include "icl/base/error.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {

Metaspace read_metaspace(const JsonPlace& place) {
  Metaspace how;
  append_utf8(how.replacement, place.at("replacement").character());
  how.split = place.flag("split", true);
  const JsonPlace scheme = place.find("prepend_scheme");
  const bool add_prefix_space = place.flag("add_prefix_space", true);
  if (scheme.is_null()) {
    how.prepend = add_prefix_space ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
  } else if (scheme.text() == "always") {
    how.prepend = Metaspace::Prepend::kAlways;
  } else if (scheme.text() == "first") {
    how.prepend = Metaspace::Prepend::kFirst;
  } else if (scheme.text() == "never") {
    how.prepend = Metaspace::Prepend::kNever;
  } else {
    scheme.fail(str("'", scheme.text(), "'; expected always, first or never"));
  }
  return how;
}

}  // namespace icl::tokenizer
