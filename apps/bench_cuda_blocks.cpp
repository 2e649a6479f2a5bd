#include "apps/bench_cuda_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/bench_cuda.h"
#include "apps/bench_lanes.h"
#include "cuda/backend.h"
#include "engine/buffer.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"

namespace ondes {
namespace {

// Something like log-mels, in every input.
std::vector<Buffer> clip_of(const BlockPlan& plan, int frames) {
  std::vector<Buffer> clip;
  for (const BlockValueId id : plan.inputs) {
    const BlockValue& input = plan.values[static_cast<std::size_t>(id)];
    Buffer& values = clip.emplace_back(frames * input.rate.up / input.rate.down, input.channels);
    for (int t = 0; t < values.frames(); ++t) {
      for (int c = 0; c < input.channels; ++c) {
        values.view()[t][static_cast<std::size_t>(c)] =
            -5.0F + 3.0F * std::sin(0.1F * static_cast<float>(t * (1 + c % 7) + c));
      }
    }
  }
  return clip;
}

// Calls of a stream over a clip that begins again and again.
class BlockLoad {
 public:
  BlockLoad(BlockRunner& runner, const BlockPlan& plan, int clip_frames)
      : runner_(runner),
        plan_(plan),
        frames_(clip_frames),
        clip_(clip_of(plan, clip_frames)),
        room_(runner.max_output_frames(),
              plan.values[static_cast<std::size_t>(plan.output)].channels) {
    runner.start(0);
  }
  // The next frames; returns the output frames written.
  int block(int count) {
    position_ = position_ + count > frames_ ? 0 : position_;
    std::vector<ConstFrames> inputs;
    for (std::size_t i = 0; i < clip_.size(); ++i) {
      const BlockRate& rate = plan_.values[static_cast<std::size_t>(plan_.inputs[i])].rate;
      inputs.push_back(ConstFrames(clip_[i].view())
                           .subview(position_ * rate.up / rate.down, count * rate.up / rate.down));
    }
    position_ += count;
    last_ = runner_.process(0, inputs, room_.view());
    return last_;
  }
  // A device that has failed does nothing, very fast, and gives NaN.
  void check_finite() const {
    const ConstFrames view = room_.view();
    if (!std::all_of(view.data(), view.data() + last_ * view.channels(),
                     [](float x) { return std::isfinite(x); })) {
      throw Error(ErrorCode::threshold, runner_.description() + ": samples are not finite");
    }
  }
  // The whole clip, from start() to the last frame of finish(); what was made, if it is wanted.
  void clip(std::vector<float>* made) {
    runner_.start(0);
    position_ = 0;
    take(block(frames_), made);
    check_finite();
    for (int count = 1; count > 0;) {
      count = runner_.finish(0, room_.view());
      take(count, made);
    }
  }

 private:
  void take(int count, std::vector<float>* made) const {
    if (made != nullptr) {
      const ConstFrames view = room_.view();
      made->insert(made->end(), view.data(), view.data() + count * view.channels());
    }
  }

