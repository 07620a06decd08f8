// SPDX-License-Identifier: Apache-2.0
//
// Each rule on the whole tree, and on small files that break it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/house/checks.h"

namespace icl::house {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = source_tree(ICL_SOURCE_DIR);
  return files;
}

template <class Rule>
std::string all_breaches(const Rule& rule) {
  std::string text;
  for (const SourceFile& file : tree()) {
    for (const std::string& breach : rule(file)) text += breach + "\n";
  }
  return text;
}

TEST(HouseTree, IsRead) {
  std::vector<std::string> paths;
  for (const SourceFile& file : tree()) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"include/icl/base/error.h", "src/base/log.cpp",
                                            "scripts/setup.sh", ".ci/run", "CMakeLists.txt"}));
}

TEST(HouseRooms, IncludeOnlyWhatLiesBelow) {
  EXPECT_EQ(all_breaches(room_breaches), "");
}

TEST(HouseRooms, ABreachNamesItsLine) {
  EXPECT_THAT(
      room_breaches(
          {"src/models/a.cpp", "#include <vector>\n#include \"icl/training/trainer.h\"\n"}),
      ElementsAre("src/models/a.cpp:2: models lies below training (icl/training/trainer.h)"));
  EXPECT_THAT(room_breaches({"include/icl/probing/a.h", "#include \"icl/evaluation/b.h\"\n"}),
              ElementsAre(HasSubstr("probing and evaluation lie side by side")));
  EXPECT_THAT(room_breaches({"include/icl/ops/a.h", "#include \"src/ops/b.h\"\n"}),
              ElementsAre(HasSubstr("a public header cannot show a private one")));
  EXPECT_THAT(room_breaches({"src/ops/a.cpp", "  # include \"src/tasks/b.h\"\n"}),
              ElementsAre(HasSubstr("ops lies below tasks")));
  EXPECT_THAT(room_breaches({"src/ops/a.cpp", "#include \"tests/support/b.h\"\n"}),
              ElementsAre(HasSubstr("only tests")));
}

TEST(HouseRooms, KernelsSeeNoTorchAndNoRoom) {
  EXPECT_THAT(room_breaches({"kernels/cuda/a.cu", "#include <c10/util/Half.h>\n"}),
              ElementsAre(HasSubstr("kernels see no torch header")));
  EXPECT_THAT(room_breaches({"kernels/cpu/a.cpp", "#include \"icl/base/shape.h\"\n"}),
              ElementsAre(HasSubstr("kernels see no room")));
  EXPECT_THAT(room_breaches({"kernels/cpu/a.cpp", "#include \"kernels/scan.h\"\n"}), IsEmpty());
  EXPECT_THAT(room_breaches({"kernels/cuda/a.cuh", "#include \"tests/emulation/b.h\"\n"}),
              ElementsAre(HasSubstr("only tests")));
}

TEST(HouseRooms, TheTokenizerSeesNoTorch) {
  EXPECT_THAT(room_breaches({"src/tokenizer/a.cpp", "#include <c10/util/FunctionRef.h>\n"}),
              ElementsAre(HasSubstr("the tokenizer sees no torch header")));
  EXPECT_THAT(room_breaches({"src/tokenizer/a.cpp", "#include \"icl/language/b.h\"\n"}),
              ElementsAre(HasSubstr("tokenizer lies below language")));
  EXPECT_THAT(room_breaches({"src/language/a.cpp", "#include \"icl/tokenizer/b.h\"\n"}), IsEmpty());
}

TEST(HouseRooms, SpdlogStaysInItsPlace) {
  EXPECT_THAT(room_breaches({"src/cli/a.cpp", "#include <spdlog/spdlog.h>\n"}),
              ElementsAre(HasSubstr("src/base/log.cpp alone")));
  EXPECT_THAT(
      room_breaches({"src/base/log.cpp", "#include <spdlog/spdlog.h>\n#include <ATen/ATen.h>\n"}),
      ElementsAre(HasSubstr("different versions of fmt")));
  EXPECT_THAT(room_breaches({"src/ops/a.cpp", "#include <torch/torch.h>\n"}),
              ElementsAre(HasSubstr("takes long to compile")));
}

TEST(HouseRooms, LowerRoomsAndNeighboursAreWelcome) {
  EXPECT_THAT(room_breaches({"src/models/a.cpp",
                             "#include \"icl/ops/b.h\"\n#include \"src/models/c.h\"\n"
                             "#include <ATen/ATen.h>\n// #include \"icl/cli/d.h\"\n"}),
              IsEmpty());
  EXPECT_THAT(room_breaches({"tests/models/a_test.cpp", "#include \"icl/training/b.h\"\n"}),
              IsEmpty());
}

