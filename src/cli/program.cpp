// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/program.h"

#include <c10/util/Exception.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/signals.h"
#include "icl/runs/provenance.h"

namespace icl {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 a defect of ours; 2 wrong usage or config; 3 missing, damaged or "
    "incompatible data; 4 training diverged; 128+n stopped by signal n after saving.";

void complain(const std::string& program, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), message.c_str());
}

// The long flags of an app and of the subcommand in use.
std::vector<std::string> known_flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands()) {
    for (const std::string& flag : known_flags(*sub)) flags.push_back(flag);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

// What an argument that nothing took might have meant.
std::string guess(const CLI::App& app, const std::string& extra) {
  if (!extra.starts_with("-")) return did_you_mean(extra, commands_of(app));
  return did_you_mean(extra.substr(0, extra.find('=')), known_flags(app));
}

std::string unknown_arguments(const CLI::App& app) {
  std::string message = "unknown argument";
  for (const std::string& extra : app.remaining(/*recurse=*/true)) {
    message += " '" + extra + "'" + guess(app, extra);
  }
  return message + " (--help lists them)";
}

// A command that is needed and not there, perhaps misspelled.
std::string missing_command(const CLI::App& app) {
  const std::string known = str("expected one of ", join(commands_of(app)));
  for (const std::string& extra : app.remaining()) {
    if (!extra.starts_with("-")) {
      return str("unknown command '", extra, "', ", known, guess(app, extra));
    }
  }
  return "no command, " + known;
}

// LibTorch has no type of its own for a CPU that is out of memory.
bool is_out_of_memory(const std::string& text) {
  for (const char* sign : {"not enough memory", "can't allocate memory", "out of memory",
                           "Storage size calculation overflowed"}) {
    if (text.find(sign) != std::string::npos) return true;
  }
  return false;
}

constexpr const char* kOutOfMemory =
    "out of memory; a smaller batch, model or number of prompts needs less";

// Whether what was printed got where it should: a full disk, or a reader that has gone.
bool flush_stdout(const std::string& program) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  const int code = errno;
  if (code == EPIPE) return false;  // the reader has all that it wanted: head, for example
  complain(program, str("stdout: cannot write the results",
                        code != 0 ? str(": ", std::strerror(code)) : std::string()));
  return false;
}

}  // namespace

std::string reason_of(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch != nullptr ? torch->what_without_backtrace() : error.what();
  const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                      (torch != nullptr && is_out_of_memory(text));
  return memory ? kOutOfMemory : text;
}

Program::Program(std::string name, std::string description, std::string examples)
    : app_(std::make_unique<CLI::App>(std::move(description), std::move(name))) {
  std::string footer = "Examples:\n";
  for (const std::string& line : split(examples, '\n')) footer += "  " + line + "\n";
  app_->footer(footer + "\n" + kExitCodes);
  app_->fallthrough();
  app_->set_version_flag("--version", version_text);
  app_->add_option("--device", common_.device, "auto, cpu, cuda or cuda:N")->group("Common");
  app_->add_option("--threads", common_.threads, "CPU threads; 0: all cores")->group("Common");
  app_->add_option("--seed", common_.seed, "seed of everything random")->group("Common");
  app_->add_option("--set", common_.set, "config assignment path=value; may be repeated")
      ->group("Common")
      ->allow_extra_args(false)
      ->take_all();
  app_->add_flag("--json", common_.json, "results as JSON on stdout")->group("Common");
  app_->add_flag("--quiet", common_.quiet, "no progress and no notes on stderr")->group("Common");
  app_->add_flag("--no-progress", common_.no_progress, "no progress on stderr")->group("Common");
  app_->add_option("--log-level", common_.log_level, join(log_levels()))->group("Common");
}

Program::~Program() = default;

