// What the step runner asks of a device: memory, copies, two kernels. One is a GPU
// (cuda/step/cuda_device.cu), one a host that emulates blocks (tests/cuda/), so that everything
// between a StepLane and a launch is tested without a GPU.
//
// Work is done in the order of the calls. Set-up thread: allocate, allocate_staging. Render thread:
// the rest; a failure is remembered, what follows does nothing, finish() tells.
#pragma once
#include <cstddef>
#include <string>

#include "cuda/step/call_internal.h"
#include "cuda/step/planner.h"

namespace ondes::gpu {

class StepDevice {
 public:
  virtual ~StepDevice() = default;
  virtual const DeviceLimits& limits() const noexcept = 0;
  virtual std::string name() const = 0;

  // Memory lives as long as the device object. Throws Error{no_device} if there is not so much.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void* allocate_staging(std::size_t bytes) = 0;  // the host's, fit for copies
  // Must be called once for each launch that dense() and step() will be asked for.
  virtual void prepare(Precision precision, const StepLaunch& launch) = 0;

  virtual void upload(void* to, const void* from, std::size_t bytes) noexcept = 0;
  virtual void download(void* to, const void* from, std::size_t bytes) noexcept = 0;
  virtual void clear(void* from, std::size_t bytes) noexcept = 0;
  virtual void dense(const DenseCall& call) noexcept = 0;
  virtual void step(Precision precision,
                    const StepLaunch& launch,
                    const StepModelView& model,
                    const StepCall& call) noexcept = 0;
  // Waits until all is done; false if anything has failed since construction.
  virtual bool finish() noexcept = 0;
  // What failed first, for people; empty if nothing has.
  virtual std::string failure() const = 0;
};

}  // namespace ondes::gpu
