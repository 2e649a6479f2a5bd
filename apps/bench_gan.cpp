#include "apps/bench_gan.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/bench_ceilings.h"
#include "apps/bench_common.h"
#include "apps/bench_peer.h"
#include "apps/precision_names.h"
#include "engine/buffer.h"
#include "engine/cpu/cpu_block_runner.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "models/hifigan/hifigan.h"

namespace ondes {
namespace {

constexpr std::uint64_t kSeed = 1;

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
  std::vector<double> calm;    // those during which no thread of ours had to leave its core
  double audio_seconds = 0.0;  // of one of them
  double macs = 0.0;
  double ceiling = 0.0;        // multiplications a second, all threads
  double torch_seconds = 0.0;  // of a clip as long as one of `times`; 0: not known
  double onnx_seconds = 0.0;
};

// A program that runs the same network on the same clip, in turns with a runner.
struct Rival {
  std::unique_ptr<BenchPeer> peer;
  double* best_seconds = nullptr;
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

// How often the system has taken a core from a thread of ours, for a slice of milliseconds.
long involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

// Multiplications a second of one core that does nothing else.
double ceiling_once(const CeilingPasses& passes, Precision precision, bool cpu_time) {
  constexpr int kRounds = 20000;
  const double start = bench_seconds(cpu_time);
  const double macs =
      precision == Precision::f32 ? passes.multiply_f32(kRounds) : passes.multiply_i8(kRounds);
  return macs / (bench_seconds(cpu_time) - start);
}

// A network and a clip as files that other programs read, and gone with this object.
class ClipFiles {
 public:
  ClipFiles(const GanBenchOptions& options, int variant, const BlockPlan& plan) {
    std::string path = (std::filesystem::temp_directory_path() / "ondes-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      throw Error(ErrorCode::io, path + ": cannot be made: " + std::strerror(errno));
    }
    folder_ = path;
    const HifiganConfig config = hifigan_variant(variant);
    write(weights(), write_safetensors({{"config", hifigan_config_to_json(config).dump()}},
                                       random_hifigan_tensors(config, kSeed)));
    const Buffer clip = clip_of(plan, options.clip_frames);
    const auto runner = make_cpu_block_runner(plan, {Precision::f32, 1, options.clip_frames, 1});
    const std::vector<float> samples = first_samples(*runner, clip, options.clip_frames);
    const int bands = clip.view().channels();
    std::vector<float> mel;
    for (int c = 0; c < bands; ++c) {
      for (int t = 0; t < options.clip_frames; ++t) {
        mel.push_back(clip.view()[t][static_cast<std::size_t>(c)]);
      }
    }
    write(this->clip(),
          write_safetensors(
              {}, {{"mel", tensor_from_floats(mel, {1, bands, options.clip_frames})},
                   {"samples", tensor_from_floats(
                                   samples, {1, 1, static_cast<std::int64_t>(samples.size())})}}));
  }
  ~ClipFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ClipFiles(const ClipFiles&) = delete;
  ClipFiles& operator=(const ClipFiles&) = delete;

  std::string weights() const { return (folder_ / "weights.safetensors").string(); }
  std::string clip() const { return (folder_ / "clip.safetensors").string(); }

