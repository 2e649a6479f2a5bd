// The step kernel across the chip, one instance a precision and known shape.
//
// Idea and layout: cuda/step/persistent_internal.h. Here is what a word is on a GPU: one aligned
// 64-bit store and load, relaxed, at the scope of the device. The load is served by the L2 cache that
// all multiprocessors share, so it sees a store of any block; nothing orders it with other memory, and
// nothing needs to. A wait looks at a word until it is there, at most kMostLooks times (seconds,
// where a sample takes microseconds): so a launch whose blocks do not all run, which a cooperative
// launch refuses, would end in NaN and not in a hang.
#include <cstddef>

#include "cuda/device_block.h"
#include "cuda/step/kernels_internal.h"
#include "cuda/step/persistent_head_internal.h"
#include "cuda/step/persistent_internal.h"

namespace ondes::gpu {
namespace {

#if defined(__CUDA_ARCH__)
class DeviceChipBlock : public DeviceBlock {
 public:
  __device__ explicit DeviceChipBlock(std::byte* shared) : DeviceBlock(shared) {}

  __device__ void publish(Word* at, Word value) const {
    asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(at), "l"(value) : "memory");
  }

  template <typename At, typename Take>
  __device__ Wait await(int count, std::uint32_t sample, const At& at, const Take& take) const {
    bool gave_up = false;
    for (int i = static_cast<int>(threadIdx.x); i < count; i += threads()) {
      Word word = load(at(i));
      for (int looks = 0; sample_of(word) != sample && !gave_up; ++looks) {
        gave_up = looks == kMostLooks;
        word = load(at(i));
      }
      if (!gave_up) {
        take(i, bits_of(word));
      }
    }
    return __syncthreads_or(gave_up ? 1 : 0) != 0 ? Wait::gave_up : Wait::ready;
  }

 private:
  static constexpr int kMostLooks = 1 << 22;

  __device__ static Word load(const Word* at) {
    Word word;
    asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(word) : "l"(at) : "memory");
    return word;
  }
};

template <typename Part>
__device__ void run_part(DeviceChipBlock& block, const StepModelView& model, const StepCall& call) {
  Part part(block, model, call);
  part.enter();
  while (part.advance() != Progress::finished) {
  }
  part.leave();
}
#endif

template <typename Arithmetic, int kResidual>
__global__ void __launch_bounds__(512, 1)
    persistent_kernel(const __grid_constant__ StepModelView model,
                      const __grid_constant__ StepCall call) {
#if defined(__CUDA_ARCH__)
  extern __shared__ __align__(16) unsigned char dynamic_shared[];
  DeviceChipBlock block(reinterpret_cast<std::byte*>(dynamic_shared));
  if (block.index() < call.persistent.stages) {
    run_part<PersistentStage<Arithmetic, kResidual, DeviceChipBlock>>(block, model, call);
  } else {
    run_part<PersistentHead<Arithmetic, kResidual, DeviceChipBlock>>(block, model, call);
  }
#endif
}

template <typename Arithmetic>
StepKernel persistent_kernel_of(const StepLaunch& launch) {
  return launch.fixed_residual == 64 ? persistent_kernel<Arithmetic, 64>
                                     : persistent_kernel<Arithmetic, 0>;
}

}  // namespace

StepKernel persistent_step_kernel(Precision precision, const StepLaunch& launch) {
  switch (precision) {
    case Precision::f16:
      return persistent_kernel_of<F16Arithmetic>(launch);
    case Precision::i16:
      return persistent_kernel_of<I16Arithmetic>(launch);
    case Precision::i8:
      return persistent_kernel_of<I8Arithmetic>(launch);
    default:
      return persistent_kernel_of<F32Arithmetic>(launch);
  }
}

}  // namespace ondes::gpu
