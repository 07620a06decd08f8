// SPDX-License-Identifier: Apache-2.0
//
// A config field is named once. Each config struct lists its fields in one `describe(Fields&)`; the
// visitors behind `Fields` make of that list the JSON reader, the range checks, `--print-config`,
// `--describe`, the nearest right name and the copy in a checkpoint.
//
//   struct ScheduleConfig {
//     std::string name = "cosine";
//     int64_t warmup_steps = 0;
//     double final_fraction = 0;
//     void describe(icl::Fields& f) {
//       f.choice("name", name, {"cosine", "constant"}, "shape of the learning rate over steps");
//       f.integer("warmup_steps", warmup_steps, icl::at_least(0), "steps of linear warm-up");
//       f.when(name == "cosine", "schedule.name is cosine", [&] {
//         f.number("final_fraction", final_fraction, icl::between(0, 1), "rate at the end");
//       });
//     }
//   };
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "icl/config/kinds.h"

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

  // The keys that `body` lists exist only if `active`; `condition` says when, in words
  // ("model.family is mamba"). Read, they are refused elsewhere with that reason; written, they are
  // left out. Conditions nest: a key within several applies where all of them hold.
  template <class Body>
  void when(bool active, const std::string& condition, Body&& body) {
    begin_when(active, condition);
    body();
    end_when();
  }

  // The keys that `body` lists may differ when a run is resumed.
  template <class Body>
  void may_change_on_resume(Body&& body) {
    begin_may_change();
    body();
    end_may_change();
  }

  // A key that names one of several kinds of settings (icl/config/kinds.h); settings() lists the
  // keys of the kind in use, in the same object. A kind that was not the one in use starts from its
  // defaults.
  template <class Interface>
  void kind(const char* key, Kind<Interface>& value, const char* help) {
    std::string name = value.name();
    choice(key, name, Interface::table().names(), help);
    if (name != value.name()) value = Interface::table().make(name);
  }
  template <class Interface>
  void settings(const char* key, Kind<Interface>& value) {
    const std::string subject = path_of(key) + " is ";
    when(true, subject + value.name(), [&] { value->describe(*this); });
    if (!wants_other_kinds()) return;
    for (const auto& entry : Interface::table().entries()) {
      if (entry.name == value.name()) continue;
      Kind<Interface> other = entry.make();
      when(false, subject + entry.name, [&] { other->describe(*this); });
    }
  }

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

  virtual void begin_when(bool active, const std::string& condition) = 0;
  virtual void end_when() = 0;
  virtual void begin_may_change() {}
  virtual void end_may_change() {}
  // "model.family": the key's whole path.
  virtual std::string path_of(const std::string& key) const = 0;
  // Whether settings() shall also list the keys of the kinds that are not in use.
  virtual bool wants_other_kinds() const { return false; }
};

// A struct's describe(), as the functions of reader.h, writer.h and table.h take it.
using Describe = std::function<void(Fields&)>;

}  // namespace icl
