// A BlockDevice without a GPU: its memory is the host's, its kernels run in cuda/emulator.h, its
// launches in any order that what they read allows.
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "cuda/block/conv_internal.h"
#include "cuda/block/device.h"
#include "cuda/block/elementwise_internal.h"
#include "cuda/block/frame_internal.h"
#include "cuda/block/tensor_internal.h"
#include "cuda/emulator.h"
#include "tests/cuda/emulated_device.h"

namespace ondes::gpu {

struct EmulatedBlockConfig {
  DeviceLimits limits{132, 227 * 1024, 50 * 1024 * 1024, 0, false, 90};
  ThreadOrder order = ThreadOrder::forwards;  // of threads, and of launches
  const bool* fails = nullptr;                // where it is true, finish() says so
  // Convolutions on tensor cores take this shape, whatever was planned.
  std::optional<ConvShape> tensor_shape;
};

// What was asked of a device; outlives it.
struct BlockDeviceLog {
  int direct_runs = 0;
  int captures = 0;
  int replays = 0;
};

class EmulatedBlockDevice final : public EmulatedDeviceOf<BlockDevice> {
 public:
  explicit EmulatedBlockDevice(const EmulatedBlockConfig& config, BlockDeviceLog* log = nullptr)
      : EmulatedDeviceOf(config.limits, config.fails),
        order_(config.order),
        tensor_shape_(config.tensor_shape),
        log_(log != nullptr ? log : &own_log_) {}

  void copy(void* to, const void* from, std::size_t bytes) noexcept override {
    std::memcpy(to, from, bytes);
  }

  void run(const BlockBuffers& buffers, const BlockLaunches& call) noexcept override {
    ++log_->direct_runs;
    perform(buffers, call);
  }
  bool capture(int place,
               const BlockBuffers& buffers,
               const BlockLaunches& call) noexcept override {
    ++log_->captures;
    graphs_[static_cast<std::size_t>(place)] = {buffers, call};
    return true;
  }
  void replay(int place) noexcept override {
    ++log_->replays;
    const Graph& graph = graphs_[static_cast<std::size_t>(place)];
    perform(graph.buffers, graph.call);
  }

 private:
  struct Graph {
    BlockBuffers buffers;
    BlockLaunches call;
  };

  void perform(const BlockBuffers& buffers, const BlockLaunches& call) {
    // What a kernel gets is constant: only this copy brings positions.
    std::memcpy(const_cast<std::byte*>(buffers.memory.call), buffers.staging_in, call.upload_bytes);
    std::vector<bool> done(call.launches.size(), false);
    for (std::size_t count = 0; count < done.size(); ++count) {
      const std::size_t next = next_launch(call, done);
      const BlockLaunch& launch = call.launches[next];
      std::visit([&](const auto& op) { one(launch, buffers.memory, op); }, launch.op);
      done[next] = true;
    }
    std::memcpy(buffers.staging_out, buffers.memory.output, call.download_bytes);
  }

  std::size_t next_launch(const BlockLaunches& call, const std::vector<bool>& done) {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < done.size(); ++i) {
      const std::vector<int>& after = call.launches[i].after;
      if (!done[i] && std::all_of(after.begin(), after.end(), [&](int before) {
            return done[static_cast<std::size_t>(before)];
          })) {
        ready.push_back(i);
      }
    }
    switch (order_) {
      case ThreadOrder::forwards:
        return ready.front();
      case ThreadOrder::backwards:
        return ready.back();
      case ThreadOrder::shuffled:
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return ready[(state_ >> 33U) % ready.size()];
    }
    return ready.front();
  }

  template <typename Run>
  void blocks(const BlockLaunch& launch, const Run& run) {
    emulate_grid(launch.blocks, launch.threads, launch.shared_bytes, order_, run);
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const AppendOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_append(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const DeliverOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_deliver(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const SumOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_sum(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const GateOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_gate(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const NormOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_norm(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const LstmOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_lstm(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const SpectrumOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_spectrum(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const OverlapOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_overlap(block, memory, op); });
  }
  void one(const BlockLaunch& launch, const BlockMemory& memory, const ConvOp& op) {
    if (op.chunks > 0 && tensor_shape_) {
      return conv<true>(forced(launch, memory, op), memory, op);
    }
    op.input.half != 0 ? conv<true>(launch, memory, op) : conv<false>(launch, memory, op);
  }
  BlockLaunch forced(BlockLaunch launch, const BlockMemory& memory, const ConvOp& op) const {
    const int frames = EpilogueView(memory, op.to).frames().count();
    launch.shape = *tensor_shape_;
    launch.shared_bytes = launch.shape == ConvShape::tensor_split ? kSplitSharedBytes : 0;
    launch.blocks =
        launch.shape == ConvShape::tensor_split         ? TensorSplit::blocks(op, frames)
        : launch.shape == ConvShape::tensor_one_by_four ? TensorTiles<1, 4>::blocks(op, frames)
        : launch.shape == ConvShape::tensor_two_by_four ? TensorTiles<2, 4>::blocks(op, frames)
                                                        : TensorTiles<4, 4>::blocks(op, frames);
    return launch;
  }
  template <bool kHalf>
  void conv(const BlockLaunch& launch, const BlockMemory& memory, const ConvOp& op) {
    switch (launch.shape) {
      case ConvShape::four_by_eight:
        return tiles<4, 8, kHalf>(launch, memory, op);
      case ConvShape::four_by_two:
        return tiles<4, 2, kHalf>(launch, memory, op);
      case ConvShape::one_by_four:
        return tiles<1, 4, kHalf>(launch, memory, op);
      case ConvShape::one_by_one:
        return tiles<1, 1, kHalf>(launch, memory, op);
      case ConvShape::tensor_four_by_four:
        return tensor<4, 4>(launch, memory, op);
      case ConvShape::tensor_two_by_four:
        return tensor<2, 4>(launch, memory, op);
      case ConvShape::tensor_one_by_four:
        return tensor<1, 4>(launch, memory, op);
      case ConvShape::tensor_split:
        return blocks(launch, [&](EmulatedBlock& block) { run_split_conv(block, memory, op); });
      case ConvShape::depthwise:
        return blocks(launch, [&](EmulatedBlock& block) { run_depthwise(block, memory, op); });
    }
  }
  template <int kOutputs, int kFrames, bool kHalf>
  void tiles(const BlockLaunch& launch, const BlockMemory& memory, const ConvOp& op) {
    blocks(launch,
           [&](EmulatedBlock& block) { run_conv<kOutputs, kFrames, kHalf>(block, memory, op); });
  }

  template <int kM, int kN>
  void tensor(const BlockLaunch& launch, const BlockMemory& memory, const ConvOp& op) {
    blocks(launch, [&](EmulatedBlock& block) { run_tensor_conv<kM, kN>(block, memory, op); });
  }

  ThreadOrder order_;  // of threads, and of launches
  std::optional<ConvShape> tensor_shape_;
  BlockDeviceLog own_log_;
  BlockDeviceLog* log_;
  std::uint64_t state_ = 1;
  std::array<Graph, kGraphs> graphs_;
};

inline std::unique_ptr<BlockDevice> emulated_block_device(ThreadOrder order,
                                                          int multiprocessors = 132) {
  EmulatedBlockConfig config;
  config.order = order;
  config.limits.multiprocessors = multiprocessors;
  return std::make_unique<EmulatedBlockDevice>(config);
}

}  // namespace ondes::gpu
