// What the block runner asks of a device: memory, copies, launches in the order of what they read.
// One is a GPU (cuda/block/cuda_device.cu), one a host that emulates blocks (tests/cuda/), so that
// everything between a block of frames and a launch is tested without a GPU.
//
// Work is done in the order of the calls. Set-up thread: allocate, allocate_staging, copy. Render
// thread: the rest; a failure is remembered, what follows does nothing, finish() tells.
#pragma once
#include <cstddef>
#include <string>

#include "cuda/block/launch.h"

namespace ondes::gpu {

// Where a call's transfers begin and end, and what its launches share; the same for a runner's life.
struct BlockBuffers {
  BlockMemory memory;
  const std::byte* staging_in = nullptr;  // to memory.call
  std::byte* staging_out = nullptr;       // from memory.output
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual const DeviceLimits& limits() const noexcept = 0;
  virtual std::string name() const = 0;

  // Memory lives as long as the device object. Throws Error{no_device} if there is not so much.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void* allocate_staging(std::size_t bytes) = 0;  // the host's, fit for copies
  virtual void upload(void* to, const void* from, std::size_t bytes) noexcept = 0;
  virtual void download(void* to, const void* from, std::size_t bytes) noexcept = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes) noexcept = 0;

  // Upload, launches, download.
  virtual void run(const BlockBuffers& buffers, const BlockLaunches& call) noexcept = 0;
  // Makes the same a graph in one of kGraphs places, in the stead of what was there; false where the
  // device makes none. replay() runs it.
  virtual bool capture(int place,
                       const BlockBuffers& buffers,
                       const BlockLaunches& call) noexcept = 0;
  virtual void replay(int place) noexcept = 0;
  // Waits until all is done; false if anything has failed since construction.
  virtual bool finish() noexcept = 0;
  // What failed first, for people; empty if nothing has.
  virtual std::string failure() const = 0;
};

inline constexpr int kGraphs = 16;

}  // namespace ondes::gpu
