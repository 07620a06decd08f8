// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "icl/base/log.h"
#include "icl/cli/program.h"
#include "icl/report/report.h"

int main(int argc, char** argv) {
  icl::Program program(
      "icl-report", "Makes one offline page of the curves, training, probes and configs of runs.",
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
  return program.run(argc, argv, [&] {
    const icl::report::ReportOutcome outcome =
        icl::report::write_report({paths.begin(), paths.end()}, out);
    for (const std::string& note : outcome.notes) icl::log_warning(note);
    if (program.common().json) {
      const nlohmann::ordered_json result = {
          {"schema", "icl.report"},        {"version", 1},
          {"page", outcome.page.string()}, {"verdict", outcome.verdict},
          {"figures", outcome.figures},    {"notes", outcome.notes}};
      std::puts(result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else {
      std::printf("%s\n%s\n", outcome.verdict.c_str(), outcome.page.string().c_str());
    }
    return 0;
  });
}
