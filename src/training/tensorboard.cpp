// SPDX-License-Identifier: Apache-2.0
#include "icl/training/tensorboard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <fstream>

#include "icl/base/error.h"

namespace icl {
namespace {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::copy_n(reinterpret_cast<const char*>(&value), sizeof(T), bytes.begin());
  return bytes;
}

// Protocol-buffer fields: a key of (number << 3 | wire type), then the value.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string text_field(uint32_t number, const std::string& text) {
  return varint(number << 3 | 2) + varint(text.size()) + text;
}

std::string double_field(uint32_t number, double value) {
  return varint(number << 3 | 1) + bytes_of(value);
}

}  // namespace

uint32_t masked_crc32c(std::string_view bytes) {
  constexpr uint32_t kPolynomial = 0x82F63B78;  // Castagnoli's, reflected
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, int64_t first_step,
                                     double wall_time) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "events.out.tfevents.%010lld.icl",
                static_cast<long long>(wall_time));
  path_ = folder / name.data();
  // Event{wall_time = 1, file_version = 3}
  record(double_field(1, wall_time) + text_field(3, "brain.Event:2"));
  // Event{wall_time = 1, step = 2, session_log = 7 {status = 1: START}}
  if (first_step > 0) {
    constexpr uint64_t kStart = 1;
    record(double_field(1, wall_time) + varint(2 << 3) + varint(static_cast<uint64_t>(first_step)) +
           text_field(7, varint(1 << 3) + varint(kStart)));
  }
}

void TensorBoardWriter::scalar(const std::string& tag, double value, int64_t step,
                               double wall_time) {
  // Event{wall_time = 1, step = 2, summary = 5 {value = 1 {tag = 1, simple_value = 2 (float)}}}
  const std::string number = varint(2 << 3 | 5) + bytes_of(static_cast<float>(value));
  const std::string summary = text_field(1, text_field(1, tag) + number);
  record(double_field(1, wall_time) + varint(2 << 3) + varint(static_cast<uint64_t>(step)) +
         text_field(5, summary));
}

void TensorBoardWriter::record(const std::string& event) {
  const std::string length = bytes_of<uint64_t>(event.size());
  const std::string bytes =
      length + bytes_of(masked_crc32c(length)) + event + bytes_of(masked_crc32c(event));
  std::ofstream out(path_, std::ios::binary | std::ios::app);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw DataError(str("'", path_.string(), "': cannot write events"));
}

}  // namespace icl
