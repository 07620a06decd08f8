// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "icl/base/error.h"

namespace icl {

RunLock::RunLock(const RunFolder& folder) {
  descriptor_ = ::open(folder.checkpoints().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw DataError(str("'", folder.path().string(), "': another process is training this run"));
  }
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace icl
