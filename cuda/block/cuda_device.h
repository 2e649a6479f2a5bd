// The block device that is a GPU; no CUDA header is needed to include this one. Set-up thread.
#pragma once
#include <memory>

#include "cuda/block/device.h"

namespace ondes::gpu {

// Throws Error{no_device} if the device cannot be opened.
std::unique_ptr<BlockDevice> make_cuda_block_device(int device);

}  // namespace ondes::gpu
