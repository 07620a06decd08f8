// SPDX-License-Identifier: Apache-2.0
#include "src/report/page.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/report/markup.h"

namespace icl::report {
namespace {

constexpr const char* kPageCss = R"(
:root{color-scheme:light dark;--ink:#1b1f24;--muted:#5b6470;--line:#dfe3e8;--paper:#fff;--tint:#f3f5f7;--accent:#0072b2}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e8eaed;--muted:#a3adb9;--line:#2d343c;--paper:#14181d;--tint:#1e242b;--accent:#58b0ee}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans',Arial,sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1008px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:15px;font-weight:600;color:var(--muted);margin:0 0 14px;letter-spacing:.01em}
h2{font-size:21px;line-height:1.3;margin:56px 0 4px;padding-top:18px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:30px 0 12px}
.verdict{font-size:21px;line-height:1.45;margin:0 0 22px;max-width:46em;text-wrap:pretty;overflow-wrap:anywhere}
figure{margin:0 0 10px}
figcaption{color:var(--muted);font-size:14px;max-width:50em;margin-top:10px}
svg{display:block;width:100%;height:auto}
svg.sample{display:inline-block;width:40px;height:14px;vertical-align:-2px;margin-right:6px}
.narrow{display:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;width:100%}
th,td{padding:5px 14px 5px 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--muted)}
th.t,td.t{text-align:left}
td.best{font-weight:700}
td.name{white-space:normal;min-width:9em;overflow-wrap:anywhere}
details{margin:8px 0 0;font-size:14px}
summary{cursor:pointer;color:var(--accent);padding:2px 0}
pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--tint);padding:14px 16px;overflow-x:auto;border-radius:6px}
a{color:var(--accent)}
.notes{background:var(--tint);border-left:3px solid #d55e00;padding:10px 16px;margin:20px 0;font-size:14px;overflow-wrap:anywhere}
.notes ul{margin:4px 0 0;padding-left:18px}
.muted{color:var(--muted)}
@media (max-width:700px){main{padding:20px 14px 40px}.wide{display:none}.narrow{display:block}.verdict{font-size:18px}h2{margin-top:40px}}
@media print{main{max-width:none;padding:0}details:not([open]){display:none}figure,tr{break-inside:avoid}body{font-size:11pt}.verdict{font-size:14pt}h2{margin-top:24pt}}
)";

using Text = std::vector<std::string>;

void table_head(Markup& out, const Text& columns, size_t text_columns) {
  out.open("thead").open("tr");
  for (size_t i = 0; i < columns.size(); ++i) {
    out.element("th", {{"scope", "col"}, {"class", i < text_columns ? "t" : ""}}, columns[i]);
  }
  out.close().close();
}

std::string progress_of(const ReportedRun& run) {
  if (run.planned_steps == 0) return run.steps > 0 ? with_commas(run.steps) : "\u2013";
  if (run.steps >= run.planned_steps) return with_commas(run.planned_steps);
  return with_commas(run.steps) + " of " + with_commas(run.planned_steps);
}

std::string evaluated_at(const ReportedRun& run) {
  std::set<int64_t> steps;
  for (const ReportedEvaluation& evaluation : run.evaluations) {
    if (!evaluation.of_training) steps.insert(evaluation.result.from.checkpoint_step);
  }
  if (steps.empty()) return "\u2013";
  std::vector<std::string> texts;
  for (const int64_t step : steps) texts.push_back(with_commas(step));
  return join(texts);
}

// Commit hashes are long, and reasons for a stop can be whole messages.
std::string shortened(const std::string& text, size_t length) {
  if (text.empty()) return "\u2013";
  const std::string line = text.substr(0, text.find('\n'));
  return line.size() <= length ? line : fit_text(line, 1.0, 0.56 * static_cast<double>(length));
}

