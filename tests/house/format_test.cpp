// SPDX-License-Identifier: Apache-2.0
//
// Every C++ and CUDA file is as clang-format 14 would write it (versions differ in details).
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/house/checks.h"

namespace icl::house {
namespace {

struct Finished {
  int status;
  std::string output;
};

Finished run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot run " + command};
  std::string output;
  std::array<char, 4096> part;
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), n);
  return {pclose(pipe), output};
}

bool has_clang_format() {
  return run("clang-format-14 --version").status == 0;
}

// The complaints about the listed files; "" for none.
std::string complaints(const std::string& files) {
  const Finished check = run(std::string("cd '") + ICL_SOURCE_DIR +
                             "' && clang-format-14 --dry-run -Werror --style=file" + files);
  return check.status == 0 ? "" : check.output + "run clang-format-14 -i on these files\n";
}

TEST(HouseFormat, IsThatOfClangFormat) {
  if (!has_clang_format())
    GTEST_SKIP() << "clang-format-14 is not installed; scripts/setup.sh does";
  std::string files;
  for (const SourceFile& file : source_tree(ICL_SOURCE_DIR)) {
    const std::string extension = std::filesystem::path(file.path).extension();
    if (extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh") {
      files += " '" + file.path + "'";
    }
  }
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(complaints(files), "");
}

TEST(HouseFormat, FindsAMisplacedBrace) {
  if (!has_clang_format())
    GTEST_SKIP() << "clang-format-14 is not installed; scripts/setup.sh does";
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("icl_format_" + std::to_string(getpid()) + ".cpp");
  std::ofstream(path) << "int f( )\n{ return 1;}\n";
  EXPECT_NE(complaints(" '" + path.string() + "'"), "");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace icl::house
