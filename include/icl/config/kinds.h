// SPDX-License-Identifier: Apache-2.0
//
// Open tables of settings. A config key such as model.family names one of several kinds; each kind
// is a struct with the keys of its own. A table lists the kinds, and a program may add more before
// it reads a config. A Kind is a value that holds the settings of one of them.
//
//   Family family = MambaFamily{.d_state = 8};      // Family is Kind<FamilyInterface>
//   family = families().make("gpt2");               // with its defaults
//   family.as<Gpt2Family>().n_head = 4;
//   family->describe(fields);                       // what every kind of this table can do
//
// An interface is an abstract class with describe(), check() and clone(), a nested template Of<S>
// that implements it for a settings struct S, and `static Kinds<Interface>& table()`.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {

// The settings of one kind, a value: copies are deep.
template <class Interface>
class Kind {
 public:
  template <class Settings>
  requires(!std::same_as<std::remove_cvref_t<Settings>, Kind>)
      Kind(Settings settings)  // NOLINT: settings stand for their kind
      : name_(Settings::kName),
        held_(std::make_unique<typename Interface::template Of<Settings>>(std::move(settings))) {}
  Kind(const Kind& other) : name_(other.name_), held_(other.held_->clone()) {}
  Kind(Kind&&) noexcept = default;
  Kind& operator=(const Kind& other) { return *this = Kind(other); }
  Kind& operator=(Kind&&) noexcept = default;

  const std::string& name() const { return name_; }
  Interface* operator->() { return held_.get(); }
  const Interface* operator->() const { return held_.get(); }

  // The settings if they are of this type, else null.
  template <class Settings>
  Settings* get_if() {
    auto* holder = dynamic_cast<typename Interface::template Of<Settings>*>(held_.get());
    return holder == nullptr ? nullptr : &holder->settings;
  }
  template <class Settings>
  const Settings* get_if() const {
    return const_cast<Kind*>(this)->template get_if<Settings>();
  }
  // Throws UsageError for another kind.
  template <class Settings>
  Settings& as() {
    Settings* settings = get_if<Settings>();
    if (settings == nullptr) {
      throw UsageError(
          str("expected ", Interface::kWhat, " '", Settings::kName, "', got '", name_, "'"));
    }
    return *settings;
  }
  template <class Settings>
  const Settings& as() const {
    return const_cast<Kind*>(this)->template as<Settings>();
  }

 private:
  std::string name_;
  std::unique_ptr<Interface> held_;
};

// The kinds that a key may name, in the order of their names.
template <class Interface>
class Kinds {
 public:
  struct Entry {
    std::string name;
    std::string summary;                    // one line
    std::function<Kind<Interface>()> make;  // with the defaults
  };

  // `Settings` has the members `static constexpr const char* kName` and `kSummary`. Throws
  // UsageError for a name that is taken.
  template <class Settings>
  Kinds& add() {
    size_t place = 0;
    while (place < entries_.size() && entries_[place].name < Settings::kName) ++place;
    if (place < entries_.size() && entries_[place].name == Settings::kName) {
      throw UsageError(str(Interface::kWhat, " '", Settings::kName, "' is in the table already"));
    }
    entries_.insert(
        entries_.begin() + static_cast<std::ptrdiff_t>(place),
        Entry{Settings::kName, Settings::kSummary, [] { return Kind<Interface>(Settings{}); }});
    return *this;
  }

  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Entry& entry : entries_) names.push_back(entry.name);
    return names;
  }
  // Throws UsageError with the known names and the nearest one.
  Kind<Interface> make(const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (entry.name == name) return entry.make();
    }
    throw UsageError(str("unknown ", Interface::kWhat, " '", name, "'", did_you_mean(name, names()),
                         " (known: ", join(names()), ")"));
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace icl
