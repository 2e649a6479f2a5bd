// A block of threads on the host: kernel bodies written over a Block run here as they run on a GPU.
//
// A body is a sequence of phases; what happens in a phase is a function of the thread's number, and
// a barrier stands after each:
//
//   block.phase([&](int thread) { ... });     // GPU: f(threadIdx.x), then __syncthreads()
//
// Control flow between phases is the same for every thread of a block. A phase is right if its
// result does not depend on the order of its threads; the emulator can run them forwards, backwards
// or shuffled, and a body that passes in all orders has no race between the threads of a phase
// that changes its result. What it cannot show: a missing barrier inside a phase's own code (there
// is none), memory ordering between blocks, timing.
//
// A warp phase runs once a warp, whose 32 threads keep their registers between its steps:
//
//   block.warp_phase([&](auto& warp) {
//     typename Block::Warp::template Registers<TileSum> sum;
//     warp.each([&](int place) { sum[place] = ...; });   // GPU: f(threadIdx.x % 32)
//     multiply_tile(a, b, sum);                          // all 32 together: cuda/warp_tile.h
//   });
//
// Control flow between the steps is the same for every thread of a warp. The threads of a warp
// exchange nothing but by functions over their registers; memory that one writes is read by others
// in the next phase only. Here all of them do a step before any does the next, in any order.
//
// Any thread; one emulation at a time a Block. The device's side: cuda/device_block.h.
#pragma once
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

namespace ondes {

enum class ThreadOrder { forwards, backwards, shuffled };

class EmulatedWarp {
 public:
  static constexpr int kThreads = 32;

  // A variable of each thread of the warp.
  template <typename T>
  class Registers {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 4 == 0);

   public:
    Registers() {
      // What is read before it is written shows, as in shared memory.
      constexpr std::uint32_t kNobodysValue = 0x7FC0DEADU;
      for (std::size_t at = 0; at < sizeof(values_); at += 4) {
        std::memcpy(reinterpret_cast<std::byte*>(values_) + at, &kNobodysValue, 4);
      }
    }
    T& operator[](int place) { return values_[place]; }
    const T& operator[](int place) const { return values_[place]; }

   private:
    T values_[kThreads];
  };

  // `turn`: the block's threads in the order they run.
  EmulatedWarp(int index, const std::vector<int>& turn) : index_(index) {
    int found = 0;
    for (const int thread : turn) {
      if (thread / kThreads == index) {
        places_[found++] = thread % kThreads;
      }
    }
    assert(found == kThreads);
  }

  int index() const noexcept { return index_; }

  // Before the 32 threads act as one, where their ways may have parted.
  void converge() const noexcept {}

  template <typename Step>
  void each(const Step& run) const {
    for (const int place : places_) {
      run(place);
    }
  }

 private:
  int index_;
  int places_[kThreads];  // in the order they run
};

class EmulatedBlock {
 public:
  using Warp = EmulatedWarp;

  // Registers that the warps of a block keep from phase to phase: each has a T of its own.
  template <typename T>
  class PerWarp {
   public:
    explicit PerWarp(const EmulatedBlock& block)
        : values_(static_cast<std::size_t>(block.warps())) {}
    T& of(const Warp& warp) { return values_[static_cast<std::size_t>(warp.index())]; }

   private:
    std::vector<T> values_;
  };

  EmulatedBlock(int index, int threads, std::size_t shared_bytes, ThreadOrder order)
      : index_(index), threads_(threads), order_(order), shared_((shared_bytes + 15) / 16) {
    // What a kernel reads before it writes shows: these bytes make NaN, and far numbers.
    for (Line& line : shared_) {
      std::fill(std::begin(line.words), std::end(line.words), 0x7FC0DEADU);
    }
    turn_.resize(static_cast<std::size_t>(threads));
    for (std::size_t i = 0; i < turn_.size(); ++i) {
      turn_[i] = static_cast<int>(order == ThreadOrder::backwards ? turn_.size() - 1 - i : i);
    }
  }

