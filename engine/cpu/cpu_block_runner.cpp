// The CPU runner of block plans: streams, the schedule, units of work for the threads.
#include "engine/cpu/cpu_block_runner.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/buffer.h"
#include "engine/cpu/block_stream_internal.h"
#include "engine/cpu/worker_pool_internal.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// Multiplications below which another thread costs more than it brings: a few microseconds.
constexpr double kMacsToShare = 200'000.0;
constexpr int kUnitsPerThread = 4;  // of a node of one panel
constexpr int kMinUnitFrames = 24;

class CpuBlockRunner final : public BlockRunner {
 public:
  CpuBlockRunner(const BlockKernels& kernels,
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
    scratch_.allocate(model_.scratch_floats * at(kUnitsPerThread * options.threads) *
                      sizeof(float));
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

  void start(int stream) noexcept override {
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

  int process(int stream, std::span<const ConstFrames> inputs, Frames output) noexcept override {
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

  int finish(int stream, Frames output) noexcept override {
    const FlushToZeroScope flush;
    now_ = &streams_[at(stream)];
    for (const BlockValueId id : model_.inputs) {
      end_value(id);
    }
    return run(output);
  }

  int max_streams() const noexcept override { return options_.max_streams; }
  int max_block_frames() const noexcept override { return options_.max_block_frames; }
  int max_output_frames() const noexcept override { return model_.max_output_frames; }
  int latency_frames() const noexcept override { return latency_frames_; }
  void set_probe(BlockValueId value, std::vector<float>* frames) override {
    probed_ = frames == nullptr ? kNoValue : value;
    probe_ = frames;
  }
  // Widens the ranges of the channels of the plan's values by every frame from now on. f32 only.
  void track(std::vector<std::vector<BlockRange>>* ranges) { ranges_ = ranges; }
  std::string description() const override {
    return std::string("cpu ") + kernels_.name + " " + precision_name(options_.precision) + ", " +
           std::to_string(options_.threads) + (options_.threads == 1 ? " thread" : " threads");
  }

 private:
  // The state before a signal's first frame: padding, initial values, and the silence played
  // through.
  void prepare(int prewarm_frames) {
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
        std::copy(layer.initial_cell.begin(), layer.initial_cell.end(),
                  begin_.state + layer.cell_at);
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

  ValueState& state(BlockValueId id) noexcept { return now_->values[at(id)]; }

  // Frames whose every number is 0.
  static void pad_bytes(const ValueLayout& layout, int frames, std::uint8_t* to) noexcept {
    for (int t = 0; t < frames; ++t, to += layout.byte_width) {
      std::copy(layout.zeros.begin(), layout.zeros.end(), to);
    }
  }

  // Drops the frames of a value that nobody needs any more.
  void compact(BlockValueId id) noexcept {
    const ValueLayout& layout = model_.values[at(id)];
    ValueState& value = state(id);
    std::int64_t needed = id == model_.output ? now_->delivered : value.end;
    for (const int reader : layout.readers) {
      const BlockNode& node = model_.nodes[at(reader)];
      const std::int64_t made = state(node.outputs[0]).end;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == id) {
          needed = std::min(needed, node.first_needed(i, made, value.end));
        }
      }
    }
    if (needed <= value.base) {
      return;
    }
    const auto drop = at(needed - value.base);
    const auto keep = at(value.end - needed + (value.over ? layout.right : 0));
    if (layout.floats) {
      float* const start = now_->signals + layout.at;
      std::memmove(start, start + drop * at(layout.width), keep * at(layout.width) * sizeof(float));
    }
    if (layout.bytes) {
      std::uint8_t* const start = now_->bytes + layout.bytes_at;
      std::memmove(start, start + drop * at(layout.byte_width), keep * at(layout.byte_width));
    }
    value.base = needed;
  }

  void append(BlockValueId id, ConstFrames frames) noexcept {
    compact(id);
    ValueState& value = state(id);
    assert(value.end - value.base + frames.frames() <= model_.values[at(id)].capacity);
    for (int t = 0; t < frames.frames(); ++t) {
      std::copy(frames[t].begin(), frames[t].end(), now_->frame(model_, id, value.end + t));
    }
    if (model_.values[at(id)].bytes) {
      quantise_frames(model_, kernels_, *now_, id, value.end, frames.frames());
    }
    value.end += frames.frames();
    record(id, value.end - frames.frames(), frames.frames());
  }

  // No more frames will come: the zeros behind the last are written.
  void end_value(BlockValueId id) noexcept {
    const ValueLayout& layout = model_.values[at(id)];
    ValueState& value = state(id);
    if (value.over) {
      return;
    }
    compact(id);
    assert(value.end - value.base + layout.right <= layout.capacity);
    if (layout.floats) {
      std::memset(now_->frame(model_, id, value.end), 0,
                  at(layout.right) * at(layout.width) * sizeof(float));
    }
    if (layout.bytes) {
      pad_bytes(layout, layout.right, now_->byte_frame(model_, id, value.end));
    }
    value.over = true;
  }

  int run(Frames output) noexcept {
    output_ = output;
    written_ = 0;
    advance(0);
    return written_;
  }

  // Runs segment s, and after each of its tiles the later ones, until nothing can be made any more.
  void advance(std::size_t s) noexcept {
    for (bool progress = true; progress;) {
      progress = false;
      for (int n = model_.segments[s]; n < model_.segments[s + 1]; ++n) {
        progress = step(model_.nodes[at(n)]) || progress;
      }
      if (s + 2 < model_.segments.size()) {
        advance(s + 1);
      }
      progress = deliver() || progress;
    }
  }

  // Makes what frames of a node's output can be made. False if there was nothing to do.
  bool step(const BlockNode& node) noexcept {
    const ValueState& first = state(node.inputs[0]);
    bool over = first.over;
    std::int64_t reach = over ? node.in_all(first.end) : node.available(first.end);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      over = over && state(node.inputs[i]).over;
      reach = std::min(reach, state(node.inputs[i]).end);
    }
    const std::int64_t made = state(node.outputs[0]).end;
    std::int64_t count = reach - made;
    if (count <= 0) {
      const bool ends = over && !state(node.outputs[0]).over;
      if (ends) {
        end_outputs(node);
      }
      return ends;
    }
    if (node.enters) {
      count = std::min<std::int64_t>(count, node.tile_frames);
    }
    for (const BlockValueId id : node.outputs) {
      compact(id);
      const ValueLayout& layout = model_.values[at(id)];
      count = std::min(count, state(id).base + layout.capacity - layout.right - made);
    }
    if (count <= 0) {
      return false;
    }
    make(node, made, count);
    for (const BlockValueId id : node.outputs) {
      if (model_.values[at(id)].bytes && !node.writes_bytes()) {
        quantise_frames(model_, kernels_, *now_, id, made, count);
      }
      state(id).end += count;
      record(id, made, count);
    }
    if (over && made + count == reach) {
      end_outputs(node);
    }
    return true;
  }

  void end_outputs(const BlockNode& node) noexcept {
    for (const BlockValueId id : node.outputs) {
      end_value(id);
    }
  }

  void make(const BlockNode& node, std::int64_t first, std::int64_t count) noexcept {
    call_ = {&node, now_, first, count};
    if (node.kind == NodeKind::lstm || node.kind == NodeKind::inverse_stft ||
        node.kind == NodeKind::pad) {
      run_in_order(model_, kernels_, call_);
      return;
    }
    panels_ = node.phases.empty() ? 1 : static_cast<int>(node.phases[0].panels.size());
    phases_ = node.phases.empty() ? 1 : static_cast<int>(node.phases.size());
    chunk_ = count;
    // Elementwise nodes cost their memory traffic, some ten multiplications a value.
    const double macs = std::max(node.macs, 10.0 * model_.values[at(node.outputs[0])].width);
    const bool share = options_.threads > 1 && macs * static_cast<double>(count) > kMacsToShare;
    if (share) {
      const std::int64_t parts =
          std::max(1, (kUnitsPerThread * options_.threads) / (panels_ * phases_));
      const std::int64_t least = std::int64_t{kMinUnitFrames} * phases_;
      chunk_ = std::max(least, ((count + parts - 1) / parts + least - 1) / least * least);
    }
    const auto units = static_cast<int>((count + chunk_ - 1) / chunk_) * panels_ * phases_;
    if (share && units > 1) {
      pool_.run(units);
      return;
    }
    for (int unit = 0; unit < units; ++unit) {
      run_part(unit);
    }
  }

  static void run_unit(void* self, int unit, bool) noexcept {
    static_cast<CpuBlockRunner*>(self)->run_part(unit);
  }

  void run_part(int unit) noexcept {
    const int together = panels_ * phases_;
    const std::int64_t from = call_.first + unit / together * chunk_;
    const std::int64_t to = std::min(from + chunk_, call_.first + call_.count);
    if (call_.node->phases.empty()) {
      run_elementwise_part(model_, kernels_, call_, from, to);
      return;
    }
    // Nodes that need scratch have one panel and one phase: a unit each.
    const std::size_t slot = together == 1 ? at(unit) : 0;
    float* const scratch = reinterpret_cast<float*>(scratch_.data()) + model_.scratch_floats * slot;
    run_conv_part(model_, kernels_, call_, from, to, unit % together / panels_, unit % panels_,
                  scratch);
  }

  bool deliver() noexcept {
    const ValueState& value = state(model_.output);
    const auto room = output_.frames() - written_;
    const auto frames = static_cast<int>(std::min<std::int64_t>(value.end - now_->delivered, room));
    for (int t = 0; t < frames; ++t) {
      const std::span<float> to = output_[written_ + t];
      std::copy_n(now_->frame(model_, model_.output, now_->delivered + t), to.size(), to.data());
    }
    now_->delivered += frames;
    written_ += frames;
    return frames > 0;
  }

  void record(BlockValueId id, std::int64_t first, std::int64_t count) noexcept {
    if (ranges_ != nullptr && at(id) < ranges_->size()) {
      for (std::int64_t t = first; t < first + count; ++t) {
        const float* frame = now_->frame(model_, id, t);
        for (int c = 0; c < model_.values[at(id)].channels; ++c) {
          BlockRange& range = (*ranges_)[at(id)][at(c)];
          range.low = std::min(range.low, frame[c]);
          range.high = std::max(range.high, frame[c]);
        }
      }
    }
    if (id != probed_) {
      return;
    }
    const ValueLayout& layout = model_.values[at(id)];
    for (std::int64_t t = first; t < first + count; ++t) {
      for (int c = 0; c < layout.channels; ++c) {
        const int byte = layout.floats ? 0 : now_->byte_frame(model_, id, t)[c];
        probe_->push_back(layout.floats ? now_->frame(model_, id, t)[c]
                                        : layout.scales[at(c)] *
                                              static_cast<float>(byte - layout.zeros[at(c)]));
      }
    }
  }

  const BlockKernels& kernels_;
  BlockRunnerOptions options_;
  int latency_frames_;
  BlockModel model_;
  std::size_t stream_floats_ = 0;
  std::size_t stream_bytes_ = 0;
  HugeArray memory_;
  HugeArray byte_memory_;  // 8-bit signals: of every stream, then of a fresh one
  HugeArray fresh_;
  HugeArray scratch_;
  std::vector<StreamState> streams_;
  StreamState begin_;
  BlockValueId probed_ = kNoValue;
  std::vector<float>* probe_ = nullptr;
  std::vector<std::vector<BlockRange>>* ranges_ = nullptr;

  // The call in progress.
  StreamState* now_ = nullptr;
  Frames output_;
  int written_ = 0;
  NodeCall call_;
  std::int64_t chunk_ = 0;
  int panels_ = 1;
  int phases_ = 1;

  WorkerPool pool_;  // last: its workers are gone before anything they use
};

void require_in(const std::string& option, int value, int low, int high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::usage, "block runner: " + option + ": expected " + std::to_string(low) +
                                      ".." + std::to_string(high) + ", found " +
                                      std::to_string(value));
  }
}

}  // namespace

std::unique_ptr<BlockRunner> make_cpu_block_runner_for(Isa isa,
                                                       const BlockPlan& plan,
                                                       const BlockRunnerOptions& options) {
  validate(plan);
  require_in("max_streams", options.max_streams, 1, 4096);
  require_in("max_block_frames", options.max_block_frames, 1, 1 << 20);
  require_in("threads", options.threads, 1, 256);
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
