// A block plan as nodes of kernels: rings laid out in a stream's memory, weights packed into one
// image, and how many frames of every value there are when.
//
// A pass over the nodes in their order makes everything that can be made: a node as many frames as
// its inputs allow (engine/plan/block_geometry.h), so any cutting of a signal takes the same path.
// An inverse STFT is two nodes with a value of their own between them. Set-up thread: construction.
// Render thread: the rest, const.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cuda/block/call_internal.h"
#include "engine/plan/block_runner.h"

namespace ondes::gpu {

using DeviceOp = std::variant<ConvOp, SumOp, GateOp, NormOp, LstmOp, SpectrumOp, OverlapOp>;

struct BlockNode {
  DeviceOp op;
  BlockOp geometry;  // by which frames are counted
  std::vector<BlockValueId> inputs;
  std::vector<BlockValueId> outputs;  // one or two, of the same frames
  std::string name;                   // of its first output
};

struct BlockModel {
  std::vector<BlockNode> nodes;
  std::vector<Ring> rings;  // of the plan's values, then of values between nodes
  std::vector<BlockValueId> inputs;
  std::vector<int> input_rates;  // frames for a plan frame
  BlockValueId output = kNoValue;
  std::vector<std::byte> image;
  std::size_t stream_bytes = 0;
  int max_block_frames = 0;
  int max_output_frames = 0;
  bool has_state = false;  // beside the rings

  // Frames of every value when so many plan frames are known: of a signal that goes on, or of a
  // whole one. `frames` has a place for every ring.
  void count_frames(std::int64_t plan_frames, bool all, std::span<std::int64_t> frames) const;
};

// In f16 wide values are halves, and convolutions that can be are laid out for tensor cores where the
// device has them. Throws Error{usage} naming what goes beyond the kernels.
BlockModel pack_block_model(const BlockPlan& plan,
                            const BlockRunnerOptions& options,
                            bool tensor_cores = false);

// The rings' places and capacities; block/layout.cpp. `periods`: every value repeats its pattern of
// frames after so many plan frames.
void lay_out_rings(int period, BlockModel* model);

}  // namespace ondes::gpu
