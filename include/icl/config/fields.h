// SPDX-License-Identifier: Apache-2.0
//
// A config field is named once. Each config struct lists its fields in one `describe(Fields&)`; the
// visitors behind `Fields` make of that list the JSON reader, the range checks, `--print-config`,
// `--describe`, the nearest right name and the copy in a checkpoint.
//
//   struct ScheduleConfig {
//     std::string name = "cosine";
//     int64_t warmup_steps = 0;
//     void describe(Fields& f) {
//       f.choice("name", name, {"cosine", "constant"}, "shape of the learning rate over steps");
//       f.integer("warmup_steps", warmup_steps, at_least(0), "steps of linear warm-up");
//     }
//   };
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace icl {

// A closed range; `open_low` excludes the lower bound itself.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;

  bool contains(double value) const {
    return (open_low ? value > low : value >= low) && value <= high;
  }
  std::string text() const;  // ">= 1", "> 0", "0 .. 1", or "any"
};

inline Range any() {
  return {};
}
inline Range at_least(double low) {
  return {.low = low};
}
inline Range above(double low) {
  return {.low = low, .open_low = true};
}
inline Range between(double low, double high) {
  return {.low = low, .high = high};
}

// What a struct's describe() talks to.
class Fields {
 public:
  virtual ~Fields() = default;

  virtual void integer(const char* key, int64_t& value, Range range, const char* help) = 0;
  virtual void number(const char* key, double& value, Range range, const char* help) = 0;
  virtual void flag(const char* key, bool& value, const char* help) = 0;
  virtual void text(const char* key, std::string& value, const char* help) = 0;
  virtual void choice(const char* key, std::string& value, std::vector<std::string> allowed,
                      const char* help) = 0;
  // A list of words; an empty `allowed` admits any.
  virtual void words(const char* key, std::vector<std::string>& value,
                     std::vector<std::string> allowed, const char* help) = 0;
  // A list of numbers, each within `range`.
  virtual void numbers(const char* key, std::vector<double>& value, Range range,
                       const char* help) = 0;

  // Keys listed between when() and always() exist only if `active`; `condition` says when, in words
  // ("family is mamba"). Read, they are refused elsewhere with that reason; written, they are left
  // out.
  virtual void when(bool active, const char* condition) = 0;
  void always() { when(true, ""); }

  // A struct of its own under `key`.
  template <class Struct>
  void group(const char* key, Struct& value, const char* help) {
    if (enter(key, help)) value.describe(*this);
    leave();
  }

  // A list of structs under `key`.
  template <class Struct>
  void list(const char* key, std::vector<Struct>& values, const char* help) {
    const int64_t count = enter_list(key, static_cast<int64_t>(values.size()), help);
    values.resize(static_cast<size_t>(count));
    Struct example;  // lets --describe show the keys of an element of an empty list
    for (int64_t i = 0; i < count; ++i) {
      if (enter_element(i)) values[static_cast<size_t>(i)].describe(*this);
      leave();
    }
    if (count == 0 && wants_example()) {
      if (enter_element(0)) example.describe(*this);
      leave();
    }
    leave();
  }

 protected:
  // Returns whether the fields of the group shall be visited; leave() is called in any case.
  virtual bool enter(const char* key, const char* help) = 0;
  virtual int64_t enter_list(const char* key, int64_t count, const char* help) = 0;
  virtual bool enter_element(int64_t index) = 0;
  virtual bool wants_example() const { return false; }
  virtual void leave() = 0;
};

}  // namespace icl
