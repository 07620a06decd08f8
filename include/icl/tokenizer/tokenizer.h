// SPDX-License-Identifier: Apache-2.0
//
// Text to the token ids of a pre-trained language model and back, from the model's own files: a
// `tokenizer.json` of the Hugging Face tokenizers library, GPT-2's `vocab.json` and `merges.txt`,
// or an RWKV world vocabulary.
//
//   const std::unique_ptr<icl::Tokenizer> tokenizer = icl::load_tokenizer("pythia-160m");
//   const std::vector<int64_t> ids = tokenizer->encode("Hello world");   // {12092, 1533}
//   tokenizer->decode(ids);                                              // "Hello world"
//
// Of tokenizer.json: BPE over bytes (GPT-2, GPT-NeoX, LLaMA-3, Falcon) or over characters with
// bytes to fall back on (LLaMA-2), and the normalizers, pre-tokenizers, post-processors and
// decoders that such files name. Anything else is refused by its name, the file and the place in
// it.
//
// Ids are those of the tokenizers library's release 0.23 and transformers 5. Which Unicode decides:
// for letters, numbers and white space, in split patterns of any kind, version 16, whatever
// versions the installed ICU and Oniguruma have; for normalization forms, version 9, as in that
// library. The file's truncation and padding are not applied: no text is cut.
//
// Text is UTF-8, of at most 1 GiB. Bytes in it that are not are read as U+FFFD, one for each
// maximal subpart, as everything that reads UTF-8 leniently does; NUL and other control characters
// are characters. A tokenizer is immutable once loaded but for a cache of words, which a lock
// guards: one object may serve several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace icl {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // `special`: with what the file's post-processor adds (<s> of LLaMA-2). The text of special
  // tokens in the input is recognised either way.
  virtual std::vector<int64_t> encode(std::string_view text, bool special = false) const = 0;

  // The bytes of all tokens joined, then read as UTF-8 (U+FFFD for what is not). `special`: with
  // the special tokens; otherwise they are left out. Throws DataError for an id of no token.
  virtual std::string decode(std::span<const int64_t> ids, bool special = false) const = 0;

  // Highest id + 1. A model's embedding often has more rows.
  virtual int64_t vocab_size() const = 0;
  // The same without added tokens, which may come after all that a model was trained with.
  virtual int64_t base_vocab_size() const { return vocab_size(); }

  // The id of a token as the file writes it ("Ġthe", "▁the", "<|endoftext|>"); for a world
  // vocabulary, of its bytes.
  virtual std::optional<int64_t> id_of(std::string_view token) const = 0;
};

// The tokenizer file of a model's folder: tokenizer.json, vocab.json (with merges.txt beside it),
// or an RWKV vocabulary (rwkv_vocab*.txt, or vocab.txt), in this order; nothing when it has none,
// or several RWKV vocabularies.
std::optional<std::filesystem::path> find_tokenizer(const std::filesystem::path& folder);

// `path`: a model's folder, or its file as find_tokenizer names it; any other tokenizer.json
// (*.json) or RWKV vocabulary (*.txt). A file named tokenizer.json or vocab.json is read with those
// beside it that add to it: tokenizer_config.json, added_tokens.json, special_tokens_map.json.
// Where added tokens get other ids than the file says, as in the tokenizers library, a warning says
// so. Throws DataError.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace icl
