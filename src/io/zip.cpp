// SPDX-License-Identifier: Apache-2.0
//
// The format: APPNOTE.TXT of PKWARE, 4.3.7 (local header), 4.3.12 (central directory), 4.3.14-16
// (ends of the central directory), 4.5.3 (ZIP64 extra field).
#include "icl/io/zip.h"

#include <zlib.h>

#include <algorithm>

#include "bytes.h"
#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl {
namespace {

constexpr std::string_view kLocalHeader("PK\x03\x04", 4);
constexpr std::string_view kDirectoryEntry("PK\x01\x02", 4);
constexpr std::string_view kDirectoryEnd("PK\x05\x06", 4);
constexpr std::string_view kDirectoryEnd64("PK\x06\x06", 4);
constexpr std::string_view kLocator64("PK\x06\x07", 4);
constexpr size_t kDirectoryEndSize = 22;
constexpr size_t kLongestComment = 65535;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // "see the ZIP64 field"

// Where a 32-bit size or offset overflows, the ZIP64 extra field holds it, in this order.
void widen(std::string_view extra, uint64_t& size, uint64_t& stored, uint64_t& offset) {
  while (extra.size() >= 4) {
    const uint16_t tag = little<uint16_t>(extra, 0);
    const size_t length = little<uint16_t>(extra, 2);
    if (extra.size() - 4 < length) return;
    if (tag == 1) {
      std::string_view field = extra.substr(4, length);
      for (uint64_t* value : {&size, &stored, &offset}) {
        if (*value != kIn64 || field.size() < 8) continue;
        *value = little<uint64_t>(field, 0);
        field.remove_prefix(8);
      }
      return;
    }
    extra.remove_prefix(4 + length);
  }
}

}  // namespace

ZipReader::ZipReader(const std::filesystem::path& path)
    : path_(path), file_(std::make_shared<MappedFile>(path)) {
  read_directory();
}

std::string_view ZipReader::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    refuse(str("the archive has no entry '", name, "'", did_you_mean(name, names())));
  }
  const auto& [bytes, crc] = found->second;
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  if (crc32_z(0, data, bytes.size()) != crc) {
    refuse(str("is damaged: entry '", name, "' is not what its checksum (CRC-32) says"));
  }
  return bytes;
}

std::vector<std::string> ZipReader::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

void ZipReader::refuse(const std::string& why) const {
  throw DataError(str("'", path_.string(), "': ", why));
}

void ZipReader::read_directory() {
  const std::string_view all = file_->bytes();
  const size_t tail = std::min(all.size(), kDirectoryEndSize + kLongestComment);
  const size_t in_tail = all.substr(all.size() - tail).rfind(kDirectoryEnd);
  if (in_tail == std::string_view::npos || tail - in_tail < kDirectoryEndSize) {
    refuse("is not a zip archive, or its end is cut off");
  }
  const size_t end = all.size() - tail + in_tail;
  uint64_t count = little<uint16_t>(all, end + 10);
  uint64_t size = little<uint32_t>(all, end + 12);
  uint64_t offset = little<uint32_t>(all, end + 16);
  if (end >= 20 && all.substr(end - 20, 4) == kLocator64) {
    const uint64_t end64 = little<uint64_t>(all, end - 12);
    if (all.size() < 56 || end64 > all.size() - 56 || all.substr(end64, 4) != kDirectoryEnd64) {
      refuse("is damaged: the ZIP64 end of the archive's directory is not where it should be");
    }
    count = little<uint64_t>(all, end64 + 32);
    size = little<uint64_t>(all, end64 + 40);
    offset = little<uint64_t>(all, end64 + 48);
  }
  if (offset > end || size > end - offset) {
    refuse(str("is damaged: the archive's directory (", size, " bytes at ", offset,
               ") lies outside the file of ", all.size(), " bytes"));
  }
  size_t position = offset;
  for (uint64_t i = 0; i < count; ++i) position = read_directory_entry(position);
}

size_t ZipReader::read_directory_entry(size_t position) {
  constexpr size_t kFixed = 46;
  const std::string_view all = file_->bytes();
  if (position > all.size() || all.size() - position < kFixed ||
      all.substr(position, 4) != kDirectoryEntry) {
    refuse(str("is damaged: no entry of the archive's directory at byte ", position));
  }
  const uint16_t flags = little<uint16_t>(all, position + 8);
  const uint16_t method = little<uint16_t>(all, position + 10);
  uint64_t stored = little<uint32_t>(all, position + 20);
  uint64_t size = little<uint32_t>(all, position + 24);
  const size_t name_size = little<uint16_t>(all, position + 28);
  const size_t extra_size = little<uint16_t>(all, position + 30);
  const size_t comment_size = little<uint16_t>(all, position + 32);
  uint64_t header = little<uint32_t>(all, position + 42);
  if (all.size() - position - kFixed < name_size + extra_size + comment_size) {
    refuse("is damaged: an entry of the archive's directory runs over the end of the file");
  }
  const std::string name(all.substr(position + kFixed, name_size));
  widen(all.substr(position + kFixed + name_size, extra_size), size, stored, header);
  if ((flags & 1) != 0) refuse(str("entry '", name, "' is encrypted"));
  if (method != 0 || stored != size) {
    refuse(str("entry '", name, "' is compressed; torch.save stores entries uncompressed"));
  }
  const auto crc = little<uint32_t>(all, position + 16);
  if (!entries_.emplace(name, Entry{local_data(name, header, size), crc}).second) {
    refuse(str("is damaged: entry '", name, "' occurs twice"));
  }
  return position + kFixed + name_size + extra_size + comment_size;
}

std::string_view ZipReader::local_data(const std::string& name, uint64_t header,
                                       uint64_t size) const {
  constexpr size_t kFixed = 30;
  const std::string_view all = file_->bytes();
  if (header > all.size() || all.size() - header < kFixed ||
      all.substr(header, 4) != kLocalHeader) {
    refuse(str("is damaged: no header of entry '", name, "' at byte ", header));
  }
  const size_t skip =
      kFixed + little<uint16_t>(all, header + 26) + little<uint16_t>(all, header + 28);
  if (all.size() - header < skip || all.size() - header - skip < size) {
    refuse(str("is cut short: entry '", name, "' of ", size, " bytes runs over the end"));
  }
  return all.substr(header + skip, size);
}

}  // namespace icl
