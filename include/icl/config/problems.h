// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a config beyond single values: keys that do not fit each other. Each problem
// names its key, so that the reader can say in which file and line the key stands.
//
//   void check(Problems& problems) const {
//     if (d_model % n_head != 0) problems.add("n_head", str(n_head, " does not divide ", d_model));
//   }
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace icl {

struct Problem {
  std::string path;  // "model.n_head"
  std::string text;  // "3 does not divide model.d_model (64)"
};

class Problems {
 public:
  explicit Problems(std::vector<Problem>& list, std::string prefix = "")
      : list_(&list), prefix_(std::move(prefix)) {}

  // The same list for the keys of a group.
  Problems in(const std::string& group) const { return Problems(*list_, path_of(group)); }
  // `key` is relative to the group.
  void add(const std::string& key, std::string text) {
    list_->push_back({path_of(key), std::move(text)});
  }
  bool empty() const { return list_->empty(); }

 private:
  std::string path_of(const std::string& key) const {
    return prefix_.empty() ? key : prefix_ + "." + key;
  }

  std::vector<Problem>* list_;
  std::string prefix_;
};

}  // namespace icl
