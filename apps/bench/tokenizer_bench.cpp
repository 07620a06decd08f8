// SPDX-License-Identifier: Apache-2.0
#include "tokenizer_bench.h"

#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "icl/tokenizer/byte_tokenizer.h"
#include "icl/tokenizer/tokenizer.h"
#include "timer.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// A megabyte of words, numbers and punctuation; a few words come often, most seldom, as in texts.
std::string sample_text() {
  std::mt19937 random(1);
  std::vector<std::string> words;
  for (int word = 0; word < 20000; ++word) {
    std::string letters;
    for (size_t length = 1 + random() % 9; length > 0; --length) {
      letters += static_cast<char>('a' + random() % 26);
    }
    words.push_back(letters);
  }
  std::string text;
  while (text.size() < (1 << 20)) {
    const double share = static_cast<double>(random() % 65536) / 65536;
    text += words[static_cast<size_t>(share * share * share * 20000)];
    const uint32_t kind = random() % 16;
    text += kind == 0 ? ", " : kind == 1 ? ".\n" : kind == 2 ? " 1984 " : kind == 3 ? "'s " : " ";
  }
  return text;
}

std::unique_ptr<Tokenizer> tokenizer_of(const std::string& regex) {
  Json file = Json::parse(byte_tokenizer_json());
  const Json split = {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}};
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers", Json::array({split, file["pre_tokenizer"]})}};
  const auto path = std::filesystem::temp_directory_path() /
                    str("icl-bench-", static_cast<int64_t>(getpid()), ".json");
  write_file_atomically(path, file.dump());
  auto tokenizer = load_tokenizer(path);
  std::filesystem::remove(path);
  return tokenizer;
}

}  // namespace

Json bench_tokenizer() {
  const std::string text = sample_text();
  Json rows = Json::array();
  for (const auto& [name, regex] : {std::pair{"gpt2", kGpt2}, std::pair{"llama3", kLlama3}}) {
    const auto scanned = tokenizer_of(regex);
    const auto general = tokenizer_of(str("(?:", regex, ")"));  // which no scanner knows
    if (scanned->encode(text) != general->encode(text)) {
      throw DataError(str("the scanner and Oniguruma split the text differently (", name, ")"));
    }
    const std::vector<Timing> times = race({{"scanner", [&] { scanned->encode(text); }},
                                            {"oniguruma", [&] { general->encode(text); }}},
                                           c10::kCPU, /*seconds=*/2, /*most_runs=*/20);
    const double megabytes = static_cast<double>(text.size()) * 1e-6;
    rows.push_back({{"split", name},
                    {"megabytes_per_s", megabytes / times[0].median},
                    {"oniguruma_megabytes_per_s", megabytes / times[1].median},
                    {"ratio", times[1].median / times[0].median}});
  }
  return rows;
}

}  // namespace icl
