// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/cuda/scan_stage.cuh"
#include "kernels/cuda/sum_rows.cuh"
#include "tests/emulation/arrays.h"

namespace icl::kernels {
namespace {

using emulation::KernelFault;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

int run(void (*kernel)(float*), unsigned block, float* data, size_t shared = 0) {
  return launch(kernel, dim3(), block, shared, nullptr, data);
}

TEST(Emulation, BarrierOrdersSharedMemory) {
  const auto kernel = [](float* out) {
    ICL_DYNAMIC_SHARED(float, values);
    values[threadIdx.x] = static_cast<float>(threadIdx.x);
    __syncthreads();
    out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
  };
  std::vector<float> out(64);
  run(kernel, 64, out.data(), 64 * sizeof(float));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], 63 - i);
}

TEST(Emulation, SharedMemoryStartsAsNan) {
  const auto kernel = [](float* out) {
    ICL_SHARED(float, own, 1);
    ICL_DYNAMIC_SHARED(float, asked);
    out[0] = own[0] + asked[0];
  };
  float out = 0;
  run(kernel, 1, &out, sizeof(float));
  EXPECT_TRUE(std::isnan(out));
}

TEST(Emulation, ShufflesAndVotes) {
  const auto kernel = [](float* out) {
    const float lane = static_cast<float>(threadIdx.x % 32);
    out[threadIdx.x] = warp_sum(lane) + 1000 * __shfl_sync(kAllLanes, lane, 7);
    if (__ballot_sync(kAllLanes, lane < 4) != 0xF) out[threadIdx.x] = -1;
    if (__any_sync(kAllLanes, lane > 40) || !__all_sync(kAllLanes, lane < 40)) out[0] = -1;
    __syncwarp(kAllLanes);
  };
  std::vector<float> out(64);
  run(kernel, 64, out.data());
  for (float value : out) EXPECT_EQ(value, 496 + 7000);
}

TEST(Emulation, CopyThatIsNotAlignedIsAFault) {
  const auto kernel = [](float* from) {
    ICL_DYNAMIC_SHARED(float, to);
    copy_async<16>(to, from + 1);
    wait_for_copies();
  };
  alignas(16) float from[8] = {};
  EXPECT_THAT([&] { run(kernel, 1, from, 16); },
              ThrowsMessage<KernelFault>(HasSubstr("no multiple")));
}

