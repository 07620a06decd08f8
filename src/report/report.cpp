// SPDX-License-Identifier: Apache-2.0
#include "icl/report/report.h"

#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "src/report/page.h"
#include "src/report/verdict.h"

namespace icl::report {
namespace {

namespace fs = std::filesystem;

std::vector<Section> all_sections(const std::vector<Group>& groups, const ReportInputs& inputs) {
  std::vector<Section> sections;
  for (const TaskOfCurves& task : tasks_of(groups)) {
    sections.push_back(in_context_section(groups, task));
  }
  sections.push_back(training_section(groups));
  sections.push_back(probing_section(groups));
  sections.push_back(language_section(inputs.language));
  std::erase_if(sections, [](const Section& section) { return section.figures.empty(); });
  // Ids name files and anchors: two tasks may share a name.
  std::set<std::string> ids;
  for (Section& section : sections) {
    for (Figure& figure : section.figures) {
      const std::string id = figure.id;
      for (int i = 2; !ids.insert(figure.id).second; ++i) figure.id = str(id, "-", i);
    }
  }
  return sections;
}

}  // namespace

ReportOutcome write_report(const std::vector<fs::path>& paths, fs::path out) {
  const ReportInputs inputs = read_inputs(paths);
  if (out.empty()) {
    const bool one_run = paths.size() == 1 && inputs.runs.size() == 1 && fs::is_directory(paths[0]);
    out = one_run ? inputs.runs[0].path / "report.html" : fs::path("report.html");
  }
  if (fs::is_directory(out)) {
    throw UsageError(str("--out '", out.string(), "': is a folder, expected a file such as '",
                         (out / "report.html").string(), "'"));
  }
  PageContent content{
      .groups = group_runs(inputs.runs), .language = inputs.language, .notes = inputs.notes};
  content.verdict = verdict(content.groups, inputs.language);
  content.sections = all_sections(content.groups, inputs);

  const fs::path folder = out.parent_path() / "figures";
  make_folders(folder);
  ReportOutcome outcome{
      .page = out, .verdict = content.verdict, .figures = {}, .notes = inputs.notes};
  for (const Section& section : content.sections) {
    for (const Figure& figure : section.figures) {
      write_file_atomically(folder / (figure.id + ".svg"), standalone_svg(figure));
      write_file_atomically(folder / (figure.id + ".csv"), to_csv(figure_table(figure)));
      outcome.figures.push_back(figure.id);
    }
  }
  write_file_atomically(out, html_page(content));
  return outcome;
}

}  // namespace icl::report