int Program::parse(int argc, char** argv, bool& finished) {
  finished = true;
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app_->help("", CLI::AppFormatMode::Normal).c_str(), stdout);
    return 0;
  } catch (const CLI::CallForVersion&) {
    std::printf("%s\n", version_text().c_str());
    return 0;
  } catch (const CLI::ExtrasError&) {
    complain(app_->get_name(), unknown_arguments(*app_));
    return static_cast<int>(ExitCode::kUsage);
  } catch (const CLI::ParseError& error) {
    const bool command = app_->get_require_subcommand_min() > 0 && app_->get_subcommands().empty();
    if (command && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      complain(app_->get_name(), missing_command(*app_) + " (--help lists them)");
      return static_cast<int>(ExitCode::kUsage);
    }
    // What is missing may be there, misspelled.
    const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
                         !app_->remaining(/*recurse=*/true).empty();
    complain(app_->get_name(),
             str(error.what(), missing ? "; " + unknown_arguments(*app_) : " (--help tells more)"));
    return static_cast<int>(ExitCode::kUsage);
  }
  finished = false;
  return 0;
}

void Program::refuses(const CLI::App& command, std::vector<std::string> flags) {
  refused_.emplace_back(&command, std::move(flags));
}

// Flags that CLI11 takes and nothing would look at.
void Program::check_options() const {
  if (common_.threads && (*common_.threads < 0 || *common_.threads > 1024)) {
    throw UsageError(str("--threads ", *common_.threads, ": expected 0 .. 1024"));
  }
  if (common_.seed && *common_.seed < 0) {
    throw UsageError(str("--seed ", *common_.seed, ": expected >= 0"));
  }
  if (!common_.set.empty() && !(takes_assignments_ && takes_assignments_())) {
    throw UsageError(str("--set ", common_.set.front(),
                         ": this command reads no config that it could change (icl-train and "
                         "icl-eval sample do)"));
  }
  const std::vector<CLI::App*> commands = app_->get_subcommands();
  for (const auto& [command, flags] : refused_) {
    const bool in_use = commands.empty() ? command == app_.get() : command == commands.front();
    for (const std::string& flag : flags) {
      if (!in_use || app_->get_option(flag)->count() == 0) continue;
      throw UsageError(str(flag, ": means nothing to ", app_->get_name(),
                           commands.empty() ? "" : " " + command->get_name()));
    }
  }
  if (commands.empty()) return;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->count() == 0 || option->get_group() == "Common") continue;
    throw UsageError(str(option->get_name(), " is not for '", commands.front()->get_name(),
                         "', or stands before it: options of a command follow it"));
  }
}

int Program::run(int argc, char** argv, const std::function<int()>& body) {
  bool finished = false;
  const int parsed = parse(argc, argv, finished);
  const std::string& name = app_->get_name();
  if (finished) return flush_stdout(name) ? parsed : static_cast<int>(ExitCode::kData);
  try {
    set_log_level(common_.quiet && common_.log_level == "info" ? "warning" : common_.log_level);
    check_options();
    install_signal_handlers();
    const int code = body();
    const bool written = pending_signal() == SIGPIPE || flush_stdout(name);
    if (pending_signal() != 0) return 128 + pending_signal();
    return written ? code : static_cast<int>(ExitCode::kData);
  } catch (const Interrupted&) {
    return 128 + pending_signal();
  } catch (const Error& error) {
    complain(name, error.what());
    return static_cast<int>(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    complain(name, str("'", error.path1().string(), "': ", error.code().message()));
    return static_cast<int>(ExitCode::kData);
  } catch (const nlohmann::json::exception& error) {
    complain(name, str("a JSON file or text holds something else than expected: ", error.what()));
    return static_cast<int>(ExitCode::kData);
  } catch (const std::exception& error) {
    const std::string reason = reason_of(error);
    complain(name, reason == kOutOfMemory ? reason : "defect: " + reason);
    return static_cast<int>(reason == kOutOfMemory ? ExitCode::kUsage : ExitCode::kDefect);
  }
}

}  // namespace icl