TEST(Emulation, BarrierThatSomeNeverReachIsAFault) {
  const auto leaves = [](float*) {
    if (threadIdx.x == 3) return;
    __syncthreads();
  };
  EXPECT_THAT([&] { run(leaves, 8, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("never reached by thread 3")));
  const auto apart = [](float*) {
    if (threadIdx.x == 3) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  };
  EXPECT_THAT([&] { run(apart, 8, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("threads wait for the block at")));
}

TEST(Emulation, ShuffleWithAbsentLanesIsAFault) {
  const auto leaves = [](float*) {
    if (threadIdx.x == 5) return;
    __shfl_xor_sync(kAllLanes, 1.0f, 1);
  };
  EXPECT_THAT([&] { run(leaves, 32, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("lane 5, which has left")));
  const auto small = [](float*) { __shfl_xor_sync(kAllLanes, 1.0f, 1); };
  EXPECT_THAT([&] { run(small, 16, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("lane 16, which does not exist")));
  const auto outside = [](float*) {
    if (threadIdx.x < 4) __shfl_sync(0xFu, 1.0f, 9);
  };
  EXPECT_THAT([&] { run(outside, 32, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("reads lane 9, which takes no part")));
  const auto split = [](float*) {
    if (threadIdx.x % 2 == 0) {
      __syncthreads();
    } else {
      __shfl_xor_sync(kAllLanes, 1.0f, 1);
    }
  };
  EXPECT_THAT([&] { run(split, 32, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("waits for the block")));
}

TEST(Emulation, MissingBarrierShowsInAnotherOrder) {
  const auto kernel = [](float* out) {
    ICL_SHARED(float, value, 1);
    if (threadIdx.x == 0) value[0] = 1;
    out[threadIdx.x] = value[0];
  };
  std::vector<float> up(4), down(4);
  run(kernel, 4, up.data());
  emulation::set_thread_order(emulation::ThreadOrder::kDescending);
  run(kernel, 4, down.data());
  emulation::set_thread_order(emulation::ThreadOrder::kAscending);
  EXPECT_FALSE(same_bits(up, down));
}

TEST(Emulation, CopyLandsAtItsWait) {
  static float source = 5;
  const auto kernel = [](float* out) {
    ICL_SHARED(float, value, 1);
    emulation::start_copy(value, &source, sizeof(float));
    out[0] = value[0];
    emulation::finish_copies();
    out[1] = value[0];
  };
  float out[2];
  run(kernel, 1, out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 5);
  const auto forgets = [](float*) {
    ICL_SHARED(float, value, 1);
    emulation::start_copy(value, &source, sizeof(float));
  };
  EXPECT_THAT([&] { run(forgets, 1, nullptr); },
              ThrowsMessage<KernelFault>(HasSubstr("never waited for")));
}

#if defined(__SANITIZE_ADDRESS__)
TEST(EmulationDeathTest, SharedMemoryIsNoLargerThanAskedFor) {
  const auto kernel = [](float* out) {
    ICL_DYNAMIC_SHARED(float, values);
    values[2] = 1;
    out[0] = values[2];
  };
  float out = 0;
  EXPECT_DEATH(run(kernel, 1, &out, 2 * sizeof(float)), "heap-buffer-overflow");
}
#else
#error "the kernels' tests are compiled with AddressSanitizer"
#endif

// 2^-24 and 1 + 2^-11 lie halfway: ties go to even. Overflow, subnormal and infinite values.
TEST(Emulation, HalfPrecisionRounds) {
  EXPECT_EQ(__float2half(1.0f).bits, 0x3C00);
  EXPECT_EQ(__float2half(1.0f + 0x1p-11f).bits, 0x3C00);
  EXPECT_EQ(__float2half(1.0f + 3 * 0x1p-11f).bits, 0x3C02);
  EXPECT_EQ(__float2half(65504.0f).bits, 0x7BFF);
  EXPECT_EQ(__float2half(65520.0f).bits, 0x7C00);
  EXPECT_EQ(__float2half(0x1p-24f).bits, 1);
  EXPECT_EQ(__float2half(0x1p-25f).bits, 0);
  EXPECT_EQ(__float2half(-0x1.8p-24f).bits, 0x8002);
  for (unsigned bits = 0; bits < 0x7C00; ++bits) {
    const __half value{static_cast<uint16_t>(bits)};
    ASSERT_EQ(__float2half(__half2float(value)).bits, bits);
  }
  EXPECT_EQ(__float2bfloat16(1.0f + 0x1p-8f).bits, 0x3F80);
  EXPECT_EQ(__float2bfloat16(1.0f + 3 * 0x1p-8f).bits, 0x3F82);
}

TEST(SumRows, AddsEveryRow) {
  for (int64_t rows : {0, 1, 7, 8, 9, 20}) {
    for (int64_t columns : {1, 31, 32, 33}) {
      const std::vector<float> in = uniform<float>(2 * rows * columns, 1);
      std::vector<float> out = unwritten<float>(2 * columns);
      sum_rows<float>(in.data(), out.data(), 2, rows, columns, nullptr);
      Wide expected(2 * columns);
      for (int64_t o = 0; o < 2; ++o) {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t j = 0; j < columns; ++j) {
            expected[o * columns + j] += in[(o * rows + r) * columns + j];
          }
        }
      }
      EXPECT_LE(relative_error(out, expected), 1e-6);
    }
  }
}

}  // namespace
}  // namespace icl::kernels
