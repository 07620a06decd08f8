// SPDX-License-Identifier: Apache-2.0
//
// The main of every test program: GoogleTest's own, but for its exit code. 77 tells CTest that all
// that was asked for was skipped; a filter that matches nothing is a failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const testing::UnitTest& run = *testing::UnitTest::GetInstance();
  if (result != 0 || GTEST_FLAG_GET(list_tests)) return result;
  if (run.test_to_run_count() == 0) {
    std::fputs("no test matches the filter\n", stderr);
    return 1;
  }
  return run.skipped_test_count() == run.test_to_run_count() ? 77 : 0;
}