void run_row(Markup& out, const std::string& label, const ReportedRun& run) {
  const Provenance& from = run.record.from;
  out.open("tr");
  out.element("td", {{"class", "t name"}}, label);
  out.open("td", {{"class", "t name"}, {"title", run.path.string()}}).text(run.name).close();
  out.element("td", {}, run.parameters > 0 ? with_commas(run.parameters) : "\u2013");
  out.element("td", {}, progress_of(run));
  out.element("td", {}, evaluated_at(run));
  out.element("td", {}, run.seed ? std::to_string(*run.seed) : "\u2013");
  const double seconds = run.metrics.seconds();
  out.element("td", {}, seconds > 0 ? human_duration(seconds) : "\u2013");
  out.element("td", {}, shortened(from.device, 24));
  out.element("td", {},
              shortened(from.git.starts_with("unknown") ? "" : from.git.substr(0, 10), 10));
  out.element("td", {{"title", run.state}}, shortened(run.state, 28));
  out.close();
}

void run_table(Markup& out, const std::vector<Group>& groups) {
  constexpr size_t kFewRuns = 12;
  size_t count = 0;
  for (const Group& group : groups) count += group.runs.size() + group.repeats.size();
  const bool folded = count > kFewRuns;
  if (folded) out.open("details").element("summary", {}, str("The ", count, " runs"));
  out.open("div", {{"class", "scroll"}}).open("table");
  table_head(out,
             {"Model", "Run", "Parameters", "Steps", "Evaluated at", "Seed", "Time", "Device",
              "Git", "State"},
             2);
  out.open("tbody");
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) run_row(out, group.label, *run);
    for (const ReportedRun* run : group.repeats) {
      run_row(out, group.label + " (the same config and seed once more: not in the figures)", *run);
    }
  }
  out.close().close().close();
  if (folded) out.close();
}

// A path as a link: what has a meaning in addresses is written as %XX.
std::string address(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte <= ' ' || byte >= 127 ||
                         std::string_view("%#?\"<>\\^`{|}").find(c) != std::string_view::npos;
    text += special ? std::string{'%', kDigits[byte / 16], kDigits[byte % 16]} : std::string(1, c);
  }
  return text;
}

std::string cell_text(const SummaryCell& cell) {
  if (cell.seeds == 0) return "\u2013";
  std::string text = std::isfinite(cell.mean) ? short_number(cell.mean) : "not finite";
  if (std::isfinite(cell.low) && std::isfinite(cell.high)) {
    text += " [" + short_number(cell.low) + ", " + short_number(cell.high) + "]";
  }
  return text;
}

void summary_block(Markup& out, const PageContent& content) {
  const Summary& summary = content.summary;
  if (summary.rows.empty()) return;
  out.element("h2", {}, "Summary");
  out.open("div", {{"class", "scroll"}}).open("table");
  Text head = {"Task", "In-context examples"};
  head.insert(head.end(), summary.models.begin(), summary.models.end());
  head.emplace_back("Best baseline");
  table_head(out, head, 2);
  out.open("tbody");
  for (size_t i = 0; i < summary.rows.size(); ++i) {
    const SummaryRow& row = summary.rows[i];
    const bool same_task = i > 0 && summary.rows[i - 1].task == row.task;
    out.open("tr").element("th", {{"scope", "row"}, {"class", "t"}}, same_task ? "" : row.task);
    out.element("td", {{"class", "t"}}, str(row.n, " (", row.meaning, ")"));
    for (const SummaryCell& cell : row.cells) {
      out.element("td", {{"class", cell.best ? "best" : ""}},
                  cell_text(cell) + (cell.best ? " *" : ""));
    }
    out.element("td", {}, row.baseline.empty() ? "\u2013" : row.baseline).close();
  }
  out.close().close().close();
  const std::string file = content.figures_folder + "/summary.csv";
  out.open("p", {{"class", "muted"}});
  out.text(
      "Mean error in each task's main setting; in brackets the 90% interval of a single run, or "
      "the "
      "lowest and the highest seed. * the least of the models. Every digit: ");
  out.open("a", {{"href", address(file)}}).text(file).close().text(".").close();
}

void language_table(Markup& out, const std::vector<LanguageEvaluation>& results) {
  out.open("div", {{"class", "scroll"}}).open("table");
  table_head(out, {"Language model", "Family", "Parameters", "Shots", "Accuracy"}, 2);
  out.open("tbody");
  for (const LanguageEvaluation& result : results) {
    Text shots, accuracy;
    for (const GroupMeans& mean : means_over_tasks(result)) {
      shots.push_back(std::to_string(mean.shots));
      accuracy.push_back(short_number(mean.fixed.accuracy));
    }
    const LanguageFacts& facts = result.facts;
    out.open("tr");
    out.element("td", {{"class", "t name"}}, facts.name);
    out.element("td", {{"class", "t"}}, family_title(facts.family));
    out.element("td", {}, facts.parameters > 0 ? with_commas(facts.parameters) : "\u2013");
    out.element("td", {}, join(shots));
    out.element("td", {}, join(accuracy));
    out.close();
  }
  out.close().close().close();
}

