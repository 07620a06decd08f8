// SPDX-License-Identifier: Apache-2.0
#include "icl/io/files.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "icl/base/error.h"
#include "tests/support/temp_folder.h"

namespace icl {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::TempFolder;

int count_of(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(Files, WritesWholeFilesAndLeavesNothingBeside) {
  const TempFolder folder;
  write_file_atomically(folder / "a", "one");
  write_file_atomically(folder / "a", "two");
  EXPECT_EQ(read_file(folder / "a"), "two");
  EXPECT_EQ(count_of(folder.path()), 1);
}

TEST(Files, KeepsTheOldFileWhenTheNewOneDoesNotFit) {
  const TempFolder folder;
  write_file_atomically(folder / "a", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message =
      message_of([&] { write_file_atomically(folder / "a", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, HasSubstr("cannot write: File too large"));
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(count_of(folder.path()), 1);
}

TEST(Files, FollowsALinkAndWritesIntoAPipe) {
  const TempFolder folder;
  write_file_atomically(folder / "target", "old");
  std::filesystem::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "target"), "new");
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_file(pipe); });
  write_file_atomically(pipe, std::string(10000, 'x'));
  reader.join();
  EXPECT_EQ(read, std::string(10000, 'x'));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(Files, TellsBeforehandWhatCannotBeWritten) {
  const TempFolder folder;
  check_writable(folder / "new");
  EXPECT_EQ(count_of(folder.path()), 0);
  EXPECT_THAT(message_of([&] { check_writable(folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(message_of([&] { check_writable(folder / "none/new"); }),
              HasSubstr("there is no folder"));
}

TEST(Files, NamesWhatCannotBeRead) {
  const TempFolder folder;
  EXPECT_THAT(message_of([&] { read_file(folder / "none"); }),
              HasSubstr("none': cannot read: No such file or directory"));
  EXPECT_THAT(message_of([&] { read_file(folder.path()); }), HasSubstr("is a folder"));
}

TEST(Files, AppendsLines) {
  const TempFolder folder;
  append_line(folder / "a", "one");
  append_line(folder / "a", "two");
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\n");
}

TEST(Files, ChecksumsFindEverySingleFlippedBit) {
  std::string bytes = "in-context learning";
  const std::string whole = checksum(bytes);
  EXPECT_EQ(whole.size(), 32U);
  EXPECT_EQ(checksum(""), "99aa06d3014798d86001c324468d497f");  // the published XXH3-128 of nothing
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(checksum(bytes), whole);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
  }
}

}  // namespace
}  // namespace icl
