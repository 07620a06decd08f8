// SPDX-License-Identifier: Apache-2.0
#include "tests/emulation/engine.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulation/fiber.h"

namespace icl::emulation {

Dim3 current_thread, current_block, block_size, grid_size;

namespace {

constexpr unsigned kWarp = 32;

struct Place {
  const char* file = "";
  int line = 0;
  bool operator==(const Place& other) const {
    return line == other.line && std::strcmp(file, other.file) == 0;
  }
  const char* name() const {
    const char* slash = std::strrchr(file, '/');
    return slash != nullptr ? slash + 1 : file;
  }
  std::string text() const { return std::string(name()) + ":" + std::to_string(line); }
};

struct Copy {
  void* to;
  const void* from;
  size_t bytes;
};

enum class State { kRunning, kAtBarrier, kAtWarpOp, kDone };

struct Thread {
  State state = State::kDone;
  Place place;
  WarpOp op = WarpOp::kSync;
  unsigned mask = 0;
  uint64_t brought = 0;  // to the operation waited for
  uint64_t shown = 0;    // of the last complete one
  std::vector<Copy> copies;
};

ThreadOrder thread_order = ThreadOrder::kAscending;
std::deque<Fiber> fibers;  // kept from launch to launch
std::vector<Thread> threads;
unsigned running = 0;
const std::function<void()>* kernel = nullptr;
char fault[256] = "";  // of the running thread
std::unique_ptr<char[]> shared;
std::map<std::pair<std::string, int>, std::unique_ptr<char[]>> static_arrays;

std::string block_text() {
  return "block (" + std::to_string(current_block.x) + ", " + std::to_string(current_block.y) +
         ", " + std::to_string(current_block.z) + ")";
}

// Ends the running thread for good; the scheduler throws. Formats in place, as nothing on the
// abandoned stack is ever destroyed.
template <class... Values>
void fail(const char* format, Values... values) {
  std::snprintf(fault, sizeof fault, format, values...);
  for (;;) Fiber::leave(false);
}

void thread_main() {
  (*kernel)();
  Thread& self = threads[running];
  if (!self.copies.empty()) fail("%s", "copies to shared memory started and never waited for");
  self.state = State::kDone;
  Fiber::leave(true);
}

unsigned in_order(unsigned step, unsigned count) {
  switch (thread_order) {
    case ThreadOrder::kAscending:
      return step;
    case ThreadOrder::kDescending:
      return count - 1 - step;
    case ThreadOrder::kScattered:
      break;
  }
  // A bijection where the stride shares no factor with the count; 5 and 7 never both do for the
  // block sizes in use, powers of two above all.
  const unsigned stride = count % 5 != 0 ? 5 : 7;
  return static_cast<unsigned>((static_cast<uint64_t>(step) * stride + count / 3) % count);
}

// Lets go the lanes of one warp operation if all are there. Throws if they cannot ever be.
void release_warp_op(unsigned first) {
  Thread& leader = threads[first];
  const unsigned base = first / kWarp * kWarp;
  const auto refuse = [&](unsigned lane, const std::string& why) {
    throw KernelFault(block_text() + ", thread " + std::to_string(first) + " at " +
                      leader.place.text() + ": the mask names lane " + std::to_string(lane) +
                      ", which " + why);
  };
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if ((leader.mask >> lane & 1) == 0) continue;
    if (base + lane >= threads.size()) refuse(lane, "does not exist");
    const Thread& other = threads[base + lane];
    if (other.state == State::kDone) refuse(lane, "has left the kernel");
    if (other.state == State::kAtBarrier)
      refuse(lane, "waits for the block at " + other.place.text());
    if (other.op != leader.op || other.mask != leader.mask || !(other.place == leader.place)) {
      refuse(lane, "waits at " + other.place.text() + " with another mask or operation");
    }
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if ((leader.mask >> lane & 1) == 0) continue;
    Thread& other = threads[base + lane];
    other.state = State::kRunning;
    other.shown = other.brought;
  }
}

// Every thread waits or is done: lets go whoever can go on. False when all are done.
bool release() {
  bool any = false;
  for (unsigned i = 0; i < threads.size(); ++i) {
    if (threads[i].state != State::kAtWarpOp) continue;
    release_warp_op(i);
    any = true;
  }
  if (any) return true;

  const Thread* waiting = nullptr;
  unsigned n_waiting = 0, first_done = 0;
  for (unsigned i = 0; i < threads.size(); ++i) {
    if (threads[i].state == State::kDone) {
      first_done = i;
      continue;
    }
    if (waiting != nullptr && !(waiting->place == threads[i].place)) {
      throw KernelFault(block_text() + ": threads wait for the block at " + waiting->place.text() +
                        " and at " + threads[i].place.text());
    }
    waiting = &threads[i];
    ++n_waiting;
  }
  if (n_waiting == 0) return false;
  if (n_waiting < threads.size()) {
    throw KernelFault(block_text() + ": the barrier at " + waiting->place.text() +
                      " is never reached by thread " + std::to_string(first_done));
  }
  for (Thread& thread : threads) thread.state = State::kRunning;
  return true;
}

void run_block(unsigned count, size_t shared_bytes) {
  shared.reset(new char[shared_bytes]);
  std::memset(shared.get(), 0xFF, shared_bytes);  // NaN in every floating-point type
  static_arrays.clear();
  while (fibers.size() < count) fibers.emplace_back();
  threads.assign(count, Thread());
  for (unsigned i = 0; i < count; ++i) {
    threads[i].state = State::kRunning;
    fibers[i].prepare(thread_main);
  }
  do {
    for (unsigned step = 0; step < count; ++step) {
      const unsigned i = in_order(step, count);
      if (threads[i].state != State::kRunning) continue;
      running = i;
      current_thread = {i, 0, 0};
      fibers[i].enter();
      if (fault[0] != '\0') {
        const std::string what = fault;
        fault[0] = '\0';
        throw KernelFault(block_text() + ", thread " + std::to_string(i) + ": " + what);
      }
    }
  } while (release());
}

}  // namespace

