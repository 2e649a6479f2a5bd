// What a device gives at most: passes that only copy, only read, only multiply. Idea: every
// multiprocessor full of warps, each with independent chains of one instruction, so that nothing but
// the unit limits it; operands come from arguments and are not zeros, on which chips run cooler and
// faster. Kernels: a chain of products by type, a reading pass. Launchers: timed(), and
// measured_device_rates().
#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>

#include "cuda/cuda_status.cuh"
#include "cuda/roofline.h"
#include "cuda/step/cuda_device.h"
#include "cuda/step/thread_math.h"
#include "cuda/warp_tile.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;  // a thread's, enough to hide an instruction's latency
constexpr int kRounds = 4096;
constexpr int kPasses = 5;
constexpr std::size_t kCopyBytes = std::size_t{512} << 20U;
// Fits the L2 of an A100 and later; a smaller one (4 MiB on a T4) gives its memory's rate here.
constexpr std::size_t kReadBytes = std::size_t{8} << 20U;
constexpr int kReadRounds = 64;

// --- kernels ---------------------------------------------------------------------------------

// Operands are loop invariants: without this the compiler would multiply once and for all.
__device__ unsigned opaque(unsigned bits) {
  asm volatile("" : "+r"(bits));
  return bits;
}

struct F32Product {
  using Sum = float;
  // Near 1, of either sign.
  static __device__ unsigned operand(unsigned bits) { return (bits & 0x807FFFFFU) | 0x3F000000U; }
  static __device__ void add(Sum& sum, unsigned a, unsigned b) {
    sum = exact::fma(__uint_as_float(a), __uint_as_float(b), sum);
  }
};

struct I16Product {
  using Sum = std::int32_t;
  static __device__ unsigned operand(unsigned bits) { return bits; }
  static __device__ void add(Sum& sum, unsigned a, unsigned b) { sum = gpu::dot_i16(a, b, sum); }
};

struct I8Product {
  using Sum = std::int32_t;
  static __device__ unsigned operand(unsigned bits) { return bits; }
  static __device__ void add(Sum& sum, unsigned a, unsigned b) { sum = gpu::dot_i8(a, b, sum); }
};

// A warp's tile. Devices before sm_80 do not have it: nothing is counted there.
struct F16Product {
  using Sum = gpu::TileSum;
  static __device__ unsigned operand(unsigned bits) { return (bits & 0x83FF83FFU) | 0x38003800U; }
  static __device__ void add(Sum& sum, unsigned a, unsigned b) {
    const gpu::TileA left[1] = {{{a, b, a, b}}};
    const gpu::TileB right[1] = {{{a, b}}};
    Sum total[1] = {sum};
    gpu::multiply_tile(left, right, total);
    sum = total[0];
  }
};

__device__ bool wanted(float sum) {
  return sum == 1.25e30F;  // never, which the compiler cannot know
}
__device__ bool wanted(std::int32_t sum) {
  return sum == 0x7FFFFFFF;
}
__device__ bool wanted(const F16Product::Sum& sum) {
  return wanted(sum.values[0] + sum.values[1] + sum.values[2] + sum.values[3]);
}

template <class Product>
__global__ void __launch_bounds__(kThreads) multiply_kernel(unsigned a, unsigned b, int* sink) {
  typename Product::Sum sums[kChains] = {};
  const unsigned x = Product::operand(a + 2654435761U * threadIdx.x);
  const unsigned y = Product::operand(b + 40503U * threadIdx.x);
  for (int round = 0; round < kRounds; ++round) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) {
      Product::add(sums[i], opaque(x), opaque(y));
    }
  }
  bool any = false;
  for (const auto& sum : sums) {
    any = any || wanted(sum);
  }
  if (any) {
    *sink = 1;
  }
}