// Evenly spread rows, the first and the last among them.
std::vector<size_t> chosen_rows(size_t count, size_t most) {
  std::vector<size_t> rows;
  const size_t shown = std::min(count, most);
  for (size_t i = 0; i < shown; ++i) {
    rows.push_back(shown == 1 ? 0 : (i * (count - 1) + (shown - 1) / 2) / (shown - 1));
  }
  return rows;
}

std::string value_text(const Series& series, size_t i) {
  std::string text = short_number(series.ys[i]);
  if (!series.low.empty() && !std::isnan(series.low[i])) {
    text += " [" + short_number(series.low[i]) + ", " + short_number(series.high[i]) + "]";
  }
  return text;
}

std::string place_text(const Axis& axis, double x) {
  for (const auto& [at, label] : axis.ticks) {
    if (at == x) return label;
  }
  return axis.whole ? with_commas(static_cast<int64_t>(x)) : short_number(x);
}

void chart_table(Markup& out, const LineChart& chart, size_t most) {
  std::map<double, Text> rows;
  const size_t count = chart.series.size();
  Text head = {chart.x.label.empty() ? "n" : chart.x.label};
  for (size_t s = 0; s < count; ++s) {
    const Series& series = chart.series[s];
    head.push_back(series.label);
    for (size_t i = 0; i < series.xs.size(); ++i) {
      Text& row = rows[series.xs[i]];
      row.resize(count);
      row[s] = value_text(series, i);
    }
  }
  if (!chart.title.empty()) out.element("p", {{"class", "muted"}}, chart.title);
  out.open("div", {{"class", "scroll"}}).open("table");
  table_head(out, head, 0);
  out.open("tbody");
  std::vector<double> places;
  for (const auto& [x, texts] : rows) places.push_back(x);
  for (const size_t row : chosen_rows(places.size(), most)) {
    out.open("tr").element("th", {{"scope", "row"}}, place_text(chart.x, places[row]));
    for (const std::string& text : rows[places[row]]) out.element("td", {}, text);
    out.close();
  }
  out.close().close().close();
}

void map_table(Markup& out, const HeatMap& map) {
  if (!map.title.empty()) out.element("p", {{"class", "muted"}}, map.title);
  out.open("div", {{"class", "scroll"}}).open("table");
  Text head = {map.x_label};
  head.insert(head.end(), map.columns.begin(), map.columns.end());
  table_head(out, head, 1);
  out.open("tbody");
  for (size_t r = 0; r < map.rows.size(); ++r) {
    out.open("tr").element("th", {{"scope", "row"}, {"class", "t"}}, map.rows[r]);
    for (const double value : map.values[r]) out.element("td", {}, short_number(value));
    out.close();
  }
  out.close().close().close();
}

// The linear and the logarithmic view of one chart share their numbers.
bool same_numbers(const Panel& a, const Panel& b) {
  const auto* left = std::get_if<LineChart>(&a);
  const auto* right = std::get_if<LineChart>(&b);
  if (left == nullptr || right == nullptr || left->series.size() != right->series.size())
    return false;
  for (size_t i = 0; i < left->series.size(); ++i) {
    if (left->series[i].label != right->series[i].label) return false;
    if (left->series[i].ys != right->series[i].ys) return false;
  }
  return left->title == right->title;
}

