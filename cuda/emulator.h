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
// Any thread; one emulation at a time a Block. The device's side: cuda/device_block_internal.h.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ondes {

enum class ThreadOrder { forwards, backwards, shuffled };

class EmulatedBlock {
 public:
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
