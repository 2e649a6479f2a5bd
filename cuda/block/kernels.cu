// The kernels of block plans. Idea and layout: a kernel gets where memory is and what its operation
// is, both constant; positions come from the call's header (block/call_internal.h). Kernels: one an
// operation, a convolution one a shape. Launchers: block/cuda_device.cu.
#include "cuda/block/conv_internal.h"
#include "cuda/block/elementwise_internal.h"
#include "cuda/block/frame_internal.h"
#include "cuda/block/kernels_internal.cuh"
#include "cuda/block/tensor_internal.h"
#include "cuda/device_block.h"

namespace ondes::gpu {
namespace {

// --- kernels ---------------------------------------------------------------------------------

constexpr int kMostOpThreads = 256;
static_assert(kElementThreads <= kMostOpThreads && kNormThreads <= kMostOpThreads &&
              kLstmThreads <= kMostOpThreads && kSpectrumThreads <= kMostOpThreads);

extern __shared__ __align__(16) unsigned char shared_memory[];

template <int kOutputs, int kFrames, bool kHalf>
__global__ void __launch_bounds__(kConvThreads)
    conv_kernel(const __grid_constant__ BlockMemory memory, const __grid_constant__ ConvOp op) {
  DeviceBlock block(nullptr);
  run_conv<kOutputs, kFrames, kHalf>(block, memory, op);
}

__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const AppendOp& op) {
  run_append(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const SumOp& op) {
  run_sum(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const GateOp& op) {
  run_gate(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const NormOp& op) {
  run_norm(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const LstmOp& op) {
  run_lstm(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const SpectrumOp& op) {
  run_spectrum(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const OverlapOp& op) {
  run_overlap(block, memory, op);
}
__device__ void run_one(DeviceBlock& block, const BlockMemory& memory, const DeliverOp& op) {
  run_deliver(block, memory, op);
}

template <int kM, int kN>
__global__ void __launch_bounds__(kTensorThreads)
    tensor_kernel(const __grid_constant__ BlockMemory memory, const __grid_constant__ ConvOp op) {
  DeviceBlock block(nullptr);
  run_tensor_conv<kM, kN>(block, memory, op);
}

__global__ void __launch_bounds__(kTensorThreads)
    split_kernel(const __grid_constant__ BlockMemory memory, const __grid_constant__ ConvOp op) {
  DeviceBlock block(reinterpret_cast<std::byte*>(shared_memory));
  run_split_conv(block, memory, op);
}

__global__ void __launch_bounds__(kElementThreads)
    depthwise_kernel(const __grid_constant__ BlockMemory memory,
                     const __grid_constant__ ConvOp op) {
  DeviceBlock block(nullptr);
  run_depthwise(block, memory, op);
}

template <class Op>
__global__ void __launch_bounds__(kMostOpThreads)
    op_kernel(const __grid_constant__ BlockMemory memory, const __grid_constant__ Op op) {
  DeviceBlock block(reinterpret_cast<std::byte*>(shared_memory));
  run_one(block, memory, op);
}

// --- which one -------------------------------------------------------------------------------

template <bool kHalf>
const void* conv_kernel_of(ConvShape shape) {
  switch (shape) {
    case ConvShape::four_by_eight:
      return reinterpret_cast<const void*>(conv_kernel<4, 8, kHalf>);
    case ConvShape::four_by_two:
      return reinterpret_cast<const void*>(conv_kernel<4, 2, kHalf>);
    case ConvShape::one_by_four:
      return reinterpret_cast<const void*>(conv_kernel<1, 4, kHalf>);
    case ConvShape::one_by_one:
      return reinterpret_cast<const void*>(conv_kernel<1, 1, kHalf>);
    case ConvShape::tensor_four_by_four:
      return reinterpret_cast<const void*>(tensor_kernel<4, 4>);
    case ConvShape::tensor_two_by_four:
      return reinterpret_cast<const void*>(tensor_kernel<2, 4>);
    case ConvShape::tensor_one_by_four:
      return reinterpret_cast<const void*>(tensor_kernel<1, 4>);
    case ConvShape::tensor_split:
      return reinterpret_cast<const void*>(split_kernel);
    case ConvShape::depthwise:
      return reinterpret_cast<const void*>(depthwise_kernel);
  }
  return nullptr;
}

const void* kernel_of(const BlockLaunch& launch, const ConvOp& op) {
  return op.input.half != 0 ? conv_kernel_of<true>(launch.shape)
                            : conv_kernel_of<false>(launch.shape);
}
template <class Op>
const void* kernel_of(const BlockLaunch&, const Op&) {
  return reinterpret_cast<const void*>(op_kernel<Op>);
}

}  // namespace

KernelLaunch::KernelLaunch(const BlockMemory& from, const BlockLaunch& launch)
    : memory(from), op(launch.op) {
  arguments[0] = &memory;
  std::visit(
      [&](auto& one) {
        arguments[1] = &one;
        kernel = kernel_of(launch, one);
      },
      op);
  grid = dim3(static_cast<unsigned>(launch.blocks));
  block = dim3(static_cast<unsigned>(launch.threads));
  shared_bytes = launch.shared_bytes;
}

}  // namespace ondes::gpu
