#include "cuda/block/runner.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "cuda/warp_tile.h"
#include "engine/buffer.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"

namespace ondes::gpu {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// What a host knows of a stream: its frames are counted, its numbers are the device's.
struct StreamFrames {
  std::int64_t plan_frames = 0;
  std::vector<std::int64_t> made;  // of every value
};

// A schedule of frames: launches, and the graph they became.
struct Schedule {
  std::vector<int> added;  // of every value; empty: none yet
  BlockLaunches launches;
  bool is_graph = false;
  std::uint64_t last_use = 0;
};

class DeviceBlockRunner final : public BlockRunner {
 public:
  DeviceBlockRunner(std::unique_ptr<BlockDevice> device,
                    const BlockPlan& plan,
                    const BlockRunnerOptions& options)
      : device_(std::move(device)),
        options_(options),
        latency_frames_(ondes::latency_frames(plan)),
        model_(pack_block_model(plan, options, device_->limits().arch >= kOldestTileArch)) {
    require_fits(model_, device_->limits());
    const std::size_t values = model_.rings.size();
    streams_.resize(at(options.max_streams));
    for (StreamFrames& stream : streams_) {
      stream.made.resize(values);
    }
    next_.resize(values);
    added_.resize(values);
    schedules_.resize(at(kGraphs));
    allocate();
    prewarm(plan.prewarm_frames);
    for (int s = 0; s < options.max_streams; ++s) {
      DeviceBlockRunner::start(s);
    }
    prepare_middle();
  }

  void start(int stream) noexcept override {
    StreamFrames& to = streams_[at(stream)];
    to.plan_frames = begin_.plan_frames;
    std::copy(begin_.made.begin(), begin_.made.end(), to.made.begin());
    if (begin_.plan_frames > 0) {
      device_->copy(buffers_.memory.streams + at(stream) * model_.stream_bytes, fresh_,
                    model_.stream_bytes);
    }
  }

  int process(int stream, std::span<const ConstFrames> inputs, Frames output) noexcept override {
    assert(inputs.size() == model_.inputs.size());
    assert(inputs[0].frames() <= options_.max_block_frames);
    if (inputs[0].empty()) {
      return 0;
    }
    StreamFrames& to = streams_[at(stream)];
    to.plan_frames += inputs[0].frames();
    model_.count_frames(to.plan_frames, false, next_);
    return run(stream, inputs, output);
  }

  int finish(int stream, Frames output) noexcept override {
    model_.count_frames(streams_[at(stream)].plan_frames, true, next_);
    return run(stream, {}, output);
  }

  int max_streams() const noexcept override { return options_.max_streams; }
  int max_block_frames() const noexcept override { return options_.max_block_frames; }
  int max_output_frames() const noexcept override { return model_.max_output_frames; }
  int latency_frames() const noexcept override { return latency_frames_; }

  void set_probe(BlockValueId value, std::vector<float>* frames) override {
    probe_ = frames;
    probed_ = frames == nullptr ? kNoValue : value;
    if (frames != nullptr) {
      const Ring& ring = model_.rings[at(value)];
      probe_staging_ = static_cast<std::byte*>(device_->allocate_staging(ring_bytes(ring)));
    }
  }

  std::string description() const override {
    return "cuda " + device_->name() + " " + precision_name(options_.precision) + ", " +
           std::to_string(middle_launches_) + " kernels a block, a graph for each schedule";
  }
  std::string failure() const override { return named_failure(*device_); }

 private:
  // --- set-up ----------------------------------------------------------------------------------
  static std::size_t ring_bytes(const Ring& ring) {
    return at(ring.capacity) * at(ring.width) * (ring.half != 0 ? 2U : 4U);
  }

  void allocate() {
    auto* image = static_cast<std::byte*>(device_->allocate(model_.image.size()));
    device_->upload(image, model_.image.data(), model_.image.size());
    std::size_t call_bytes = input_offset(model_, added_, 0);
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
      const Ring& ring = model_.rings[at(model_.inputs[i])];
      call_bytes += 16 + at(options_.max_block_frames) * at(model_.input_rates[i]) *
                             at(ring.channels) * sizeof(float);
    }
    const std::size_t output_bytes =
        at(model_.max_output_frames) * at(model_.rings[at(model_.output)].channels) * sizeof(float);
    buffers_.memory.image = image;
    buffers_.memory.streams =
        static_cast<std::byte*>(device_->allocate(model_.stream_bytes * at(options_.max_streams)));
    buffers_.memory.call = static_cast<std::byte*>(device_->allocate(call_bytes));
    buffers_.memory.output = static_cast<std::byte*>(device_->allocate(output_bytes));
    staging_in_ = static_cast<std::byte*>(device_->allocate_staging(call_bytes));
    buffers_.staging_in = staging_in_;
    buffers_.staging_out = static_cast<std::byte*>(device_->allocate_staging(output_bytes));
    must_have_finished(*device_);  // the image's upload reads the model
  }

