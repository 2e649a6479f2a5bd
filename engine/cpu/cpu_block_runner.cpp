// The CPU runner of block plans: set-up, the memory of its streams, calibration.
#include "engine/cpu/cpu_block_runner.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/buffer.h"
#include "engine/cpu/cpu_block_runner_internal.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

void require_in(const std::string& option, int value, int low, int high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::usage, "block runner: " + option + ": expected " + std::to_string(low) +
                                      ".." + std::to_string(high) + ", found " +
                                      std::to_string(value));
  }
}

}  // namespace

CpuBlockRunner::CpuBlockRunner(const BlockKernels& kernels,
                               const BlockPlan& plan,
                               const BlockRunnerOptions& options)
    : kernels_(kernels),
      options_(options),
      latency_frames_(ondes::latency_frames(plan)),
      model_(plan, options, kernels),
      pool_(options.threads - 1, &CpuBlockRunner::run_unit, this) {
  const std::size_t floats = model_.signal_floats + model_.state_floats;
  // Streams start at different sets of a cache.
  stream_floats_ = (floats + 31) / 16 * 16;
  stream_bytes_ = (model_.signal_bytes + 127) / 64 * 64;
  memory_.allocate(stream_floats_ * at(options.max_streams) * sizeof(float));
  byte_memory_.allocate(stream_bytes_ * at(options.max_streams + 1));
  fresh_.allocate(floats * sizeof(float));
  scratch_.allocate(model_.scratch_floats * at(kUnitsPerThread * options.threads) * sizeof(float));
  for (int s = 0; s < options.max_streams; ++s) {
    StreamState stream;
    stream.values.resize(model_.values.size());
    stream.frames_used.resize(model_.nodes.size(), 0);
    stream.signals = reinterpret_cast<float*>(memory_.data()) + stream_floats_ * at(s);
    stream.state = stream.signals + model_.signal_floats;
    stream.bytes = reinterpret_cast<std::uint8_t*>(byte_memory_.data()) + stream_bytes_ * at(s);
    streams_.push_back(std::move(stream));
  }
  prepare(plan.prewarm_frames);
  for (int s = 0; s < options.max_streams; ++s) {
    CpuBlockRunner::start(s);
  }
}

void CpuBlockRunner::start(int stream) noexcept {
  StreamState& to = streams_[at(stream)];
  std::copy(begin_.values.begin(), begin_.values.end(), to.values.begin());
  std::copy(begin_.frames_used.begin(), begin_.frames_used.end(), to.frames_used.begin());
  to.delivered = begin_.delivered;
  for (std::size_t v = 0; v < to.values.size(); ++v) {
    const ValueLayout& layout = model_.values[v];
    const auto held = at(to.values[v].end - to.values[v].base) * at(layout.width);
    if (layout.floats) {
      std::memcpy(to.signals + layout.at, begin_.signals + layout.at, held * sizeof(float));
    }
    if (layout.bytes) {
      std::memcpy(to.bytes + layout.bytes_at, begin_.bytes + layout.bytes_at,
                  at(to.values[v].end - to.values[v].base) * at(layout.byte_width));
    }
  }
  std::memcpy(to.state, begin_.state, model_.state_floats * sizeof(float));
}

int CpuBlockRunner::process(int stream,
                            std::span<const ConstFrames> inputs,
                            Frames output) noexcept {
  assert(inputs.size() == model_.inputs.size());
  assert(inputs[0].frames() <= options_.max_block_frames);
  assert(output.frames() >= model_.max_output_frames || inputs[0].empty());
  const FlushToZeroScope flush;
  now_ = &streams_[at(stream)];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    append(model_.inputs[i], inputs[i]);
  }
  return run(output);
}

int CpuBlockRunner::finish(int stream, Frames output) noexcept {
  const FlushToZeroScope flush;
  now_ = &streams_[at(stream)];
  for (const BlockValueId id : model_.inputs) {
    end_value(id);
  }
  return run(output);
}

std::string CpuBlockRunner::description() const {
  return std::string("cpu ") + kernels_.name + " " + precision_name(options_.precision) + ", " +
         std::to_string(options_.threads) + (options_.threads == 1 ? " thread" : " threads");
}

