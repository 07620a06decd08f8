// SPDX-License-Identifier: Apache-2.0
//
// Little tokenizer files of each kind, for tests: their ids can be worked out by hand.
//
//   write_tokenizer(folder.path(), byte_level_tokenizer({{"h", "e"}, {"he", "y"}}));
//   load_tokenizer(folder.path())->encode("hey!");   // {257, 33, ...}: a byte's id is its value
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace icl::testing {

using Merges = std::vector<std::pair<std::string, std::string>>;

// One entry of "added_tokens"; set flags on what it returns.
inline nlohmann::json added_token(int id, const std::string& content, bool special,
                                  bool normalized = false) {
  return {{"id", id},        {"content", content}, {"single_word", false},    {"lstrip", false},
          {"rstrip", false}, {"special", special}, {"normalized", normalized}};
}

// How byte-level vocabularies write a byte.
inline std::string byte_character(int byte) {
  int value = byte;
  if (byte <= 0x20) value = 0x100 + byte;
  if (byte >= 0x7F && byte <= 0xA0) value = 0x121 + byte - 0x7F;
  if (byte == 0xAD) value = 0x143;
  if (value < 0x80) return std::string(1, static_cast<char>(value));
  return {static_cast<char>(0xC0 | value >> 6), static_cast<char>(0x80 | (value & 0x3F))};
}

// "a b" strings, or pairs as newer files have them.
inline nlohmann::json merge_list(const Merges& merges, bool as_pairs) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [left, right] : merges) {
    if (as_pairs) {
      list.push_back({left, right});
    } else {
      list.push_back(left + " " + right);
    }
  }
  return list;
}

// A vocabulary of all bytes (id = byte), then what each merge makes (256, 257, ...), then
// "<|endoftext|>". Merges are in the alphabet of bytes: "Ġ" is a space.
inline nlohmann::json byte_level_tokenizer(const Merges& merges = {}, bool as_pairs = false) {
  nlohmann::json vocab = nlohmann::json::object();
  for (int byte = 0; byte < 256; ++byte) vocab[byte_character(byte)] = byte;
  int next = 256;
  for (const auto& [left, right] : merges) {
    if (!vocab.contains(left + right)) vocab[left + right] = next++;
  }
  vocab["<|endoftext|>"] = next;
  const nlohmann::json level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", {added_token(next, "<|endoftext|>", true)}},
          {"normalizer", nullptr},
          {"pre_tokenizer", level},
          {"post_processor", level},
          {"decoder", level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"vocab", vocab},
            {"merges", merge_list(merges, as_pairs)}}}};
}

// As LLaMA-2 has it: 0 <unk>, 1 <s>, 2 </s>, 3 .. 258 the bytes, then `characters` (each a string
// of one character) and what each merge makes. "▁" is a space; <s> comes before a text.
inline nlohmann::json llama2_tokenizer(const std::vector<std::string>& characters,
                                       const Merges& merges) {
  nlohmann::json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  int next = 3;
  for (int byte = 0; byte < 256; ++byte) {
    char token[8];
    std::snprintf(token, sizeof(token), "<0x%02X>", byte);
    vocab[token] = next++;
  }
  for (const std::string& character : characters) vocab[character] = next++;
  for (const auto& [left, right] : merges) {
    if (!vocab.contains(left + right)) vocab[left + right] = next++;
  }
  const nlohmann::json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const nlohmann::json start = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  return {
      {"version", "1.0"},
      {"added_tokens",
       {added_token(0, "<unk>", true), added_token(1, "<s>", true), added_token(2, "</s>", true)}},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         {{{"type", "Prepend"}, {"prepend", "▁"}},
          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}}},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {start, sequence}},
        {"pair", {start, sequence, start, sequence}},
        {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", merge_list(merges, false)}}}};
}

// A world vocabulary: 1 .. 256 the bytes, then `tokens` (ASCII without quotes and backslashes).
inline std::string world_vocabulary(const std::vector<std::string>& tokens) {
  std::string text;
  char line[32];
  for (int byte = 0; byte < 256; ++byte) {
    std::snprintf(line, sizeof(line), byte < 0x80 ? "%d '\\x%02x' 1\n" : "%d b'\\x%02x' 1\n",
                  byte + 1, byte);
    text += line;
  }
  int next = 257;
  for (const std::string& token : tokens) {
    text += std::to_string(next++) + " '" + token + "' " + std::to_string(token.size()) + "\n";
  }
  return text;
}

// Writes `folder`/tokenizer.json and gives its path.
inline std::filesystem::path write_tokenizer(const std::filesystem::path& folder,
                                             const nlohmann::json& tokenizer) {
  const std::filesystem::path path = folder / "tokenizer.json";
  std::ofstream(path, std::ios::binary) << tokenizer.dump(2);
  return path;
}

}  // namespace icl::testing
