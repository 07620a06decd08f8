// SPDX-License-Identifier: Apache-2.0
//
// What all programs share: the common flags, exit codes, signals, version.
//
//   int main(int argc, char** argv) {
//     Program program("icl-eval", "Measures in-context learning curves.", "icl-eval --run runs/a");
//     std::string run;
//     program.app().add_option("--run", run, "run folder")->required();
//     return program.run(argc, argv, [&] { evaluate(run, program.common()); return 0; });
//   }
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace icl {

struct CommonOptions {
  std::optional<std::string> device;  // auto, cpu, cuda or cuda:N; not given: auto
  std::optional<int64_t> threads;     // 0, or not given: all cores
  std::optional<int64_t> seed;
  std::vector<std::string> set;  // config assignments "path=value"
  bool json = false;
  bool quiet = false;
  bool no_progress = false;
  std::string log_level = "info";

  bool show_progress() const { return !quiet && !no_progress; }
};

class Program {
 public:
  // `examples` are shown at the end of --help, one command a line.
  Program(std::string name, std::string description, std::string examples);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  CLI::App& app() { return *app_; }
  const CommonOptions& common() const { return common_; }
  // These common flags mean nothing to a command (or to the program) and are refused, not ignored.
  void refuses(const CLI::App& command, std::vector<std::string> flags);
  // --set is refused unless this says that the command in use reads a config.
  void takes_assignments(std::function<bool()> when) { takes_assignments_ = std::move(when); }

  // Parses, runs `body`, and turns what it throws into a message on stderr and an exit code:
  // 0 done, 1 a defect of ours, 2 wrong usage or config, 3 missing or damaged data, 4 diverged,
  // 128 + n when stopped by signal n.
  int run(int argc, char** argv, const std::function<int()>& body);

 private:
  int parse(int argc, char** argv, bool& finished);
  void check_options() const;

  std::unique_ptr<CLI::App> app_;
  CommonOptions common_;
  std::vector<std::pair<const CLI::App*, std::vector<std::string>>> refused_;
  std::function<bool()> takes_assignments_;
};

// Applies --device and --threads: the device to use (auto: the first GPU where there is one), with
// deterministic algorithms switched on. Throws UsageError for a device that is not there.
c10::Device prepare_device(const std::string& device, int64_t threads);
inline c10::Device prepare_device(const CommonOptions& common) {
  return prepare_device(common.device.value_or("auto"), common.threads.value_or(0));
}

// What went wrong, as one line for a person: an exception's text without LibTorch's stack trace.
std::string reason_of(const std::exception& error);

// For a program that does the same thing over and over: memory once had from the system is kept for
// the next step, not given back and asked for again, which costs training on a CPU a tenth of its
// time or more. Without effect where the C library has no such setting.
void keep_freed_memory();

}  // namespace icl