  BlockRunner& runner_;
  const BlockPlan& plan_;
  int frames_;
  int position_ = 0;
  int last_ = 0;  // frames of the last block
  std::vector<Buffer> clip_;
  Buffer room_;
};

std::vector<float> samples_of(BlockRunner& runner, const BlockPlan& plan, int frames) {
  std::vector<float> made;
  BlockLoad(runner, plan, frames).clip(&made);
  return made;
}

// f32: what different libraries' orders of addition make of samples below 1. f16: what 11 bits make
// of them in a hundred layers.
void check_answer(const BlockPlan& plan, Precision precision) {
  constexpr int kFrames = 20;
  const double most = precision == Precision::f16 ? 2e-2 : 1e-5;
  const auto runner = make_cuda_block_runner(plan, {precision, 1, kFrames, 1});
  const auto judge = make_cpu_block_runner(plan, {Precision::f32, 1, kFrames, 1});
  const std::vector<float> found = samples_of(*runner, plan, kFrames);
  const std::vector<float> expected = samples_of(*judge, plan, kFrames);
  bool good = found.size() == expected.size();
  for (std::size_t i = 0; good && i < found.size(); ++i) {
    good = std::fabs(found[i] - expected[i]) <= most;  // false for NaN
  }
  if (!good) {
    throw Error(ErrorCode::threshold, runner->description() +
                                          ": its samples differ from the CPU's "
                                          "by more than they may; not timed");
  }
}

struct Line {
  std::string name;
  Precision precision = Precision::f32;
  int block = 0;
  std::string description;
  CallTimes times;
  double audio_s = 0.0;  // of a call
  double macs = 0.0;     // of a call
  double bytes = 0.0;    // of a call: weights and values
};

Line measure(const BlockPlan& plan, const CudaBlockBench& bench, Precision precision, int block) {
  Line line;
  line.precision = precision;
  line.block = block;
  const int frames = block == 0 ? bench.clip_frames : block;
  const auto runner = make_cuda_block_runner(plan, {precision, 1, frames, 1});
  line.description = runner->description();
  BlockLoad load(*runner, plan, bench.clip_frames);
  if (block == 0) {
    line.times = time_calls([&] { load.clip(nullptr); }, bench.seconds, bench.check_interrupted);
  } else {
    // Blocks that fill the look-ahead make less than the others, and every schedule of frames that
    // comes up for the first time is set up then.
    const int filling = (runner->latency_frames() + block - 1) / block + 16;
    for (int i = 0; i < filling; ++i) {
      load.block(block);
    }
    line.times = time_calls([&] { load.block(block); }, bench.seconds, bench.check_interrupted);
    load.check_finite();
  }
  const BlockCost cost = block_cost(plan);
  const double bytes = precision == Precision::f16 ? 2.0 : 4.0;
  line.audio_s = static_cast<double>(output_frames(plan, frames)) / plan.sample_rate_hz;
  line.macs = cost.macs * frames;
  line.bytes = bytes * (cost.parameters + frames * (cost.values_read + cost.values_written));
  return line;
}

void print_line(const Line& line, const DeviceRates& rates, bool json) {
  const std::string precision = precision_name(line.precision);
  const double best = line.times.best_s;
  const double macs_per_s = line.macs / best;
  const double rate = rates.macs_per_s(line.precision);
  if (json) {
    const nlohmann::json object = {
        {"network", line.name},       {"precision", precision},
        {"block_frames", line.block}, {"runner", line.description},
        {"calls", line.times.calls},  {"audio_seconds", line.audio_s},
        {"best_seconds", best},       {"median_seconds", line.times.median_s},
        {"macs", line.macs},          {"bytes", line.bytes}};
    std::printf("%s\n", object.dump().c_str());
  } else {
    std::printf("%5s %5s %6s %9.2f %9.3f %9.3f %9.1f %9.1f %9.1f %6.1f%% %9.1f %6.1f%%\n",
                line.name.c_str(), precision.c_str(),
                line.block == 0 ? "clip" : std::to_string(line.block).c_str(), 1e3 * line.audio_s,
                1e3 * best, 1e3 * line.times.median_s, line.audio_s / best,
                line.audio_s / line.times.median_s, 1e-9 * macs_per_s,
                rate > 0.0 ? 100.0 * macs_per_s / rate : 0.0, 1e-9 * line.bytes / best,
                100.0 * line.bytes / best / rates.copy_bytes_per_s);
  }
  std::fflush(stdout);
}

}  // namespace

void print_cuda_block_head(bool json) {
  if (!json) {
    std::printf("%5s %5s %6s %9s %9s %9s %9s %9s %9s %7s %9s %7s\n", "net", "type", "block",
                "audio ms", "best ms", "median ms", "x real", "(median)", "GMAC/s", "of rate",
                "GB/s", "of copy");
  }
}

void run_cuda_block_bench(const std::string& name,
                          const BlockPlan& plan,
                          const CudaBlockBench& bench,
                          const DeviceRates& rates) {
  BenchFaults faults;
  for (const Precision precision : bench.precisions) {
    if (!faults.guard([&] { check_answer(plan, precision); })) {
      continue;
    }
    for (const int block : bench.blocks) {
      bench.check_interrupted();
      faults.guard([&] {
        Line line = measure(plan, bench, precision, block);
        line.name = name;
        print_line(line, rates, bench.json);
        bench.figure({precision, block, line.audio_s / line.times.best_s});
      });
    }
  }
  faults.throw_first();
}

}  // namespace ondes
