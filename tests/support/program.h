// SPDX-License-Identifier: Apache-2.0
//
// Runs one of the programs and collects what it printed.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace icl::testing {

struct ProgramResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

template <class Meanwhile>
ProgramResult run_program(const std::string& name, std::vector<std::string> arguments,
                          const Meanwhile& meanwhile) {
  const TempFolder folder;
  const std::string out = (folder / "out").string();
  const std::string err = (folder / "err").string();
  std::fflush(nullptr);  // or the child would print it again
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr) ::_exit(126);
    if (std::freopen(err.c_str(), "w", stderr) == nullptr) ::_exit(126);
    const std::string path = std::string(ICL_BIN_DIR) + "/" + name;
    std::vector<char*> argv = {const_cast<char*>(path.c_str())};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(path.c_str(), argv.data());
    ::_exit(127);
  }
  meanwhile(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return {code, text_of(out), text_of(err)};
}

inline ProgramResult run_program(const std::string& name, std::vector<std::string> arguments) {
  return run_program(name, std::move(arguments), [](pid_t) {});
}

}  // namespace icl::testing
