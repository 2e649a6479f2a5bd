#include "apps/bench_gan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/bench_ceilings.h"
#include "apps/precision_names.h"
#include "engine/buffer.h"
#include "engine/cpu/cpu_block_runner.h"
#include "engine/error.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

// Seconds that passed, or that this thread ran.
double now_seconds(bool cpu_time) {
  timespec time{};
  clock_gettime(cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The value below which a share of the (sorted) values lies.
double quantile(const std::vector<double>& sorted, double share) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::ceil(share * last))];
}

// Something like log-mels: the time of a run does not depend on them.
Buffer clip_of(const BlockPlan& plan, int frames) {
  const int channels = plan.values[static_cast<std::size_t>(plan.inputs[0])].channels;
  Buffer clip(frames, channels);
  for (int t = 0; t < frames; ++t) {
    for (int c = 0; c < channels; ++c) {
      clip.view()[t][static_cast<std::size_t>(c)] =
          -5.0F + 3.0F * std::sin(0.1F * static_cast<float>(t * (1 + c % 7) + c));
    }
  }
  return clip;
}

struct Line {
  int variant = 1;
  Precision precision = Precision::f32;
  int threads = 1;
  int block = 0;
  std::string description;
  std::vector<double> times;   // of a clip, or of a block, sorted
  double audio_seconds = 0.0;  // of one of them
  double macs = 0.0;
  double ceiling = 0.0;        // multiplications a second, all threads
  double torch_seconds = 0.0;  // of a clip as long as one of `times`; 0: not known
};

std::vector<float> first_samples(BlockRunner& runner, const Buffer& clip, int frames) {
  Buffer room(runner.max_output_frames(), 1);
  std::vector<float> samples;
  const auto take = [&](int count) {
    samples.insert(samples.end(), room.view().data(), room.view().data() + count);
    return count;
  };
  runner.start(0);
  for (int t = 0; t < frames;) {
    const int count = std::min(runner.max_block_frames(), frames - t);
    const ConstFrames block = ConstFrames(clip.view()).subview(t, count);
    take(runner.process(0, {&block, 1}, room.view()));
    t += count;
  }
  while (take(runner.finish(0, room.view())) > 0) {
  }
  return samples;
}

void check_answer(const BlockPlan& plan, BlockRunner& runner, Precision precision) {
  constexpr int kFrames = 3;
  const Buffer clip = clip_of(plan, kFrames);
  const ConstFrames whole = clip.view();
  std::vector<float> expected;
  if (precision == Precision::f32) {
    expected = evaluate_block_plan(plan, {&whole, 1});
  } else {
    const auto judge = make_cpu_block_runner_for(Isa::scalar, plan, {precision, 1, kFrames, 1});
    expected = first_samples(*judge, clip, kFrames);
  }
  if (first_samples(runner, clip, kFrames) != expected) {
    throw Error(ErrorCode::threshold,
                "bench: " + runner.description() + " does not give the judge's samples; not timed");
  }
}

// Multiplications a second of one core that does nothing else.
double ceiling_once(const CeilingPasses& passes, Precision precision, bool cpu_time) {
  constexpr int kRounds = 20000;
  const double start = now_seconds(cpu_time);
  const double macs =
      precision == Precision::f32 ? passes.multiply_f32(kRounds) : passes.multiply_i8(kRounds);
  return macs / (now_seconds(cpu_time) - start);
}

void measure(const BlockPlan& plan,
             const GanBenchOptions& options,
             const CeilingPasses& passes,
             Line& line) {
  const int block = line.block == 0 ? options.clip_frames : line.block;
  const auto runner = make_cpu_block_runner(plan, {line.precision, 1, block, line.threads});
  line.description = runner->description();
  check_answer(plan, *runner, line.precision);
  const Buffer clip = clip_of(plan, options.clip_frames);
  Buffer room(runner->max_output_frames(), 1);
  runner->start(0);
  const int block_count = options.clip_frames / block;
  // Blocks that fill the look-ahead make less than the others.
  const int filling = line.block == 0 ? 1 : (runner->latency_frames() + block - 1) / block + 1;
  const double begin = now_seconds(false);
  for (int b = 0; now_seconds(false) - begin < options.seconds || line.times.size() < 5; ++b) {
    const ConstFrames frames = ConstFrames(clip.view()).subview(b % block_count * block, block);
    const double before = now_seconds(options.cpu_time);
    if (line.block == 0) {
      runner->start(0);
    }
    runner->process(0, {&frames, 1}, room.view());
    while (line.block == 0 && runner->finish(0, room.view()) > 0) {
    }
    if (b >= filling) {
      line.times.push_back(now_seconds(options.cpu_time) - before);
    }
    if (b % 8 == 0) {
      line.ceiling = std::max(
          line.ceiling, line.threads * ceiling_once(passes, line.precision, options.cpu_time));
    }
  }
  std::sort(line.times.begin(), line.times.end());
  line.audio_seconds = static_cast<double>(output_frames(plan, block)) / plan.sample_rate_hz;
  line.macs = macs_per_frame(plan) * block;
}