  // The silence a signal begins behind, played through once and kept.
  void prewarm(int frames) {
    begin_.made.assign(model_.rings.size(), 0);
    if (frames == 0) {
      return;
    }
    fresh_ = static_cast<std::byte*>(device_->allocate(model_.stream_bytes));
    std::vector<Buffer> silence;
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
      silence.emplace_back(options_.max_block_frames * model_.input_rates[i],
                           model_.rings[at(model_.inputs[i])].channels);
    }
    Buffer dropped(model_.max_output_frames, model_.rings[at(model_.output)].channels);
    for (int done = 0; done < frames;) {
      const int count = std::min(options_.max_block_frames, frames - done);
      std::vector<ConstFrames> block;
      for (std::size_t i = 0; i < silence.size(); ++i) {
        block.push_back(silence[i].view().subview(0, count * model_.input_rates[i]));
      }
      process(0, block, dropped.view());
      done += count;
    }
    begin_ = streams_[0];
    device_->copy(fresh_, buffers_.memory.streams, model_.stream_bytes);
    must_have_finished(*device_);
  }

  // The schedule of a full block where every edge is past, as a graph.
  void prepare_middle() {
    std::vector<std::int64_t> before(model_.rings.size());
    const std::int64_t middle = begin_.plan_frames + 4 * std::int64_t{latency_frames_} +
                                std::int64_t{4096} * options_.max_block_frames;
    model_.count_frames(middle, false, before);
    model_.count_frames(middle + options_.max_block_frames, false, next_);
    for (std::size_t v = 0; v < added_.size(); ++v) {
      added_[v] = static_cast<int>(next_[v] - before[v]);
    }
    Schedule& schedule = schedule_of_added();
    schedule.is_graph = device_->capture(static_cast<int>(&schedule - schedules_.data()), buffers_,
                                         schedule.launches);
    middle_launches_ = schedule.launches.launches.size();
  }

  // --- a call ----------------------------------------------------------------------------------
  // The schedule that adds `added_`, new or known.
  Schedule& schedule_of_added() {
    ++uses_;
    Schedule* oldest = &schedules_[0];
    for (Schedule& one : schedules_) {
      if (one.added == added_) {
        one.last_use = uses_;
        return one;
      }
      oldest = one.last_use < oldest->last_use ? &one : oldest;
    }
    oldest->added = added_;
    oldest->launches = build_launches(model_, device_->limits(), added_);
    oldest->is_graph = false;
    oldest->last_use = uses_;
    is_new_ = true;
    return *oldest;
  }

  // Makes all that leads from what the stream has to next_.
  int run(int stream, std::span<const ConstFrames> inputs, Frames output) noexcept {
    StreamFrames& now = streams_[at(stream)];
    bool any = false;
    for (std::size_t v = 0; v < added_.size(); ++v) {
      added_[v] = static_cast<int>(next_[v] - now.made[v]);
      any = any || added_[v] > 0;
    }
    if (!any) {
      return 0;
    }
    stage(stream, inputs);
    is_new_ = false;
    Schedule& schedule = schedule_of_added();
    const int place = static_cast<int>(&schedule - schedules_.data());
    if (!schedule.is_graph && !is_new_) {
      schedule.is_graph = device_->capture(place, buffers_, schedule.launches);
    }
    if (schedule.is_graph) {
      device_->replay(place);
    } else {
      device_->run(buffers_, schedule.launches);
    }
    const bool well = device_->finish();
    if (probed_ != kNoValue) {
      record(stream);
    }
    std::copy(next_.begin(), next_.end(), now.made.begin());
    return hand_out(well, output);
  }

  // Header and input as they are uploaded.
  void stage(int stream, std::span<const ConstFrames> inputs) noexcept {
    const StreamFrames& now = streams_[at(stream)];
    CallHeader header;
    header.stream_at = static_cast<std::int64_t>(at(stream) * model_.stream_bytes);
    std::memcpy(staging_in_, &header, sizeof(header));
    auto* windows = reinterpret_cast<ValueWindow*>(staging_in_ + sizeof(CallHeader));
    for (std::size_t v = 0; v < added_.size(); ++v) {
      windows[v].made = now.made[v];
      windows[v].end = next_[v];
      windows[v].row = now.made[v] % model_.rings[v].capacity;
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      auto* to = reinterpret_cast<float*>(staging_in_ + input_offset(model_, added_, i));
      const bool touch = inputs[i].stride() == inputs[i].channels();
      const auto run = at(inputs[i].channels()) * at(touch ? inputs[i].frames() : 1);
      for (int t = 0; t < inputs[i].frames(); t += touch ? inputs[i].frames() : 1) {
        to = std::copy_n(inputs[i][t].data(), run, to);
      }
    }
  }

  int hand_out(bool well, Frames output) noexcept {
    const int frames = added_[at(model_.output)];
    assert(output.frames() >= frames);
    const auto channels = at(output.channels());
    const auto* from = reinterpret_cast<const float*>(buffers_.staging_out);
    for (int t = 0; t < frames;) {
      // Frames that touch are one run: a frame at a time, mono samples cost more than their kernels.
      const int run = output.stride() == output.channels() ? frames : 1;
      float* to = output[t].data();
      if (well) {
        std::copy_n(from, at(run) * channels, to);
      } else {
        std::fill_n(to, at(run) * channels, std::numeric_limits<float>::quiet_NaN());
      }
      from += at(run) * channels;
      t += run;
    }
    return frames;
  }

  void record(int stream) noexcept {
    const Ring& ring = model_.rings[at(probed_)];
    device_->download(probe_staging_,
                      buffers_.memory.streams + at(stream) * model_.stream_bytes + ring.at,
                      ring_bytes(ring));
    device_->finish();
    RingView view;
    view.data = probe_staging_;
    view.row = static_cast<int>(streams_[at(stream)].made[at(probed_)] % ring.capacity);
    view.capacity = ring.capacity;
    view.frame_bytes = ring.width * (ring.half != 0 ? 2 : 4);
    view.half = ring.half;
    for (int t = 0; t < added_[at(probed_)]; ++t) {
      for (int c = 0; c < ring.channels; ++c) {
        probe_->push_back(view.load(t, c));
      }
    }
  }

  std::unique_ptr<BlockDevice> device_;
  BlockRunnerOptions options_;
  int latency_frames_;
  BlockModel model_;
  BlockBuffers buffers_;
  std::byte* staging_in_ = nullptr;
  std::byte* fresh_ = nullptr;  // a stream's memory before its first frame, where it is prewarmed
  StreamFrames begin_;
  std::vector<StreamFrames> streams_;
  std::vector<Schedule> schedules_;
  std::uint64_t uses_ = 0;
  std::size_t middle_launches_ = 0;
  BlockValueId probed_ = kNoValue;
  std::vector<float>* probe_ = nullptr;
  std::byte* probe_staging_ = nullptr;

  // The call in progress.
  std::vector<std::int64_t> next_;  // frames of every value after it
  std::vector<int> added_;
  bool is_new_ = false;
};

void require_in(const std::string& option, int value, int low, int high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::usage, "cuda block runner: " + option + ": expected " +
                                      std::to_string(low) + ".." + std::to_string(high) +
                                      ", found " + std::to_string(value));
  }
}

}  // namespace

std::unique_ptr<BlockRunner> make_device_block_runner(std::unique_ptr<BlockDevice> device,
                                                      const BlockPlan& plan,
                                                      const BlockRunnerOptions& options) {
  validate(plan);
  require_in("max_streams", options.max_streams, 1, 4096);
  require_in("max_block_frames", options.max_block_frames, 1, 1 << 20);
  if (options.precision != Precision::f32 && options.precision != Precision::f16) {
    throw Error(ErrorCode::usage, "cuda block runner: precision: expected f32 or f16, found " +
                                      precision_name(options.precision));
  }
  return std::make_unique<DeviceBlockRunner>(std::move(device), plan, options);
}

}  // namespace ondes::gpu
