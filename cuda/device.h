// What a runner asks of any device: its limits, memory, copies, and whether all went well. Those of
// step plans and of block plans (cuda/step/device.h, cuda/block/device.h) add what they launch. A
// device is a GPU (cuda/cuda_device.cuh) or a host that emulates blocks (tests/cuda/).
//
// Work is done in the order of the calls. Set-up thread: allocate, allocate_staging,
// must_have_finished. Render thread: the rest; a failure is remembered, what follows does nothing,
// finish() tells.
#pragma once
#include <cstddef>
#include <functional>
#include <string>

#include "engine/error.h"

namespace ondes::gpu {

struct DeviceLimits {
  int multiprocessors = 1;
  std::size_t shared_bytes_per_block = 48 * 1024;  // with the dynamic limit raised
  std::size_t l2_bytes = 0;
  int clusters = 0;          // of kClusterBlocks blocks with all their shared memory, at once
  bool cooperative = false;  // launches whose blocks all run at once, one a multiprocessor
  int arch = 0;              // 90 for sm_90; below 80 tensor cores are not used
};

using LimitsChange = std::function<void(DeviceLimits&)>;

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceLimits& limits() const noexcept = 0;
  virtual std::string name() const = 0;

  // Memory lives as long as the device object. Throws Error{no_device} if there is not so much.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void* allocate_staging(std::size_t bytes) = 0;  // the host's, fit for copies

  virtual void upload(void* to, const void* from, std::size_t bytes) noexcept = 0;
  virtual void download(void* to, const void* from, std::size_t bytes) noexcept = 0;
  // Waits until all is done; false if anything has failed since construction.
  virtual bool finish() noexcept = 0;
  // What failed first, for people; empty if nothing has.
  virtual std::string failure() const = 0;
};

// For LaneRunner::failure() and BlockRunner::failure().
inline std::string named_failure(const Device& device) {
  const std::string failure = device.failure();
  return failure.empty() ? failure : "cuda: " + device.name() + " failed: " + failure;
}

// Waits until what set-up asked for is done. Throws Error{no_device} with the reason if it failed. Of
// set-up alone: later a failure is NaN, which writers refuse.
inline void must_have_finished(Device& device) {
  if (!device.finish()) {
    throw Error(
        ErrorCode::no_device,
        "cuda: " + device.name() + " failed while it was given a network: " + device.failure());
  }
}

}  // namespace ondes::gpu
