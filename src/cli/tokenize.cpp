// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/cli/signals.h"
#include "icl/cli/tokenize.h"
#include "icl/tokenizer/tokenizer.h"

namespace icl {
namespace {

using Json = nlohmann::json;

constexpr size_t kRead = size_t{1} << 16;

void write_all(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written) throw DataError(str("stdout: cannot write: ", std::strerror(errno)));
}

void flush() {
  if (std::fflush(stdout) != 0) {
    throw DataError(str("stdout: cannot write: ", std::strerror(errno)));
  }
}

// Waits until stdin can be read; false once a signal asks to stop.
bool wait_for_input() {
  while (pending_signal() == 0) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 200) > 0) return true;
  }
  return false;
}

// Calls `answer` for each line of stdin. What was answered leaves before more is waited for, so a
// program at the other end can talk line by line.
void for_each_line(const std::function<void(std::string_view line, int64_t number)>& answer) {
  std::string pending;  // from the start of a line
  int64_t number = 0;
  while (wait_for_input()) {
    const size_t before = pending.size();
    pending.resize(before + kRead);
    const ssize_t count = ::read(STDIN_FILENO, pending.data() + before, kRead);
    const int code = errno;
    pending.resize(before + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count < 0 && code == EINTR) continue;
    if (count < 0) throw DataError(str("stdin: cannot read: ", std::strerror(code)));
    if (count == 0) {
      if (!pending.empty()) answer(pending, ++number);
      break;
    }
    size_t begin = 0;
    for (size_t end = pending.find('\n', before); end != std::string::npos;
         end = pending.find('\n', begin)) {
      answer(std::string_view(pending).substr(begin, end - begin), ++number);
      begin = end + 1;
    }
    pending.erase(0, begin);
    flush();
  }
  flush();
}

std::string encoded(const Tokenizer& tokenizer, const Json& json, bool special) {
  if (!json.is_string()) {
    throw DataError(str("is of JSON type ", json.type_name(), "; expected one string"));
  }
  std::string text = "[";
  for (const int64_t id : tokenizer.encode(json.get_ref<const std::string&>(), special)) {
    char digits[24];
    const char* end = std::to_chars(digits, digits + sizeof(digits), id).ptr;
    text.append(digits, static_cast<size_t>(end - digits)) += ',';
  }
  if (text.back() == ',') text.pop_back();
  return text + "]\n";
}

std::string decoded(const Tokenizer& tokenizer, const Json& json, bool special) {
  const auto is_id = [](const Json& id) {
    return id.is_number_integer() && (!id.is_number_unsigned() || id.get<uint64_t>() <= INT64_MAX);
  };
  if (!json.is_array() || !std::all_of(json.begin(), json.end(), is_id)) {
    throw DataError("expected one list of token ids, as [1,2,3]");
  }
  return Json(tokenizer.decode(json.get<std::vector<int64_t>>(), special)).dump() + "\n";
}

std::string answer_to(std::string_view line, const Tokenizer& tokenizer,
                      const TokenizeOptions& options) {
  Json json;
  try {
    json = Json::parse(line);
  } catch (const Json::exception&) {
    throw DataError(str("is not JSON in UTF-8; expected ",
                        options.decode ? "one list of token ids, as [1,2,3]" : "one string"));
  }
  return options.decode ? decoded(tokenizer, json, options.special)
                        : encoded(tokenizer, json, options.special);
}

}  // namespace

void add_tokenize_options(CLI::App& app, TokenizeOptions& options) {
  app.add_option("--tokenizer", options.tokenizer,
                 "tokenizer.json, RWKV world vocabulary (.txt), or a model's folder")
      ->required();
  app.add_flag("--decode", options.decode, "lists of token ids in, strings out");
  app.add_flag("--special", options.special,
               "add the special tokens that the file puts around a text; with --decode, show "
               "special tokens, which are left out otherwise");
  app.footer(
      "Reads JSON lines from stdin: one string a line, answered by one list of token ids; with "
      "--decode the reverse. Empty lines are skipped.");
}

int run_tokenize(const TokenizeOptions& options, const CommonOptions&) {
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(options.tokenizer);
  for_each_line([&](std::string_view line, int64_t number) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    std::string answer;
    try {
      answer = answer_to(line, *tokenizer, options);
    } catch (const DataError& error) {
      flush();
      throw DataError(str("stdin: line ", number, ": ", error.what()));
    }
    write_all(answer);
  });
  return 0;
}

}  // namespace icl
