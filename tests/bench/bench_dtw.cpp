// Cells a second of exact DTW: order-24 features (25 columns with c0 left out: 24), and costs that
// the caller made. Checks the answer against the double judge first; prints the machine's load,
// because a second process on the core halves every figure.
//
//   bench_dtw [frames]
#include <hwy/targets.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "dsp/dtw.h"

namespace {

// Of this thread on the processor: what others do on the machine counts less than by the clock.
double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<float> walk(int frames, int columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  const auto width = static_cast<std::size_t>(columns);
  std::vector<float> x(static_cast<std::size_t>(frames) * width);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = normal(generator) + (i < width ? 0.0F : x[i - width]);
  }
  return x;
}

template <class Run>
void measure(const char* what, const Run& run) {
  std::vector<double> rates;
  for (int repeat = 0; repeat < 9; ++repeat) {
    const double start_s = cpu_s();
    const std::int64_t cells = run();
    rates.push_back(static_cast<double>(cells) / (cpu_s() - start_s) * 1e-6);
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%-34s best %7.0f  median %7.0f  worst %7.0f Mcell/s\n", what, rates.back(),
              rates[rates.size() / 2], rates.front());
}

}  // namespace

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "bench_dtw: this is a debug build\n");
  return 2;
#else
  const int frames = argc > 1 ? std::atoi(argv[1]) : 4000;  // 20 s at 5 ms
  constexpr int kColumns = 24;
  if (frames < 2 || frames > 20000) {
    std::fprintf(stderr, "bench_dtw: expected 2..20000 frames\n");
    return 2;
  }
  const auto x = walk(frames, kColumns, 1);
  const auto y = walk(frames, kColumns, 2);
  const ondes::ConstFrames a(x.data(), frames, kColumns);
  const ondes::ConstFrames b(y.data(), frames, kColumns);
  const int some = std::min(frames, 2000);
  const double judge = ondes::dtw_double(a.subview(0, some), b.subview(0, some)).total_cost;
  const double found = ondes::dtw(a.subview(0, some), b.subview(0, some)).total_cost;
  std::printf("cost above the double judge's optimum: %.1e of it\n", found / judge - 1.0);
  if (!(found <= judge * (1.0 + 1e-6))) {
    std::fprintf(stderr, "bench_dtw: wrong answer\n");
    return 1;
  }
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load);
  std::printf("%s, %d x %d frames, %d columns, one thread, processor time; load %s\n",
              hwy::TargetName(hwy::SupportedTargets() & -hwy::SupportedTargets()), frames, frames,
              kColumns, load.c_str());
  measure("costs computed (24 columns)", [&] { return ondes::dtw(a, b).cells; });
  const ondes::DtwOptions banded{.band_frames = frames / 10};
  measure("costs computed, band of a tenth", [&] { return ondes::dtw(a, b, banded).cells; });
  std::vector<float> costs(static_cast<std::size_t>(frames) * static_cast<std::size_t>(frames));
  std::mt19937 generator(3);
  for (float& cost : costs) {
    cost = static_cast<float>(generator()) * 0x1p-32F;
  }
  measure("costs given", [&] { return ondes::dtw_of_costs(costs, frames, frames).cells; });
  return 0;
#endif
}
