// SPDX-License-Identifier: Apache-2.0
//
// Runs one block of a CUDA kernel after the other on the host. The threads of a block are fibers of
// one OS thread that switch only where threads of a GPU wait for each other, so that every run is
// the same run, and a fault is a fault every time.
//
//   run_grid({grid.x, grid.y, grid.z}, 128, shared_bytes, [&] { my_kernel(params); });
//
// Found on the way, each thrown as KernelFault naming block, threads and source line:
//  - a barrier that some threads never reach, or that threads reach at different places
//  - a warp operation whose mask names lanes that have left, wait elsewhere, or do not exist
//  - a shuffle that reads a lane outside the mask
//  - copies to shared memory that were started but never waited for
// Shared memory is filled with NaN for every block and is exactly as large as asked for; with
// AddressSanitizer any access beyond it is reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace icl::emulation {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

struct KernelFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The order in which the threads of a block run between two waits. A kernel that gives other bits
// in another order has a race.
enum class ThreadOrder { kAscending, kDescending, kScattered };
void set_thread_order(ThreadOrder order);

// Runs every block. Block sizes are one-dimensional. Throws KernelFault.
void run_grid(Dim3 grid, unsigned block, size_t shared_bytes, const std::function<void()>& body);

// What the code inside a kernel may ask for; `file` and `line` say where it was asked.
extern Dim3 current_thread, current_block, block_size, grid_size;

void* dynamic_shared();
// The block's static array of this place in the source.
void* static_shared(const char* file, int line, size_t bytes);
void wait_for_block(const char* file, int line);

enum class WarpOp { kSync, kShuffle, kVote };
// Waits for the lanes in `mask`, which all bring a value to the same operation.
void wait_for_warp(WarpOp op, const char* file, int line, unsigned mask, uint64_t value);
// After wait_for_warp: what this lane of the warp brought.
uint64_t brought_by(unsigned lane, const char* file, int line, unsigned mask);

// cp.async: the copy happens at the wait, not before.
void start_copy(void* to, const void* from, size_t bytes);
void finish_copies();

}  // namespace icl::emulation
