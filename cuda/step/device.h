// What the step runner asks of a device beside memory and copies (cuda/device.h): two kernels. One is
// a GPU (cuda/step/cuda_device.cu), one a host that emulates blocks (tests/cuda/), so that everything
// between a StepLane and a launch is tested without a GPU. Set-up thread: prepare. Render thread: the
// rest.
#pragma once
#include <cstddef>

#include "cuda/device.h"
#include "cuda/step/call_internal.h"
#include "cuda/step/planner.h"

namespace ondes::gpu {

class StepDevice : public Device {
 public:
  // Must be called once for each launch that dense() and step() will be asked for.
  virtual void prepare(Precision precision, const StepLaunch& launch) = 0;

  virtual void clear(void* from, std::size_t bytes) noexcept = 0;
  virtual void dense(const DenseCall& call) noexcept = 0;
  virtual void step(Precision precision,
                    const StepLaunch& launch,
                    const StepModelView& model,
                    const StepCall& call) noexcept = 0;
};

}  // namespace ondes::gpu