// Every block reads all of it, from places of its own on, past the L1 cache.
__global__ void __launch_bounds__(kThreads) read_kernel(const uint4* data, int quads, int* sink) {
  unsigned sum = 0;
  const int begin = static_cast<int>((blockIdx.x * 7919U) % static_cast<unsigned>(quads));
  for (int round = 0; round < kReadRounds; ++round) {
#pragma unroll 8
    for (int i = static_cast<int>(threadIdx.x); i < quads / kReadRounds; i += kThreads) {
      const uint4 quad = __ldcg(data + (begin + round * (quads / kReadRounds) + i) % quads);
      sum += quad.x ^ quad.y ^ quad.z ^ quad.w;
    }
  }
  if (sum == 0x12345678U) {
    *sink = 1;
  }
}

// --- launchers -------------------------------------------------------------------------------

class Events {
 public:
  Events() {
    ONDES_CUDA_CHECK(cudaEventCreate(&begin_));
    ONDES_CUDA_CHECK(cudaEventCreate(&end_));
  }
  ~Events() {
    static_cast<void>(cudaEventDestroy(begin_));
    static_cast<void>(cudaEventDestroy(end_));
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // Seconds of the fastest of several; the first one warms up.
  template <class Launch>
  double timed(Launch launch) {
    float best_ms = 0.0F;
    for (int pass = 0; pass <= kPasses; ++pass) {
      ONDES_CUDA_CHECK(cudaEventRecord(begin_));
      launch();
      ONDES_CUDA_CHECK(cudaGetLastError());
      ONDES_CUDA_CHECK(cudaEventRecord(end_));
      ONDES_CUDA_CHECK(cudaEventSynchronize(end_));
      float ms = 0.0F;
      ONDES_CUDA_CHECK(cudaEventElapsedTime(&ms, begin_, end_));
      best_ms = pass <= 1 ? ms : std::min(best_ms, ms);
    }
    return 1e-3 * static_cast<double>(best_ms);
  }

 private:
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

template <class Product>
double multiplications(Events& events, unsigned blocks, int* sink, double macs_a_warp) {
  const double seconds =
      events.timed([&] { multiply_kernel<Product><<<blocks, kThreads>>>(12345U, 6789U, sink); });
  return macs_a_warp * (kThreads / 32.0) * kChains * kRounds * blocks / seconds;
}

}  // namespace

DeviceRates measured_device_rates() {
  std::string why;
  const int device = gpu::usable_cuda_device(&why);
  if (device < 0) {
    throw Error(ErrorCode::no_device, "no usable CUDA device: " + why);
  }
  const std::unique_ptr<gpu::StepDevice> memory = gpu::make_cuda_step_device(device);
  void* from = memory->allocate(kCopyBytes);
  void* to = memory->allocate(kCopyBytes);
  int* sink = static_cast<int*>(memory->allocate(sizeof(int)));
  ONDES_CUDA_CHECK(cudaMemset(from, 0x5A, kCopyBytes));
  cudaDeviceProp properties{};
  ONDES_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  const auto blocks = static_cast<unsigned>(8 * properties.multiProcessorCount);

  Events events;
  DeviceRates rates;
  rates.copy_bytes_per_s = 2.0 * static_cast<double>(kCopyBytes) / events.timed([&] {
    ONDES_CUDA_CHECK(cudaMemcpyAsync(to, from, kCopyBytes, cudaMemcpyDeviceToDevice));
  });
  constexpr int kQuads = static_cast<int>(kReadBytes / sizeof(uint4));
  rates.l2_read_bytes_per_s = static_cast<double>(kReadBytes) * blocks / events.timed([&] {
    read_kernel<<<blocks, kThreads>>>(static_cast<uint4*>(from), kQuads, sink);
  });
  constexpr double kWarp = 32.0;
  rates.f32_macs_per_s = multiplications<F32Product>(events, blocks, sink, kWarp);
  rates.i16_macs_per_s = multiplications<I16Product>(events, blocks, sink, 2.0 * kWarp);
  rates.i8_macs_per_s = multiplications<I8Product>(events, blocks, sink, 4.0 * kWarp);
  if (gpu::cuda_code_arch(device) >= gpu::kOldestTileArch) {
    rates.f16_macs_per_s = multiplications<F16Product>(events, blocks, sink, 16.0 * 8.0 * 16.0);
  }
  return rates;
}

}  // namespace ondes
