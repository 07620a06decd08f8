// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/post_processor.h"

#include "icl/base/error.h"
#include "src/tokenizer/bpe.h"

namespace icl::tokenizer {
namespace {

// {"single": [{"SpecialToken": {"id": "<s>", ...}}, {"Sequence": {"id": "A", ...}}], ...}
Surroundings read_template(const JsonPlace& place) {
  Surroundings result;
  int sequences = 0;
  for (const JsonPlace& piece : place.at("single").elements()) {
    if (!piece.find("Sequence").is_null()) {
      if (piece.at("Sequence").at("id").text() != "A" || ++sequences > 1) {
        piece.fail("expected the sequence A once");
      }
      continue;
    }
    const JsonPlace name = piece.at("SpecialToken").at("id");
    auto& side = sequences == 0 ? result.before : result.after;
    for (const JsonPlace& id : place.at("special_tokens").at(name.text()).at("ids").elements()) {
      side.push_back(id.integer(0, kMostTokens - 1));
    }
  }
  if (sequences == 0) place.at("single").fail("expected the sequence A once");
  return result;
}

// "cls": ["<s>", 0], "sep": ["</s>", 2]
int64_t read_pair(const JsonPlace& place) {
  const std::vector<JsonPlace> parts = place.elements();
  if (parts.size() != 2) place.fail("expected a token and its id");
  return parts[1].integer(0, kMostTokens - 1);
}

}  // namespace

Surroundings read_post_processor(const JsonPlace& place) {
  if (place.is_null()) return {};
  const std::string type = place.type();
  if (type == "ByteLevel") return {};  // moves offsets, not ids
  if (type == "TemplateProcessing") return read_template(place);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return {{read_pair(place.at("cls"))}, {read_pair(place.at("sep"))}};
  }
  if (type == "Sequence") {
    Surroundings result;
    for (const JsonPlace& part : place.at("processors").elements()) {
      const Surroundings outer = read_post_processor(part);
      result.before.insert(result.before.begin(), outer.before.begin(), outer.before.end());
      result.after.insert(result.after.end(), outer.after.begin(), outer.after.end());
    }
    return result;
  }
  place.unsupported("post-processor",
                    "Sequence, ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing");
}

}  // namespace icl::tokenizer