// Seconds LibTorch takes for the clip, the best of some. Throws Error{io} if the program says
// nothing.
double torch_seconds(const GanBenchOptions& options, int variant, int threads) {
  const std::string command =
      fmt::format("'{}' gan {} {} {} {} {} 2>/dev/null", options.torch_program, variant, threads,
                  options.clip_frames, options.seconds, options.cpu_time ? "cpu" : "wall");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 256> chunk{};
  while (pipe != nullptr && std::fgets(chunk.data(), chunk.size(), pipe.get()) != nullptr) {
    text += chunk.data();
  }
  const nlohmann::json answer = nlohmann::json::parse(text, nullptr, false);
  if (!answer.is_object() || !answer.contains("seconds")) {
    throw Error(ErrorCode::io, options.torch_program + ": gives no figure for generators; run `" +
                                   command +
                                   "` alone to see why, or leave the comparison out with "
                                   "--torch ''");
  }
  return answer.at("seconds").get<double>();
}

std::string line_after(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) {
      const std::size_t colon = line.find(':');
      return colon == std::string::npos ? line : line.substr(colon + 2);
    }
  }
  return "unknown";
}

void print_head(const GanBenchOptions& options) {
  const std::string cpu = line_after("/proc/cpuinfo", "model name");
  const std::string load = line_after("/proc/loadavg", "");
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"cpu", cpu},
                                      {"isa", isa_name(chosen_isa())},
                                      {"load_average", load},
                                      {"clock", options.cpu_time ? "cpu" : "wall"},
                                      {"clip_frames", options.clip_frames}}
                           .dump());
    return;
  }
  fmt::print("{}, instruction set {}, load average {}\n", cpu, isa_name(chosen_isa()), load);
  fmt::print(
      "HiFi-GAN at 22.05 kHz, random weights, a clip of {} frames. x real time: of the best and of "
      "the median, {} time; p99.9 and worst: over the median, of a clip or a block; ceiling: "
      "multiplying "
      "only\n\n",
      options.clip_frames, options.cpu_time ? "processor" : "wall");
  fmt::print("{:>3} {:>5} {:>8} {:>6} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}\n", "V", "type",
             "threads", "block", "x best", "x median", "p99.9", "worst", "GMAC/s", "ceiling",
             "x torch");
}

void print_line(const GanBenchOptions& options, const Line& line) {
  const double best = line.times.front();
  const double middle = quantile(line.times, 0.5);
  const double slow = quantile(line.times, 0.999);
  if (options.json) {
    const nlohmann::json json = {{"variant", line.variant},
                                 {"precision", precision_name(line.precision)},
                                 {"threads", line.threads},
                                 {"block_frames", line.block},
                                 {"runner", line.description},
                                 {"measured", line.times.size()},
                                 {"audio_seconds", line.audio_seconds},
                                 {"best_seconds", best},
                                 {"median_seconds", middle},
                                 {"p999_seconds", slow},
                                 {"worst_seconds", line.times.back()},
                                 {"macs", line.macs},
                                 {"ceiling_macs_per_second", line.ceiling},
                                 {"torch_seconds", line.torch_seconds}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print(
        "{:>3} {:>5} {:>8} {:>6} {:>9.2f} {:>9.2f} {:>7.2f} {:>7.2f} {:>8.1f} {:>7.0f}% {:>8}\n",
        line.variant, precision_name(line.precision), line.threads,
        line.block == 0 ? "clip" : std::to_string(line.block), line.audio_seconds / best,
        line.audio_seconds / middle, slow / middle, line.times.back() / middle,
        line.macs / best * 1e-9, 100.0 * line.macs / best / line.ceiling,
        line.torch_seconds > 0.0 ? fmt::format("{:.2f}", line.torch_seconds / best) : "-");
  }
  std::fflush(stdout);
}

}  // namespace

int run_bench_gan(const GanBenchOptions& options) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage, "bench: this is a debug build; its figures would mislead");
#endif
  const CeilingPasses* passes = ceiling_passes(chosen_isa());
  if (passes == nullptr) {
    throw Error(ErrorCode::usage,
                "bench: the scalar kernels have no bound to be compared with; unset "
                "ONDES_FORCE_ISA");
  }
  print_head(options);
  for (const int variant : options.variants) {
    BlockPlan plan = random_hifigan(hifigan_variant(variant), 1);
    const Buffer clip = clip_of(plan, 64);
    const std::vector<std::vector<ConstFrames>> clips{{clip.view()}};
    plan.ranges = calibrated_ranges(plan, clips);
    for (const std::string& name : options.precisions) {
      for (const int threads : options.threads) {
        if (options.cpu_time && threads != 1) {
          continue;
        }
        for (const int block : options.blocks) {
          Line line;
          line.variant = variant;
          line.precision = precision_names().at(name);
          line.threads = threads;
          line.block = block;
          if (block == 0 && !options.torch_program.empty()) {
            line.torch_seconds = torch_seconds(options, variant, threads);
          }
          measure(plan, options, *passes, line);
          print_line(options, line);
        }
      }
    }
  }
  return 0;
}

}  // namespace ondes
