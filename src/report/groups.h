// SPDX-License-Identifier: Apache-2.0
//
// Runs that differ in nothing but their seed form one group: one line, one colour, one name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "icl/report/chart.h"
#include "icl/report/inputs.h"

namespace icl::report {

struct Group {
  std::string label;                               // short, and unique among the groups of one task
  std::vector<const ReportedRun*> runs;            // one for each seed
  std::vector<const ReportedRun*> repeats = {};    // other runs of the same config and seed
  SeriesStyle style = {};                          // equal for equal labels
  std::map<std::string, std::string> config = {};  // "training.optimizer.lr" -> "0.001"
};

std::vector<Group> group_runs(const std::vector<ReportedRun>& runs);

// Config keys that differ between the groups, in order, those of seeds, names and machines aside.
std::vector<std::string> differing_keys(const std::vector<Group>& groups);

// "mamba" -> "Mamba": the title in the record of the family; a name without a record stays as it
// is.
std::string family_title(const std::string& family);

// The mean over seeds of curves with the lists mean, std, low and high; `std` is the standard
// deviation over seeds (n - 1), low and high are the lowest and highest seed. A single curve is
// returned as it is, with the interval it came with. Curves are cut to the shortest; a value that
// is not finite in one curve is not in the mean. For Curve and Profile.
template <class Values>
Values over_seeds(const std::vector<Values>& curves);

// What the bands of such lines are: `seeds` runs behind each, `interval` the one of a single run.
std::string bands_text(const std::vector<size_t>& seeds, const std::string& interval);

}  // namespace icl::report
