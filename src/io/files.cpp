// SPDX-License-Identifier: Apache-2.0
#include "icl/io/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

#include "icl/base/error.h"

namespace icl {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  const int code = errno;
  throw DataError(str("'", path.string(), "': cannot ", action, ": ", std::strerror(code)));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, const char* action) : path_(path) {
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (fd_ < 0) fail(path, action);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(path_, "write");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  void sync() const {
    if (::fsync(fd_) != 0) fail(path_, "sync");
  }
  size_t size() const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) fail(path_, "examine");
    if (S_ISDIR(info.st_mode)) {
      throw DataError(str("'", path_.string(), "': is a folder, expected a file"));
    }
    return static_cast<size_t>(info.st_size);
  }
  int get() const { return fd_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, "read");
  // One byte more than the size of the file: a pipe has the size 0, and read() shall meet the end.
  std::string bytes(file.size() + 1, '\0');
  size_t done = 0;
  while (true) {
    if (done == bytes.size()) bytes.resize(2 * bytes.size() + 4096);
    const ssize_t count = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "read");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

void write_file_synced(const std::filesystem::path& path, std::string_view bytes) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC, "write");
  file.write(bytes);
  file.sync();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there) && !fs::is_directory(there)) {
    Descriptor(path, O_WRONLY, "write").write(bytes);
    return;
  }
  fs::path target = path;
  if (fs::is_symlink(fs::symlink_status(path, ignored))) {
    target = fs::weakly_canonical(parent_of(path) / fs::read_symlink(path, ignored), ignored);
  }
  fs::path beside = target;
  beside += str(".tmp-", ::getpid());
  try {
    write_file_synced(beside, bytes);
    if (::rename(beside.c_str(), target.c_str()) != 0) fail(path, "replace");
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
  sync_directory(parent_of(target));
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!failure) return;
  throw DataError(str("'", folder.string(), "': cannot make this folder: ", failure.message()));
}

void check_writable(const std::filesystem::path& path) {
  if (path.empty()) throw DataError("an empty name of a file to write");
  if (fs::is_directory(path)) {
    throw DataError(str("'", path.string(), "': is a folder, expected a file"));
  }
  const fs::path folder = parent_of(path);
  if (!fs::is_directory(folder)) {
    throw DataError(str("'", path.string(), "': there is no folder '", folder.string(), "'"));
  }
  const fs::path& asked = fs::exists(path) ? path : folder;
  if (::access(asked.c_str(), W_OK) != 0) fail(path, "write");
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND, "append to");
  file.write(std::string(line) + "\n");
}

void sync_directory(const std::filesystem::path& directory) {
  Descriptor(directory, O_RDONLY | O_DIRECTORY, "open folder").sync();
}

std::string checksum(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  XXH128_canonical_t canonical{};
  XXH128_canonicalFromHash(&canonical, hash);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string checksum_of_file(const std::filesystem::path& path) {
  return checksum(MappedFile(path).bytes());
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, "read");
  size_ = file.size();
  if (size_ == 0) return;
  void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (memory == MAP_FAILED) fail(path, "map");
  data_ = static_cast<char*>(memory);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace icl