void set_thread_order(ThreadOrder order) {
  thread_order = order;
}

void run_grid(Dim3 grid, unsigned block, size_t shared_bytes, const std::function<void()>& body) {
  if (block == 0 || block > 1024) throw KernelFault("block of " + std::to_string(block));
  kernel = &body;
  block_size = {block, 1, 1};
  grid_size = grid;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        current_block = {x, y, z};
        run_block(block, shared_bytes);
      }
    }
  }
}

void* dynamic_shared() {
  return shared.get();
}

void* static_shared(const char* file, int line, size_t bytes) {
  auto& array = static_arrays[{file, line}];
  if (array == nullptr) {
    array.reset(new char[bytes]);
    std::memset(array.get(), 0xFF, bytes);
  }
  return array.get();
}

void wait_for_block(const char* file, int line) {
  Thread& self = threads[running];
  self.state = State::kAtBarrier;
  self.place = {file, line};
  Fiber::leave(false);
}

void wait_for_warp(WarpOp op, const char* file, int line, unsigned mask, uint64_t value) {
  Thread& self = threads[running];
  self.state = State::kAtWarpOp;
  self.place = {file, line};
  self.op = op;
  self.mask = mask;
  self.brought = value;
  if ((mask >> (running % kWarp) & 1) == 0)
    fail("%s:%d: not in its own mask", self.place.name(), line);
  Fiber::leave(false);
}

uint64_t brought_by(unsigned lane, const char* file, int line, unsigned mask) {
  if (lane >= kWarp || (mask >> lane & 1) == 0) {
    fail("%s:%d: reads lane %u, which takes no part", Place{file, line}.name(), line, lane);
  }
  return threads[running / kWarp * kWarp + lane].shown;
}

void start_copy(void* to, const void* from, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(to) % bytes != 0 ||
      reinterpret_cast<uintptr_t>(from) % bytes != 0) {
    fail("a copy of %zu bytes to shared memory from or to an address that is no multiple of that",
         bytes);
  }
  threads[running].copies.push_back({to, from, bytes});
}

void finish_copies() {
  for (const Copy& copy : threads[running].copies) std::memcpy(copy.to, copy.from, copy.bytes);
  threads[running].copies.clear();
}

}  // namespace icl::emulation