 private:
  static void write(const std::string& path, std::span<const std::byte> bytes) {
    AtomicFileWriter file(path);
    file.write(bytes);
    file.commit();
  }
  std::filesystem::path folder_;
};

// Starts a program on the files and checks its samples.
Rival make_rival(std::vector<std::string> command,
                 const GanBenchOptions& options,
                 const ClipFiles& files,
                 int threads,
                 double* best_seconds) {
  // Another library sums in another order: some 1e-6; beyond this it is another network.
  constexpr double kMostDifference = 1e-4;
  command.insert(command.end(), {"gan", files.weights(), files.clip(), std::to_string(threads),
                                 options.cpu_time ? "cpu" : "wall"});
  Rival rival{std::make_unique<BenchPeer>(command), best_seconds};
  const double difference = rival.peer->answer("largest_difference").at("largest_difference");
  if (!(difference <= kMostDifference)) {
    throw Error(ErrorCode::threshold,
                fmt::format("bench: {} differs from ondes by {:.2g} at most, expected {:.0e}; "
                            "not timed",
                            command.front(), difference, kMostDifference));
  }
  return rival;
}

std::vector<Rival> make_rivals(const GanBenchOptions& options, const ClipFiles& files, Line& line) {
  std::vector<Rival> rivals;
  if (line.block != 0) {
    return rivals;  // neither streams
  }
  if (!options.torch_program.empty()) {
    rivals.push_back(
        make_rival({options.torch_program}, options, files, line.threads, &line.torch_seconds));
  }
  if (!options.onnx_python.empty()) {
    rivals.push_back(make_rival({options.onnx_python, options.onnx_script}, options, files,
                                line.threads, &line.onnx_seconds));
  }
  return rivals;
}

// One clip each. Threads of a library that has just run may spin for some milliseconds; nobody
// begins before they rest.
void take_turns(std::vector<Rival>& rivals) {
  constexpr auto kRest = std::chrono::milliseconds(20);
  for (Rival& rival : rivals) {
    std::this_thread::sleep_for(kRest);
    rival.peer->ask();
    const double seconds = rival.peer->answer("seconds").at("seconds");
    double& best = *rival.best_seconds;
    best = best == 0.0 ? seconds : std::min(best, seconds);
  }
  if (!rivals.empty()) {
    std::this_thread::sleep_for(kRest);
  }
}

void measure(const BlockPlan& plan,
             const GanBenchOptions& options,
             const CeilingPasses& passes,
             std::vector<Rival> rivals,
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
  double spent = 0.0;
  for (int b = 0; spent < options.seconds || line.times.size() < 5; ++b) {
    check_bench_interrupted();
    take_turns(rivals);
    const double begin = bench_seconds();
    const ConstFrames frames = ConstFrames(clip.view()).subview(b % block_count * block, block);
    const long switches = involuntary_switches();
    const double before = bench_seconds(options.cpu_time);
    if (line.block == 0) {
      runner->start(0);
    }
    runner->process(0, {&frames, 1}, room.view());
    while (line.block == 0 && runner->finish(0, room.view()) > 0) {
    }
    if (b >= filling) {
      line.times.push_back(bench_seconds(options.cpu_time) - before);
      if (involuntary_switches() == switches) {
        line.calm.push_back(line.times.back());
      }
    }
    if (b % 8 == 0) {
      line.ceiling = std::max(
          line.ceiling, line.threads * ceiling_once(passes, line.precision, options.cpu_time));
    }
    spent += bench_seconds() - begin;
  }
  std::sort(line.times.begin(), line.times.end());
  std::sort(line.calm.begin(), line.calm.end());
  line.audio_seconds = static_cast<double>(output_frames(plan, block)) / plan.sample_rate_hz;
  line.macs = macs_per_frame(plan) * block;
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
      "the median, {} time; p99.9 and worst: over the median, of a clip or a block; calm: p99.9 of "
      "those "
      "during which the system took no core from a thread here; ceiling: multiplying only\n\n",
      options.clip_frames, options.cpu_time ? "processor" : "wall");
  fmt::print("{:>3} {:>5} {:>8} {:>6} {:>9} {:>9} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8}\n", "V",
             "type", "threads", "block", "x best", "x median", "p99.9", "worst", "calm", "GMAC/s",
             "ceiling", "x torch", "x onnx");
}

std::string times_faster(double rival_seconds, double seconds) {
  return rival_seconds > 0.0 ? fmt::format("{:.2f}", rival_seconds / seconds) : "-";
}

void print_line(const GanBenchOptions& options, const Line& line) {
  const double best = line.times.front();
  const double middle = quantile(line.times, 0.5);
  const double slow = quantile(line.times, 0.999);
  const double calm_slow = line.calm.empty() ? 0.0 : quantile(line.calm, 0.999);
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
                                 {"calm_measured", line.calm.size()},
                                 {"calm_p999_seconds", calm_slow},
                                 {"macs", line.macs},
                                 {"ceiling_macs_per_second", line.ceiling},
                                 {"torch_seconds", line.torch_seconds},
                                 {"onnx_seconds", line.onnx_seconds}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print(
        "{:>3} {:>5} {:>8} {:>6} {:>9.2f} {:>9.2f} {:>7.2f} {:>7.2f} {:>7} {:>8.1f} {:>7.0f}% "
        "{:>8} "
        "{:>8}\n",
        line.variant, precision_name(line.precision), line.threads,
        line.block == 0 ? "clip" : std::to_string(line.block), line.audio_seconds / best,
        line.audio_seconds / middle, slow / middle, line.times.back() / middle,
        line.calm.empty() ? "-" : fmt::format("{:.2f}", calm_slow / middle),
        line.macs / best * 1e-9, 100.0 * line.macs / best / line.ceiling,
        times_faster(line.torch_seconds, best), times_faster(line.onnx_seconds, best));
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
    BlockPlan plan = random_hifigan(hifigan_variant(variant), kSeed);
    const Buffer clip = clip_of(plan, 64);
    const std::vector<std::vector<ConstFrames>> clips{{clip.view()}};
    plan.ranges = calibrated_ranges(plan, clips);
    const ClipFiles files(options, variant, plan);
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
          measure(plan, options, *passes, make_rivals(options, files, line), line);
          print_line(options, line);
        }
      }
    }
  }
  return 0;
}

}  // namespace ondes
