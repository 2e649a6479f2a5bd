// The block kernels on a GPU that `ondes` itself was not built for (ONDES_CUDA_ONLY): the table of
// apps/bench_cuda_blocks.h for HiFi-GAN V1 of random weights, as `ondes bench gan --device cuda` prints
// it. Lines `figure block.PRECISION.BLOCK VALUE` repeat the real-time factors for cuda/check_on_gpu.
//
//   cuda_bench_block [PRECISION...]   f32, f16; default: those that the kernels have
//
// Refuses a debug build. Exit status: 0; 1 if an answer is wrong; 2 for a wrong call; 5 without a device.
#include <cstdio>
#include <string>

#include "apps/bench_cuda.h"
#include "apps/bench_cuda_blocks.h"
#include "cuda/roofline.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

#if defined(NDEBUG)
constexpr bool kReleaseBuild = true;
#else
constexpr bool kReleaseBuild = false;
#endif

void run_table(CudaBlockBench bench) {
  const DeviceRates rates = measured_device_rates();
  print_device_rates(rates, bench.json);
  print_cuda_block_head(bench.json);
  const BlockPlan plan = random_hifigan(hifigan_variant(1), 1);
  bench.figure = [](const CudaBlockFigure& figure) {
    std::printf("figure block.%s.%s %.3f\n", precision_name(figure.precision).c_str(),
                figure.block == 0 ? "clip" : std::to_string(figure.block).c_str(),
                figure.times_real_time);
  };
  run_cuda_block_bench("V1", plan, bench, rates);
}

}  // namespace
}  // namespace ondes

int main(int argc, char** argv) {
  if (!ondes::kReleaseBuild) {
    std::fputs("bench_block: a debug build's times say nothing\n", stderr);
    return 2;
  }
  ondes::CudaBlockBench bench;
  if (argc > 1) {
    bench.precisions.clear();
  }
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name != "f32" && name != "f16") {
      std::fputs("bench_block: see the top of tests/cuda/bench_block.cpp\n", stderr);
      return 2;
    }
    bench.precisions.push_back(name == "f16" ? ondes::Precision::f16 : ondes::Precision::f32);
  }
  try {
    ondes::run_table(bench);
  } catch (const ondes::Error& error) {
    std::fprintf(stderr, "bench_block: %s\n", error.what());
    return error.code() == ondes::ErrorCode::no_device ? 5 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_block: %s\n", error.what());
    return 1;
  }
  return 0;
}
