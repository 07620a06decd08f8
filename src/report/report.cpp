// SPDX-License-Identifier: Apache-2.0
#include "icl/report/report.h"

#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/runs/run_folder.h"
#include "src/report/page.h"
#include "src/report/verdict.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;

// One for each question, with ids that are unique on the page: they name files and anchors.
std::vector<Section> all_sections(const std::vector<Group>& groups, const ReportInputs& inputs) {
  std::vector<Section> sections = {in_context_section(groups), extrapolation_section(groups),
                                   settings_section(groups),   training_section(groups),
                                   probing_section(groups),    language_section(inputs.language)};
  std::erase_if(sections, [](const Section& section) { return section.figures.empty(); });
  std::set<std::string> ids;
  for (Section& section : sections) {
    for (PageFigure& each : section.figures) {
      const std::string id = each.figure.id;
      for (int i = 2; !ids.insert(each.figure.id).second; ++i) each.figure.id = str(id, "-", i);
    }
  }
  return sections;
}

}  // namespace

ReportOutcome write_report(const std::vector<fs::path>& paths, fs::path out) {
  const ReportInputs inputs = read_inputs(paths);
  if (out.empty()) {
    const bool one_run = paths.size() == 1 && inputs.runs.size() == 1 && fs::is_directory(paths[0]);
    out = RunFolder(one_run ? inputs.runs[0].path : fs::path()).report();
  }
  if (fs::is_directory(out)) {
    throw UsageError(str("--out '", out.string(), "': is a folder, expected a file such as '",
                         RunFolder(out).report().string(), "'"));
  }
  PageContent content{
      .groups = group_runs(inputs.runs), .language = inputs.language, .notes = inputs.notes};
  content.verdict = verdict(content.groups, inputs.language);
  content.summary = summary_of(content.groups);
  content.sections = all_sections(content.groups, inputs);
  content.figures_folder = out.stem().string() + "_figures";

  const fs::path folder = out.parent_path() / content.figures_folder;
  make_folders(folder);
  ReportOutcome outcome{
      .page = out, .verdict = content.verdict, .figures = {}, .notes = inputs.notes};
  for (const Section& section : content.sections) {
    for (const PageFigure& each : section.figures) {
      const Figure& figure = each.figure;
      write_file_atomically(folder / (figure.id + ".svg"), standalone_svg(figure));
      write_file_atomically(folder / (figure.id + ".csv"), to_csv(figure_table(figure)));
      outcome.figures.push_back(figure.id);
    }
  }
  if (!content.summary.rows.empty()) {
    write_file_atomically(folder / "summary.csv", to_csv(summary_table(content.summary)));
  }
  write_file_atomically(out, html_page(content));
  return outcome;
}

}  // namespace icl::report
