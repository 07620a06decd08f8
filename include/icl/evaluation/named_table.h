// SPDX-License-Identifier: Apache-2.0
//
// An open table of records with a name each, in the order in which they were added.
//
//   icl::NamedTable<icl::Baseline> table("baseline");
//   table.add({.name = "zero", .description = "always 0"});
#pragma once

#include <algorithm>
#include <list>
#include <string>
#include <vector>

#include "icl/base/error.h"

namespace icl {

template <class Record>
class NamedTable {
 public:
  explicit NamedTable(std::string what) : what_(std::move(what)) {}

  // Throws UsageError for a name that is taken, or that is no part of a file's name.
  NamedTable& add(Record record) {
    if (record.name.empty() || record.name.find_first_of("/\\, \n") != std::string::npos) {
      throw UsageError(
          str(what_, " '", record.name, "': expected a name without commas, slashes and spaces"));
    }
    if (find(record.name) != nullptr) {
      throw UsageError(str(what_, " '", record.name, "' is in the table already"));
    }
    records_.push_back(std::move(record));
    return *this;
  }

  const std::list<Record>& records() const { return records_; }
  // Null for a name that is not there; what it points to stays when more is added.
  const Record* find(const std::string& name) const {
    const auto place = std::find_if(records_.begin(), records_.end(),
                                    [&](const Record& record) { return record.name == name; });
    return place == records_.end() ? nullptr : &*place;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Record& record : records_) names.push_back(record.name);
    return names;
  }

 private:
  std::string what_;
  std::list<Record> records_;
};

}  // namespace icl
