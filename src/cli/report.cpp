// SPDX-License-Identifier: Apache-2.0
#include "icl/cli/report.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "icl/base/log.h"
#include "icl/cli/program.h"
#include "icl/report/report.h"

namespace icl {
namespace {

void print_outcome(const report::ReportOutcome& outcome, bool as_json) {
  if (!as_json) {
    std::printf("%s\n%s\n", outcome.verdict.c_str(), outcome.page.string().c_str());
    return;
  }
  const nlohmann::ordered_json result = {
      {"schema", "icl.report"},        {"version", 1},
      {"page", outcome.page.string()}, {"verdict", outcome.verdict},
      {"figures", outcome.figures},    {"notes", outcome.notes}};
  std::puts(result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace

int report_main(int argc, char** argv) {
  Program program("icl-report",
                  "Makes one offline page of the curves, training, probes and configs of runs.",
                  "icl-report runs/mamba\n"
                  "icl-report runs/mamba runs/gpt2 --out compare.html\n"
                  "icl-report runs/                       every run in the folder\n"
                  "icl-report pythia-160m.json mamba-130m.json --out language.html");
  std::vector<std::string> paths;
  std::string out;
  program.app()
      .add_option("RUN", paths, "run folders, folders of runs, or result files (.json)")
      ->required();
  program.app().add_option("--out", out, "the page; default: report.html, in the run if only one");
  program.refuses(program.app(), {"--device", "--threads", "--seed", "--no-progress"});
  return program.run(argc, argv, [&] {
    const report::ReportOutcome outcome = report::write_report({paths.begin(), paths.end()}, out);
    for (const std::string& note : outcome.notes) log_warning(note);
    print_outcome(outcome, program.common().json);
    return 0;
  });
}

}  // namespace icl
