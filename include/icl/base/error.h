// SPDX-License-Identifier: Apache-2.0
//
// Errors that a user can act on.
//
// Throw `UsageError`, `DataError` or `DivergedError` for anything that the person at the keyboard
// can put right; the message says what was wrong, where, and what was expected. Broken invariants
// of our own use `ICL_ASSERT`, whose failure is reported as a defect (exit code 1).
//
//   throw DataError(str("'", path, "': tensor '", name, "' is missing"));
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace icl {

// Process exit codes; a run stopped by signal n exits with 128 + n.
enum class ExitCode : int {
  kDone = 0,
  kDefect = 1,    // a defect of ours
  kUsage = 2,     // wrong command line or config
  kData = 3,      // missing, damaged or incompatible data
  kDiverged = 4,  // training produced a non-finite number
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::kData, message) {}
};

class DivergedError : public Error {
 public:
  explicit DivergedError(const std::string& message) : Error(ExitCode::kDiverged, message) {}
};

// Concatenates anything that has operator<<: str("step ", 3, ": ", loss).
template <class... Args>
std::string str(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

namespace internal {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const std::string& message);
}  // namespace internal

}  // namespace icl

// A condition that only a defect of ours can break.
#define ICL_ASSERT(condition, ...)                                                                \
  do {                                                                                            \
    if (!(condition))                                                                             \
      ::icl::internal::assertion_failed(#condition, __FILE__, __LINE__, ::icl::str(__VA_ARGS__)); \
  } while (false)