void numbers_fold(Markup& out, const Figure& figure, const std::string& folder) {
  constexpr size_t kRows = 61, kRowsOfMany = 13;
  out.open("details").element("summary", {}, "The numbers");
  const size_t most = figure.panels.size() > 2 ? kRowsOfMany : kRows;
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    if (i > 0 && same_numbers(figure.panels[i - 1], figure.panels[i])) continue;
    if (const auto* chart = std::get_if<LineChart>(&figure.panels[i])) {
      chart_table(out, *chart, most);
    } else {
      map_table(out, std::get<HeatMap>(figure.panels[i]));
    }
  }
  out.open("p", {{"class", "muted"}}).text("All rows with every digit: ");
  const std::string file = folder + "/" + figure.id;
  out.open("a", {{"href", address(file + ".csv")}})
      .text(file + ".csv")
      .close()
      .text("; the picture: ");
  out.open("a", {{"href", address(file + ".svg")}}).text(file + ".svg").close().text(".");
  out.close().close();
}

void figure_block(Markup& out, const PageFigure& each, const std::string& folder) {
  const Figure& figure = each.figure;
  if (each.folded) {
    const size_t charts = figure.panels.size();
    out.open("details").element(
        "summary", {}, str(figure.title, " (", charts, charts == 1 ? " chart)" : " charts)"));
  } else {
    out.element("h3", {}, figure.title);
  }
  out.open("figure");
  out.open("div", {{"class", "wide"}}).raw(inline_svg(figure, Width::kWide)).close();
  out.open("div", {{"class", "narrow"}}).raw(inline_svg(figure, Width::kNarrow)).close();
  out.element("figcaption", {}, figure.caption);
  out.close();
  numbers_fold(out, figure, folder);
  if (each.folded) out.close();
}

void config_section(Markup& out, const std::vector<Group>& groups) {
  const bool any = std::any_of(groups.begin(), groups.end(), [](const Group& group) {
    return group.runs.front()->config_json.is_object();
  });
  if (!any) return;
  out.element("h2", {}, "Configuration");
  const Text keys = differing_keys(groups);
  if (!keys.empty()) {
    out.element("h3", {}, "Where the models differ");
    out.open("div", {{"class", "scroll"}}).open("table");
    Text head = {"Key"};
    for (const Group& group : groups) head.push_back(group.label);
    table_head(out, head, 1);
    out.open("tbody");
    for (const std::string& key : keys) {
      out.open("tr").element("th", {{"scope", "row"}, {"class", "t"}}, key);
      for (const Group& group : groups) {
        const auto found = group.config.find(key);
        out.element("td", {},
                    found == group.config.end() ? "\u2013" : shortened(found->second, 40));
      }
      out.close();
    }
    out.close().close().close();
  }
  for (const Group& group : groups) {
    for (const ReportedRun* run : group.runs) {
      if (!run->config_json.is_object()) continue;
      out.open("details").element("summary", {}, run->name + ": the whole config");
      using Json = nlohmann::ordered_json;
      out.element("pre", {}, run->config_json.dump(2, ' ', false, Json::error_handler_t::replace));
      out.close();
    }
  }
}

void notes_block(Markup& out, const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  out.open("div", {{"class", "notes"}, {"role", "note"}}).text("What this report could not read");
  out.open("ul");
  for (const std::string& note : notes) out.element("li", {}, note);
  out.close().close();
}

}  // namespace

std::string html_page(const PageContent& content) {
  Markup out;
  Text labels;
  const auto add_label = [&](const std::string& label) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  };
  for (const Group& group : content.groups) add_label(group.label);
  for (const LanguageEvaluation& result : content.language) add_label(result.facts.name);
  const std::string title = "In-context learning: " + join(labels);
  out.raw("<!DOCTYPE html>\n").open("html", {{"lang", "en"}}).open("head");
  out.leaf("meta", {{"charset", "utf-8"}});
  out.leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  out.element("title", {}, title);
  out.open("style").raw(kPageCss).raw(chart_css()).close();
  out.close().open("body").open("main");
  out.element("h1", {}, title);
  out.element("p", {{"class", "verdict"}}, content.verdict);
  notes_block(out, content.notes);
  summary_block(out, content);
  if (!content.groups.empty()) {
    out.element("h2", {}, "Runs");
    run_table(out, content.groups);
  }
  if (!content.language.empty()) language_table(out, content.language);
  for (const Section& section : content.sections) {
    out.open("section").element("h2", {}, section.title);
    for (const PageFigure& figure : section.figures) {
      figure_block(out, figure, content.figures_folder);
    }
    out.close();
  }
  config_section(out, content.groups);
  out.close().close().close();
  return out.take();
}

}  // namespace icl::report