TEST(HouseNames, BelongToTheirRecords) {
  EXPECT_EQ(all_breaches(name_breaches), "");
}

TEST(HouseNames, AComparisonWithANameIsABreach) {
  EXPECT_THAT(
      name_breaches({"src/probing/a.cpp", "int x;\nif (task.function == \"tree\") x = 1;\n"}),
      ElementsAre(HasSubstr("src/probing/a.cpp:2: compares a name")));
  EXPECT_THAT(name_breaches({"apps/bench/a.cpp", "return config.model.family.name() != \"s4\";\n"}),
              ElementsAre(HasSubstr("ask the record")));
  EXPECT_THAT(name_breaches({"src/evaluation/a.cpp", "if (setting.name == kStandard) return;\n"}),
              ElementsAre(HasSubstr("compares a name")));
  EXPECT_THAT(name_breaches({"tests/models/a_test.cpp", "EXPECT_TRUE(family == \"s4\");\n"}),
              IsEmpty());
  EXPECT_THAT(name_breaches({"src/models/a.cpp", "if (entry.name == value.name()) continue;\n"}),
              IsEmpty());
}

TEST(HouseStems, OfHeadersAndSourcesAreEqual) {
  std::string text;
  for (const std::string& breach : stem_breaches(tree())) text += breach + "\n";
  EXPECT_EQ(text, "");
}

TEST(HouseStems, AHeaderWithoutItsSourceIsABreach) {
  EXPECT_THAT(stem_breaches({{"include/icl/models/a.h", ""}, {"src/models/b.cpp", ""}}),
              ElementsAre(HasSubstr("no source of the same stem in src/models")));
  EXPECT_THAT(stem_breaches({{"include/icl/models/a.h", ""}, {"src/models/a.cpp", ""}}), IsEmpty());
  EXPECT_THAT(stem_breaches({{"include/icl/io/a.h", ""}, {"src/io/a_vm.cpp", ""}}), IsEmpty());
  EXPECT_THAT(stem_breaches({{"include/icl/ops/a.h", ""}, {"src/ops/a/reference.cpp", ""}}),
              IsEmpty());
}

TEST(HouseSizes, StayReadable) {
  EXPECT_EQ(all_breaches(size_breaches), "");
}

TEST(HouseSizes, OneLineTooManyIsABreach) {
  const auto file = [](const std::string& path, int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += "\n";
    return SourceFile{path, text};
  };
  for (const char* path : {"include/icl/a/b.h", "src/a/b.cpp", "kernels/cpu/a.cpp",
                           "apps/icl_a.cpp", "apps/a/b.cpp"}) {
    const int limit = line_limit_of(path);
    EXPECT_GT(limit, 0) << path;
    EXPECT_THAT(size_breaches(file(path, limit)), IsEmpty());
    EXPECT_THAT(size_breaches(file(path, limit + 1)), ElementsAre(HasSubstr("split it")));
  }
  EXPECT_THAT(size_breaches(file("tests/a/b_test.cpp", 5000)), IsEmpty());
}

TEST(HouseWords, BelongToNoMachineAndAreFinished) {
  EXPECT_EQ(all_breaches(word_breaches), "");
}

TEST(HouseWords, ABreachNamesItsLine) {
  EXPECT_THAT(word_breaches({"src/a.cpp", "int a;\n// TODO: more\n"}),
              ElementsAre("src/a.cpp:2: 'TODO' does not belong here"));
  EXPECT_THAT(word_breaches({"README.md", "in /root/icl\n"}), ElementsAre(HasSubstr("/root/")));
}

TEST(HousePreamble, NamesTheLicence) {
  EXPECT_EQ(all_breaches(preamble_breaches), "");
}

TEST(HousePreamble, ABreachSaysWhatWasExpected) {
  EXPECT_THAT(preamble_breaches({"src/a.cpp", "int a;\n"}), ElementsAre(HasSubstr("SPDX")));
  EXPECT_THAT(preamble_breaches({"src/a.h", "// SPDX-License-Identifier: Apache-2.0\nint a;\n"}),
              ElementsAre(HasSubstr("#pragma once")));
  EXPECT_THAT(preamble_breaches({"a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}),
              IsEmpty());
}

}  // namespace
}  // namespace icl::house