// The state before a signal's first frame: padding, initial values, and the silence played
// through.
void CpuBlockRunner::prepare(int prewarm_frames) {
  begin_ = streams_[0];
  begin_.signals = reinterpret_cast<float*>(fresh_.data());
  begin_.state = begin_.signals + model_.signal_floats;
  begin_.bytes = reinterpret_cast<std::uint8_t*>(byte_memory_.data()) +
                 stream_bytes_ * at(options_.max_streams);
  for (std::size_t v = 0; v < model_.values.size(); ++v) {
    const ValueLayout& layout = model_.values[v];
    begin_.values[v].base = -layout.left;
    if (layout.bytes) {
      pad_bytes(layout, layout.left, begin_.bytes + layout.bytes_at);
    }
  }
  for (const BlockNode& node : model_.nodes) {
    for (const PackedLstmLayer& layer : node.layers) {
      std::copy(layer.initial_hidden.begin(), layer.initial_hidden.end(),
                begin_.state + layer.hidden_at + layer.inputs);
      std::copy(layer.initial_cell.begin(), layer.initial_cell.end(), begin_.state + layer.cell_at);
    }
  }
  if (prewarm_frames == 0) {
    return;
  }
  std::vector<Buffer> silence;
  for (const BlockValueId id : model_.inputs) {
    const ValueLayout& layout = model_.values[at(id)];
    silence.emplace_back(options_.max_block_frames * layout.rate.up, layout.channels);
  }
  const ValueLayout& out = model_.values[at(model_.output)];
  Buffer dropped(model_.max_output_frames, out.channels);
  const FlushToZeroScope flush;
  now_ = &begin_;
  for (int done = 0; done < prewarm_frames;) {
    const int frames = std::min(options_.max_block_frames, prewarm_frames - done);
    for (std::size_t i = 0; i < silence.size(); ++i) {
      const int up = model_.values[at(model_.inputs[i])].rate.up;
      append(model_.inputs[i], ConstFrames(silence[i].view().subview(0, frames * up)));
    }
    run(dropped.view());
    done += frames;
  }
}

std::unique_ptr<BlockRunner> make_cpu_block_runner_for(Isa isa,
                                                       const BlockPlan& plan,
                                                       const BlockRunnerOptions& options) {
  validate(plan);
  require_in("max_streams", options.max_streams, 1, 4096);
  require_in("max_block_frames", options.max_block_frames, 1, 1 << 20);
  require_in("threads", options.threads, 1, 256);
  refuse_on_cpu(options.precision);
  refuse_on_cpu(options.precision);
  if (options.precision == Precision::i16) {
    throw Error(ErrorCode::usage, "block runner: precision: expected f32 or i8, found i16");
  }
  if (options.precision == Precision::i8 && plan.ranges.empty()) {
    throw Error(ErrorCode::usage,
                "block runner: precision i8 needs a calibrated plan, found one without ranges");
  }
  const BlockKernels* kernels = block_kernels(isa);
  if (kernels == nullptr) {
    throw Error(ErrorCode::usage, "block runner: this machine does not have " + isa_name(isa));
  }
  return std::make_unique<CpuBlockRunner>(*kernels, plan, options);
}

std::vector<BlockRange> calibrated_ranges(const BlockPlan& plan,
                                          std::span<const std::vector<ConstFrames>> clips,
                                          int threads) {
  constexpr int kBlockFrames = 64;
  validate(plan);
  const BlockRunnerOptions options{Precision::f32, 1, kBlockFrames, threads};
  CpuBlockRunner runner(*block_kernels(chosen_isa()), plan, options);
  std::vector<std::vector<BlockRange>> ranges;
  for (const BlockValue& value : plan.values) {
    ranges.emplace_back(at(value.channels));
  }
  runner.track(&ranges);
  Buffer room(runner.max_output_frames(), plan.values[at(plan.output)].channels);
  for (const std::vector<ConstFrames>& clip : clips) {
    runner.start(0);
    for (int done = 0; done < clip[0].frames(); done += kBlockFrames) {
      const int frames = std::min(kBlockFrames, clip[0].frames() - done);
      std::vector<ConstFrames> block;
      for (std::size_t i = 0; i < clip.size(); ++i) {
        const int up = plan.values[at(plan.inputs[i])].rate.up;
        block.push_back(clip[i].subview(done * up, frames * up));
      }
      runner.process(0, block, room.view());
    }
    while (runner.finish(0, room.view()) > 0) {
    }
  }
  std::vector<BlockRange> all;
  for (const std::vector<BlockRange>& value : ranges) {
    all.insert(all.end(), value.begin(), value.end());
  }
  return all;
}

std::unique_ptr<BlockRunner> make_cpu_block_runner(const BlockPlan& plan,
                                                   const BlockRunnerOptions& options) {
  return make_cpu_block_runner_for(chosen_isa(), plan, options);
}

}  // namespace ondes
