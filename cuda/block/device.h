// What the block runner asks of a device beside memory and transfers (cuda/device.h): copies on the
// device, launches in the order of what they read. One is a GPU (cuda/block/cuda_device.cu), one a
// host that emulates blocks (tests/cuda/), so that everything between a block of frames and a launch
// is tested without a GPU. Set-up thread: copy. Render thread: the rest.
#pragma once
#include <cstddef>

#include "cuda/block/launch.h"
#include "cuda/device.h"

namespace ondes::gpu {

// Where a call's transfers begin and end, and what its launches share; the same for a runner's life.
struct BlockBuffers {
  BlockMemory memory;
  const std::byte* staging_in = nullptr;  // to memory.call
  std::byte* staging_out = nullptr;       // from memory.output
};

class BlockDevice : public Device {
 public:
  virtual void copy(void* to, const void* from, std::size_t bytes) noexcept = 0;

  // Upload, launches, download.
  virtual void run(const BlockBuffers& buffers, const BlockLaunches& call) noexcept = 0;
  // Makes the same a graph in one of kGraphs places, in the stead of what was there; false where the
  // device makes none. replay() runs it.
  virtual bool capture(int place,
                       const BlockBuffers& buffers,
                       const BlockLaunches& call) noexcept = 0;
  virtual void replay(int place) noexcept = 0;
};

inline constexpr int kGraphs = 16;

}  // namespace ondes::gpu
