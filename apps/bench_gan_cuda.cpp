#include "apps/bench_common.h"
#include "apps/bench_cuda.h"
#include "apps/bench_cuda_blocks.h"
#include "apps/bench_gan.h"
#include "apps/precision_names.h"
#include "engine/error.h"
#include "models/hifigan/hifigan.h"

namespace ondes {

int run_bench_gan_cuda(const GanBenchOptions& options, bool precisions_asked) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage, "bench: this is a debug build; its figures would mislead");
#endif
  constexpr std::uint64_t kSeed = 1;
  CudaBlockBench bench;
  if (precisions_asked) {
    bench.precisions.clear();
    for (const std::string& name : options.precisions) {
      bench.precisions.push_back(precision_names().at(name));
    }
  }
  bench.blocks = options.blocks;
  bench.clip_frames = options.clip_frames;
  bench.seconds = options.seconds;
  bench.json = options.json;
  bench.check_interrupted = check_bench_interrupted;
  const DeviceRates rates = measured_device_rates();
  print_device_rates(rates, options.json);
  print_cuda_block_head(options.json);
  for (const int variant : options.variants) {
    const BlockPlan plan = random_hifigan(hifigan_variant(variant), kSeed);
    run_cuda_block_bench("V" + std::to_string(variant), plan, bench, rates);
  }
  return 0;
}

}  // namespace ondes
