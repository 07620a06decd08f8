// SPDX-License-Identifier: Apache-2.0
//
// One process writes a run at a time. A lock dies with its process; a file system that knows no
// locks goes without.
//
//   const icl::RunLock lock(icl::RunFolder("runs/a"));
#pragma once

#include "icl/runs/run_folder.h"

namespace icl {

class RunLock {
 public:
  // Throws DataError if another process holds the lock of this run.
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace icl
