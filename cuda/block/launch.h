// A call of a block plan as launches: which kernels, in what order, on how many threads.
//
// The launches depend on nothing but how many new frames every value gets (positions are in the
// call's header), so one sequence serves all calls with the same schedule of frames. Set-up and
// render thread: build_launches(), which allocates.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "cuda/block/model_internal.h"
#include "cuda/device.h"

namespace ondes::gpu {

// What every device gives a block without being asked for more.
inline constexpr std::size_t kMostSharedBytes = 48 * 1024;

// How a convolution is cut among threads: outputs and frames of one.
enum class ConvShape {
  four_by_eight,
  four_by_two,
  one_by_four,
  one_by_one,
  depthwise,
  // Tensor cores: tiles of 16 frames by tiles of 8 outputs of a warp.
  tensor_four_by_four,
  tensor_two_by_four,
  tensor_one_by_four,
  tensor_split,  // a block a tile of 16 by 8, its sums split among the warps
};

using LaunchOp =
    std::variant<AppendOp, ConvOp, SumOp, GateOp, NormOp, LstmOp, SpectrumOp, OverlapOp, DeliverOp>;

struct BlockLaunch {
  LaunchOp op;
  ConvShape shape = ConvShape::one_by_one;  // convolutions only
  int blocks = 1;
  int threads = 32;
  std::size_t shared_bytes = 0;
  std::vector<int> after;  // launches whose results it reads; none: it waits for the upload only
};

// One call: header and input go up, launches run, output comes down.
struct BlockLaunches {
  std::size_t upload_bytes = 0;
  std::vector<BlockLaunch> launches;
  std::size_t download_bytes = 0;
};

// `added`: the new frames of every value (ring). Input i of a plan begins at input_offset() of what
// is uploaded.
BlockLaunches build_launches(const BlockModel& model,
                             const DeviceLimits& limits,
                             std::span<const int> added);
std::size_t input_offset(const BlockModel& model, std::span<const int> added, std::size_t input);

// Throws Error{usage} if an operation's frames do not fit a block of this device.
void require_fits(const BlockModel& model, const DeviceLimits& limits);

}  // namespace ondes::gpu
