// SPDX-License-Identifier: Apache-2.0
//
// What is made of a struct's describe(), on a small shop of pets: reading, writing, the table of
// keys.
#include "icl/config/fields.h"

#include <gmock/gmock.h>

#include "icl/base/error.h"
#include "icl/config/reader.h"
#include "icl/config/table.h"
#include "icl/config/writer.h"

namespace icl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PetInterface {
 public:
  static constexpr const char* kWhat = "pet";
  static Kinds<PetInterface>& table();
  template <class Settings>
  class Of;
  virtual ~PetInterface() = default;
  virtual void describe(Fields& f) = 0;
  virtual std::unique_ptr<PetInterface> clone() const = 0;
};

template <class Settings>
class PetInterface::Of final : public PetInterface {
 public:
  explicit Of(Settings own) : settings(std::move(own)) {}
  void describe(Fields& f) override { settings.describe(f); }
  std::unique_ptr<PetInterface> clone() const override { return std::make_unique<Of>(settings); }
  Settings settings;
};

struct Cat {
  static constexpr const char* kName = "cat";
  static constexpr const char* kSummary = "purrs";
  int64_t lives = 9;
  void describe(Fields& f) { f.integer("lives", lives, between(1, 9), "lives left"); }
};

struct Dog {
  static constexpr const char* kName = "dog";
  static constexpr const char* kSummary = "barks";
  int64_t lives = 1;
  bool leash = true;
  std::string leash_colour = "red";
  void describe(Fields& f) {
    f.integer("lives", lives, between(1, 1), "lives left");
    f.flag("leash", leash, "goes out on a leash");
    f.when(leash, "pet.leash is true",
           [&] { f.text("leash_colour", leash_colour, "of the leash"); });
  }
};

Kinds<PetInterface>& PetInterface::table() {
  static Kinds<PetInterface> pets = [] {
    Kinds<PetInterface> table;
    table.add<Dog>();
    table.add<Cat>();
    return table;
  }();
  return pets;
}

struct Household {
  Kind<PetInterface> pet = Cat{};
  double rent = 100;

  void describe(Fields& f) {
    f.kind("pet", pet, "who lives there");
    f.may_change_on_resume([&] { f.number("rent", rent, at_least(0), "a month"); });
    f.settings("pet", pet);
  }
};

struct Read {
  Household household;
  std::vector<std::string> problems;
};

Read read(const ConfigTree& tree) {
  Read result;
  read_fields(
      tree, [&](Fields& f) { result.household.describe(f); }, result.problems);
  return result;
}

Read read(const std::string& text, const std::vector<std::string>& assignments = {}) {
  ConfigTree tree = ConfigTree::from_text(text, "x");
  for (const std::string& assignment : assignments) tree.set(assignment);
  return read(tree);
}

TEST(Kinds, AreListedByNameAndMadeWithTheirDefaults) {
  EXPECT_THAT(PetInterface::table().names(), ElementsAre("cat", "dog"));
  EXPECT_EQ(PetInterface::table().make("dog").as<Dog>().lives, 1);
  EXPECT_THROW(PetInterface::table().make("dgo"), UsageError);
  EXPECT_THROW(PetInterface::table().add<Cat>(), UsageError);
}

TEST(Kinds, AreValues) {
  Kind<PetInterface> first = Cat{.lives = 3};
  Kind<PetInterface> second = first;
  second.as<Cat>().lives = 2;
  EXPECT_EQ(first.as<Cat>().lives, 3);
  EXPECT_EQ(first.get_if<Dog>(), nullptr);
  EXPECT_THROW(first.as<Dog>(), UsageError);
  first = Dog{};
  EXPECT_EQ(first.name(), "dog");
}

TEST(Fields, AKindBringsItsOwnKeys) {
  const Read dog = read(R"({"pet": "dog", "leash_colour": "blue"})");
  EXPECT_THAT(dog.problems, IsEmpty());
  EXPECT_EQ(dog.household.pet.as<Dog>().leash_colour, "blue");
  EXPECT_THAT(read(R"({"pet": "cat", "leash": true})").problems,
              ElementsAre("x:1: leash: applies only when pet is dog"));
  EXPECT_THAT(read(R"({"pet": "dgo"})").problems, ElementsAre(HasSubstr("did you mean 'dog'?")));
}