  int index() const noexcept { return index_; }
  int threads() const noexcept { return threads_; }
  std::byte* shared() noexcept { return reinterpret_cast<std::byte*>(shared_.data()); }

  template <typename Phase>
  void phase(const Phase& run) {
    if (order_ == ThreadOrder::shuffled) {
      shuffle();
    }
    for (const int thread : turn_) {
      run(thread);
    }
  }

  // Of whole warps only.
  int warps() const noexcept { return threads_ / Warp::kThreads; }

  template <typename Phase>
  void warp_phase(const Phase& run) {
    assert(threads_ % Warp::kThreads == 0);
    if (order_ == ThreadOrder::shuffled) {
      shuffle();
    }
    for (int i = 0; i < warps(); ++i) {
      Warp warp(order_ == ThreadOrder::backwards ? warps() - 1 - i : i, turn_);
      run(warp);
    }
  }

 private:
  struct alignas(16) Line {
    std::uint32_t words[4];
  };

  void shuffle() {
    for (std::size_t i = turn_.size(); i > 1; --i) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      std::swap(turn_[i - 1], turn_[(state_ >> 33U) % i]);
    }
  }

  int index_;
  int threads_;
  ThreadOrder order_;
  std::uint64_t state_ = 1;
  std::vector<Line> shared_;
  std::vector<int> turn_;
};

// The blocks of one cluster: each sees its rank and the others' shared memory.
class EmulatedClusterBlock : public EmulatedBlock {
 public:
  using Blocks = std::vector<std::unique_ptr<EmulatedClusterBlock>>;

  EmulatedClusterBlock(
      int cluster, int rank, Blocks& all, int threads, std::size_t shared_bytes, ThreadOrder order)
      : EmulatedBlock(cluster, threads, shared_bytes, order), rank_(rank), all_(all) {}

  int rank() const noexcept { return rank_; }
  int ranks() const noexcept { return static_cast<int>(all_.size()); }
  std::byte* peer(int rank) const { return all_[static_cast<std::size_t>(rank)]->shared(); }

 private:
  int rank_;
  Blocks& all_;
};

struct EmulatedClusters {
  int clusters = 1;
  int ranks = 1;
  int threads = 32;
  std::size_t shared_bytes = 0;
  ThreadOrder order = ThreadOrder::forwards;
  int supersteps = 0;
};

// Runs supersteps over clusters: make(block) gives a pointer to what a block is, step(*pointer, s)
// is what the block does between two cluster barriers. The blocks of a cluster take turns in their
// order, or backwards as the threads.
template <typename Make, typename Step>
void emulate_clusters(const EmulatedClusters& grid, const Make& make, const Step& step) {
  for (int cluster = 0; cluster < grid.clusters; ++cluster) {
    EmulatedClusterBlock::Blocks blocks(static_cast<std::size_t>(grid.ranks));
    for (int rank = 0; rank < grid.ranks; ++rank) {
      blocks[static_cast<std::size_t>(rank)] = std::make_unique<EmulatedClusterBlock>(
          cluster, rank, blocks, grid.threads, grid.shared_bytes, grid.order);
    }
    std::vector<decltype(make(*blocks[0]))> bodies;
    for (const auto& block : blocks) {
      bodies.push_back(make(*block));
    }
    for (int s = 0; s < grid.supersteps; ++s) {
      for (std::size_t i = 0; i < bodies.size(); ++i) {
        step(*bodies[grid.order == ThreadOrder::backwards ? bodies.size() - 1 - i : i], s);
      }
    }
  }
}

// Runs body(block) for every block of a grid, in launch order.
template <typename Body>
void emulate_grid(
    int blocks, int threads, std::size_t shared_bytes, ThreadOrder order, const Body& body) {
  for (int index = 0; index < blocks; ++index) {
    EmulatedBlock block(index, threads, shared_bytes, order);
    body(block);
  }
}

}  // namespace ondes
