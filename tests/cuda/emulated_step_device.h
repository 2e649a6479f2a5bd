// A StepDevice without a GPU: its memory is the host's, its kernels run in cuda/emulator.h.
#pragma once
#include <cstring>
#include <memory>

#include "cuda/emulator.h"
#include "cuda/step/cluster_internal.h"
#include "cuda/step/dense_internal.h"
#include "cuda/step/device.h"
#include "cuda/step/kernel_internal.h"
#include "cuda/step/tile_block_internal.h"
#include "cuda/step/tile_cluster_internal.h"
#include "tests/cuda/emulated_device.h"

namespace ondes::gpu {

struct EmulatedDevice {
  DeviceLimits limits{132, 227 * 1024, 50 * 1024 * 1024};
  ThreadOrder order = ThreadOrder::forwards;
  const bool* fails = nullptr;  // where it is true, finish() says so
};

class EmulatedStepDevice : public EmulatedDeviceOf<StepDevice> {
 public:
  explicit EmulatedStepDevice(const EmulatedDevice& config)
      : EmulatedDeviceOf(config.limits, config.fails), order_(config.order) {}

  void prepare(Precision, const StepLaunch&) override {}
  void clear(void* from, std::size_t bytes) noexcept override { std::memset(from, 0, bytes); }

  void dense(const DenseCall& call) noexcept override {
    emulate_grid(dense_blocks(call), kDenseThreads, 0, order_,
                 [&](EmulatedBlock& block) { run_dense(block, call); });
  }

  void step(Precision precision,
            const StepLaunch& launch,
            const StepModelView& model,
            const StepCall& call) noexcept override {
    if (launch.column_tiles > 0) {
      return launch.fixed_residual == 64 ? tiles<64>(launch, model, call)
                                         : tiles<0>(launch, model, call);
    }
    switch (precision) {
      case Precision::f32:
        return groups<F32Arithmetic>(launch, model, call);
      case Precision::f16:
        return groups<F16Arithmetic>(launch, model, call);
      case Precision::i16:
        return groups<I16Arithmetic>(launch, model, call);
      case Precision::i8:
        return groups<I8Arithmetic>(launch, model, call);
    }
  }

 private:
  template <typename A>
  void groups(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    if (launch.cluster_blocks > 0) {
      return launch.fixed_residual == 32 ? clusters<A, 32>(launch, model, call)
                                         : clusters<A, 0>(launch, model, call);
    }
    switch (launch.lanes_per_block) {
      case 4:
        return run<A, 4, 0>(launch, model, call);
      case 8:
        return run<A, 8, 0>(launch, model, call);
      default:  // of the known shapes one is compiled: the others differ by its number
        return launch.fixed_residual == 32 ? run<A, 1, 32>(launch, model, call)
                                           : run<A, 1, 0>(launch, model, call);
    }
  }

  template <typename A, int kResidual>
  void clusters(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    using Body = ClusterBody<A, kResidual, EmulatedClusterBlock>;
    const int each = launch.cluster_blocks + 2;  // supersteps of a sample
    const int last = call.samples * each + 1;
    emulate_clusters(
        {call.lane_count, launch.cluster_blocks, launch.threads, launch.shared_bytes, order_,
         last + 1},
        [&](EmulatedClusterBlock& block) { return std::make_unique<Body>(block, model, call); },
        [&](Body& body, int s) {
          if (s == 0) {
            body.enter();
          } else if (s == last) {
            body.leave();
          } else {
            body.superstep((s - 1) / each, (s - 1) % each);
          }
        });
  }

  template <int kResidual>
  void tiles(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    if (launch.cluster_blocks > 0) {
      return launch.column_tiles == 1 ? tile_clusters<1, kResidual>(launch, model, call)
                                      : tile_clusters<2, kResidual>(launch, model, call);
    }
    switch (launch.column_tiles) {
      case 1:
        return tile_blocks<1, kResidual>(launch, model, call);
      case 2:
        return tile_blocks<2, kResidual>(launch, model, call);
      default:
        return tile_blocks<4, kResidual>(launch, model, call);
    }
  }

  template <int kTiles, int kResidual>
  void tile_blocks(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    emulate_grid(launch.blocks(call.lane_count), launch.threads, launch.shared_bytes, order_,
                 [&](EmulatedBlock& block) {
                   TileBlockBody<kTiles, kResidual, EmulatedBlock>(block, model, call).run();
                 });
  }

  template <int kTiles, int kResidual>
  void tile_clusters(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    using Body = TileClusterBody<kTiles, kResidual, EmulatedClusterBlock>;
    const int last = Body::supersteps(call, launch.cluster_blocks) + 1;
    emulate_clusters(
        {launch.blocks(call.lane_count) / launch.cluster_blocks, launch.cluster_blocks,
         launch.threads, launch.shared_bytes, order_, last + 1},
        [&](EmulatedClusterBlock& block) { return std::make_unique<Body>(block, model, call); },
        [&](Body& body, int s) {
          if (s == 0) {
            body.enter();
          } else if (s == last) {
            body.leave();
          } else {
            body.superstep();
          }
        });
  }

  template <typename A, int kLanes, int kResidual>
  void run(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    emulate_grid(launch.blocks(call.lane_count), launch.threads, launch.shared_bytes, order_,
                 [&](EmulatedBlock& block) {
                   StepBody<A, kLanes, kResidual, EmulatedBlock>(block, model, call).run();
                 });
  }

  ThreadOrder order_;
};

}  // namespace ondes::gpu