TEST(Fields, ConditionsNest) {
  EXPECT_THAT(read(R"({"pet": "dog", "leash": false, "leash_colour": "blue"})").problems,
              ElementsAre("x:1: leash_colour: applies only when pet.leash is true"));
  EXPECT_THAT(read(R"({"pet": "cat", "leash_colour": "blue"})").problems,
              ElementsAre(HasSubstr("leash_colour: applies only when pet is dog")));
}

// A config that takes another's keys and another kind leaves the keys of the first kind behind.
TEST(Fields, InheritedKeysOfAnotherKindFallAway) {
  const Read read_later = read(R"({"pet": "dog", "leash": false})", {"pet=cat"});
  EXPECT_THAT(read_later.problems, IsEmpty());
  EXPECT_EQ(read_later.household.pet.name(), "cat");
  // The same layer, or a later one, is a mistake.
  EXPECT_THAT(read(R"({"pet": "dog"})", {"pet=cat", "leash=false"}).problems,
              ElementsAre(HasSubstr("--set leash=false: leash: applies only when pet is dog")));
}

TEST(Fields, NullRemovesAnInheritedKey) {
  const Read removed = read(R"({"pet": "dog", "rent": 7})", {"rent=null"});
  EXPECT_THAT(removed.problems, IsEmpty());
  EXPECT_EQ(removed.household.rent, 100);
}

TEST(Fields, AreWrittenWithoutTheKeysThatDoNotApply) {
  Household household{.pet = Dog{.leash = false}, .rent = 5};
  const auto json = write_fields([&](Fields& f) { household.describe(f); });
  EXPECT_EQ(json.dump(), R"({"pet":"dog","rent":5.0,"lives":1,"leash":false})");
}

TEST(Fields, AreListedWithTheirConditions) {
  Household household;
  const std::string table = table_of_fields([&](Fields& f) { household.describe(f); });
  EXPECT_THAT(table, HasSubstr("(only when pet is cat)"));
  EXPECT_THAT(table, HasSubstr("(only when pet is dog and pet.leash is true)"));
  EXPECT_THAT(keys_that_may_change([&](Fields& f) { household.describe(f); }), ElementsAre("rent"));
}

TEST(Fields, AWholeGroupSetAtOnceIsNamedAsTheOrigin) {
  ConfigTree tree = ConfigTree::from_text(R"({"a": {"b": 1}})", "x");
  tree.set(R"(a={"c": {"d": 2}})");
  EXPECT_EQ(tree.origin("a.c.d"), R"(--set a={"c": {"d": 2}})");
  EXPECT_EQ(tree.origin("a.b"), "x:1");
  tree.set("seed=3", "--seed 3");
  EXPECT_EQ(tree.origin("seed"), "--seed 3");
}

TEST(ConfigTree, NumbersAreReadAsPeopleWriteThem) {
  ConfigTree tree;
  for (const char* assignment : {"a=.001", "b=1.", "c=+0.5", "d=-3", "e=1e-3", "f=v1.2", "g=+"}) {
    tree.set(assignment);
  }
  EXPECT_EQ(tree.value().dump(),
            R"({"a":0.001,"b":1.0,"c":0.5,"d":-3,"e":0.001,"f":"v1.2","g":"+"})");
}

TEST(ConfigTree, NamesTheSlipsThatPeopleMake) {
  const auto message = [](const std::string& text, const std::string& name) {
    try {
      ConfigTree::from_text(text, name);
      return std::string();
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(message("{\n  \"a\": 1,\n}", "x.json"),
              ::testing::AllOf(HasSubstr("x.json:3:1: not valid JSON"),
                               HasSubstr("no comma before a closing bracket")));
  EXPECT_THAT(message("{\"a\": [1, 2, ]}", "x.json"),
              HasSubstr("no comma before a closing bracket"));
  EXPECT_THAT(message("seed: 1\n", "x.yaml"), HasSubstr("looks like YAML"));
  EXPECT_THAT(message("{\"a\": 1,\n\"\\u0061\": 2}", "x.json"),
              HasSubstr("x.json:2: a is given a second time"));
  EXPECT_THAT(message("{\"a\" 1}", "x.json"), Not(HasSubstr("no comma")));
}

}  // namespace
}  // namespace icl
