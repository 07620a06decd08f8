// SPDX-License-Identifier: Apache-2.0
//
// Runs that differ in nothing but their seed form one group: one line, one colour, one name.
#pragma once

#include <string>
#include <vector>

#include "icl/report/chart.h"
#include "icl/report/run_record.h"

namespace icl::report {

struct Group {
  std::string label;  // short and unique among the groups
  std::vector<const RunRecord*> runs;
  SeriesStyle style;
};

std::vector<Group> group_runs(const std::vector<RunRecord>& runs);

// Config keys that differ between the groups, in order, those of seeds, names and machines aside.
std::vector<std::string> differing_keys(const std::vector<Group>& groups);

// "mamba" -> "Mamba", "gpt2" -> "GPT-2", "" -> "".
std::string family_name(const std::string& family);

// The mean over seeds; `std` is their standard deviation (n - 1), low and high the lowest and
// highest seed. A single curve is returned as it is, with the interval it came with. Curves are cut
// to the shortest.
Curve over_seeds(const std::vector<const Curve*>& curves);

// What the bands of such lines are: `seeds` runs behind each, `interval` the one of a single run.
std::string bands_text(const std::vector<size_t>& seeds, const std::string& interval);

}  // namespace icl::report
