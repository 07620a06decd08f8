// SPDX-License-Identifier: Apache-2.0
//
// One offline page about runs and results: a verdict, a table of tasks and models, curves,
// training, probes, numbers, configs.
//
//   const ReportOutcome outcome = write_report({"runs/mamba", "runs/gpt2"}, "report.html");
//   std::puts(outcome.verdict.c_str());
//
// Beside the page, a folder named after it ("report_figures" for report.html) holds each figure by
// itself, as NAME.svg and NAME.csv, and the table as summary.csv.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace icl::report {

struct ReportOutcome {
  std::filesystem::path page;
  std::string verdict;
  std::vector<std::string> figures;  // their ids, in the order of the page
  std::vector<std::string> notes;    // what could not be read
};

// Reads what read_inputs reads and writes the page, an existing one too. An empty `out` means
// report.html, inside the run if there is only one. Equal inputs give equal bytes. Throws DataError
// when nothing is usable or nothing can be written.
ReportOutcome write_report(const std::vector<std::filesystem::path>& inputs,
                           std::filesystem::path out = {});

}  // namespace icl::report
