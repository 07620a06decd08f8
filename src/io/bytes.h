// SPDX-License-Identifier: Apache-2.0
//
// Numbers at unaligned places of a byte string. The machine is little-endian, as all of LibTorch's
// platforms are.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace icl {

static_assert(std::endian::native == std::endian::little);

// The caller has checked that `offset + sizeof(T)` lies within `bytes`.
template <class T>
T little(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace icl
