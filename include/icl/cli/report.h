// SPDX-License-Identifier: Apache-2.0
//
// icl-report as a function.
//
//   int main(int argc, char** argv) {
//     icl::families().add<MyFamily>();
//     return icl::report_main(argc, argv);
//   }
#pragma once

namespace icl {

// All of icl-report: parses the flags, writes the page, returns the exit code.
int report_main(int argc, char** argv);

}  // namespace icl
