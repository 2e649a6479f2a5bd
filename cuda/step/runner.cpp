#include "cuda/step/runner.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "cuda/step/persistent_planner.h"
#include "cuda/step/tile_planner.h"
#include "engine/cpu/runner_options.h"

namespace ondes::gpu {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

// What a chunk's buffers may take; a chunk has at least one sample of every lane.
constexpr std::size_t kChunkBytes = std::size_t{64} << 20U;
constexpr int kMostChunkSamples = 8192;

// Parts of one block of memory, at multiples of 16 bytes.
class Parts {
 public:
  std::size_t add(std::size_t bytes) {
    const std::size_t at = bytes_;
    bytes_ += (bytes + 15) / 16 * 16;
    return at;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

class DeviceStepRunner final : public StepRunner {
 public:
  DeviceStepRunner(std::unique_ptr<StepDevice> device,
                   const StepPlan& plan,
                   const StepRunnerOptions& options)
      : device_(std::move(device)),
        options_(options),
        model_(pack_step_model(plan, options.precision)) {
    for (const int group : kLaneGroups) {
      launches_.push_back(plan_step_launch(model_, options.precision, group, device_->limits()));
      device_->prepare(options.precision, launches_.back());
    }
    cluster_ = plan_cluster_launch(model_, options.precision, device_->limits());
    if (cluster_) {
      device_->prepare(options.precision, *cluster_);
    }
    for (const int lanes : kPersistentLanes) {
      const int most = std::min(lanes, options.max_lanes);
      const auto launch =
          plan_persistent_launch(model_, options.precision, most, device_->limits());
      if (launch && (persistent_.empty() || persistent_.back().first < most)) {
        persistent_.emplace_back(most, *launch);
        device_->prepare(options.precision, *launch);
      }
    }
    tiles_ = plan_tiles(model_, device_->limits());
    for (const auto* launches : {&tiles_.blocks, &tiles_.clusters}) {
      for (const StepLaunch& launch : *launches) {
        device_->prepare(options.precision, launch);
      }
    }
    sizes();
    allocate();
  }

  void start(int slot) noexcept override { fresh_[size(slot)] = true; }

  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    assert(samples <= options_.max_block_samples);
    assert(lanes.size() <= fresh_.size());
    if (lanes.empty() || samples <= 0) {
      return;
    }
    std::fill(next_row_.begin(), next_row_.end(), std::size_t{0});
    for (int from = 0; from < samples;) {
      const int count = chunk_length(lanes, from, std::min(samples - from, chunk_samples_));
      run_chunk(lanes, from, count);
      from += count;
    }
  }

  void set_probe(StepProbe* probe) override {
    probe_ = probe;
    if (probe != nullptr && probe_memory_ == nullptr) {
      const std::size_t bytes = size(chunk_samples_) * size(probe_width()) * sizeof(float);
      probe_memory_ = static_cast<float*>(device_->allocate(bytes));
      probe_staging_ = static_cast<float*>(device_->allocate_staging(bytes));
    }
  }

  int max_lanes() const noexcept override { return options_.max_lanes; }
  int max_block_samples() const noexcept override { return options_.max_block_samples; }
  std::string description() const override {
    return "cuda " + device_->name() + " " + precision_name(options_.precision) + ", " +
           describe(chosen(options_.max_lanes), model_);
  }
  std::string failure() const override { return named_failure(*device_); }

 private:
  // --- set-up ----------------------------------------------------------------------------------
  void sizes() {
    const StepModelView& view = model_.view;
    const std::size_t lanes = size(options_.max_lanes);
    gates_ = size(view.layers) * size(2 * view.gate);
    const std::size_t sample_bytes =
        lanes * sizeof(float) * size(view.residual + 2 * view.sample_features + 4);
    chunk_samples_ = static_cast<int>(
        std::clamp<std::size_t>(kChunkBytes / sample_bytes, 1,
                                size(std::min(options_.max_block_samples, kMostChunkSamples))));
    widest_ = size(view.row_features);
    for (int i = 0; i < view.encoder_layers; ++i) {
      widest_ = std::max(widest_, size(view.encoder[i].outputs));
    }
    const std::size_t row_bytes = sizeof(float) * (gates_ + 2 * widest_ + size(view.row_features));
    rows_ = std::clamp<std::size_t>(kChunkBytes / row_bytes, lanes,
                                    std::max(lanes, lanes * size(chunk_samples_)));
    fresh_.assign(lanes, true);
    next_row_.resize(lanes);
  }

  template <typename T>
  T* device_array(std::size_t count) {
    return static_cast<T*>(device_->allocate(std::max<std::size_t>(count, 4) * sizeof(T)));
  }

  void allocate() {
    const StepModelView& view = model_.view;
    const std::size_t lanes = size(options_.max_lanes);
    const std::size_t grid = lanes * size(chunk_samples_);
    auto* image = static_cast<std::byte*>(device_->allocate(model_.image.size()));
    device_->upload(image, model_.image.data(), model_.image.size());
    call_.image = image;
    call_.slots.rings = device_array<Quad>(lanes * size(view.ring_vectors) * size(view.quads_r));
    call_.slots.ring_scales = device_array<float>(lanes * size(view.ring_vectors));
    call_.slots.conditioning = device_array<float>(lanes * gates_);
    call_.slots.states = device_array<SlotState>(lanes);
    Parts in;
    lanes_at_ = in.add(lanes * sizeof(DeviceLane));
    starts_at_ = in.add(rows_ * sizeof(int));
    raw_rows_at_ = in.add(rows_ * size(view.row_features) * sizeof(float));
    features_at_ = in.add(grid * size(view.sample_features) * sizeof(float));
    teacher_at_ = in.add(grid * sizeof(float));
    in_ = static_cast<std::byte*>(device_->allocate(in.bytes()));
    staging_in_ = static_cast<std::byte*>(device_->allocate_staging(in.bytes()));
    output_ = device_array<float>(2 * grid);
    staging_out_ = static_cast<float*>(device_->allocate_staging(2 * grid * sizeof(float)));
    projected_ = device_array<float>(rows_ * gates_);
    for (float*& encoded : encoded_) {
      encoded = device_array<float>(rows_ * widest_);
    }
    input_base_ = device_array<float>(grid * size(view.residual));
    std::size_t scratch = 0;
    for (const StepLaunch& launch : launches_) {
      scratch = std::max(scratch,
                         launch.scratch_bytes_per_block * size(launch.blocks(options_.max_lanes)));
    }
    scratch_ = scratch > 0 ? static_cast<std::byte*>(device_->allocate(scratch)) : nullptr;
    std::size_t words = 0;
    for (const auto& [most, launch] : persistent_) {
      words = std::max(words, WordMap(view, launch.persistent).bytes(most));
    }
    call_.words = words > 0 ? static_cast<Word*>(device_->allocate(words)) : nullptr;
    must_have_finished(*device_);  // the image is not needed on the host once it is there
  }

  int probe_width() const {
    const StepModelView& view = model_.view;
    return view.layers * (view.residual + view.gate) + view.outputs;
  }

  // --- a chunk ---------------------------------------------------------------------------------
  // Rows of a lane that start before `end`, beginning at next_row_: of equal starts the last one
  // counts, and so does the last of those that are in force at `from` already.
  std::size_t rows_before(const StepLane& lane, std::size_t first, int from, int end) const {
    std::size_t count = 0;
    for (std::size_t r = first; r < lane.row_starts.size() && lane.row_starts[r] < end; ++r) {
      count += overtaken(lane, r, from) ? 0U : 1U;
    }
    return count;
  }

  static bool overtaken(const StepLane& lane, std::size_t r, int from) {
    return r + 1 < lane.row_starts.size() &&
           std::max(lane.row_starts[r + 1], from) == std::max(lane.row_starts[r], from);
  }

  // The longest chunk, by halving, whose rows find room: one sample always does.
  int chunk_length(std::span<const StepLane> lanes, int from, int count) const {
    for (; count > 1; count = (count + 1) / 2) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        total += rows_before(lanes[i], next_row_[i], from, from + count);
      }
      if (total <= rows_) {
        break;
      }
    }
    return count;
  }

  void run_chunk(std::span<const StepLane> lanes, int from, int count) {
    clear_fresh(lanes);
    const std::size_t rows = stage(lanes, from, count);
    const std::size_t used = teacher_at_ + lanes.size() * size(count) * sizeof(float);
    device_->upload(in_, staging_in_, used);
    project(rows, lanes.size() * size(count));
    StepCall call = call_;
    call.probe_lane = probed_lane(lanes);
    call.probe = call.probe_lane >= 0 ? probe_memory_ : nullptr;
    const StepLaunch launch = chosen(static_cast<int>(lanes.size()));
    call.lanes = reinterpret_cast<const DeviceLane*>(in_ + lanes_at_);
    call.lane_count = static_cast<int>(lanes.size());
    call.samples = count;
    call.row_starts = reinterpret_cast<const int*>(in_ + starts_at_);
    call.projected = projected_;
    call.input_base = input_base_;
    call.teacher = reinterpret_cast<const float*>(in_ + teacher_at_);
    const std::size_t grid = lanes.size() * size(count);
    call.output = output_;
    call.likelihood = output_ + grid;
    call.scratch = launch.scratch_bytes_per_block > 0 ? scratch_ : nullptr;
    call.resident_bytes = launch.resident_bytes;
    call.map = launch.map;
    call.head_map = launch.head_map;
    call.tile = launch.tile;
    call.slicing = launch.slicing;
    call.cluster = launch.holds;
    call.persistent = launch.persistent;
    if (launch.persistent.blocks() > 0) {
      device_->clear(call.words, WordMap(model_.view, launch.persistent).bytes(call.lane_count));
    }
    device_->step(options_.precision, launch, model_.view, call);
    device_->download(staging_out_, output_, 2 * grid * sizeof(float));
    if (call.probe != nullptr) {
      device_->download(probe_staging_, probe_memory_,
                        size(count) * size(probe_width()) * sizeof(float));
    }
    // A kernel that gave up ends in NaN; what it left behind is nobody's state to go on from.
    failed_ = !device_->finish() || failed_ ||
              (launch.persistent.blocks() > 0 && std::isnan(staging_out_[grid - 1]));
    if (failed_) {
      std::fill_n(staging_out_, 2 * grid, std::numeric_limits<float>::quiet_NaN());
    }
    hand_out(lanes, from, count, call.probe != nullptr);
  }

  // Clusters first, their weights do not travel; then the chip as one; then a block for itself.
  // Hidden values are looked at in the variant that has them all in one block.
  StepLaunch chosen(int lanes) const {
    const DeviceLimits& limits = device_->limits();
    if (probe_ == nullptr) {
      if (const StepLaunch* tiles = chosen_tile_cluster(tiles_, lanes, limits)) {
        StepLaunch launch = *tiles;
        launch.tile.groups = tile_groups(launch, lanes, limits);
        return launch;
      }
      if (cluster_ && lanes <= limits.clusters) {
        return *cluster_;
      }
      for (const auto& [most, launch] : persistent_) {
        if (lanes <= most) {
          return launch;
        }
      }
    }
    if (const StepLaunch* tiles = chosen_tile_block(tiles_, lanes, limits)) {
      return *tiles;
    }
    return launches_[size(chosen_group(lanes, limits))];
  }

  void clear_fresh(std::span<const StepLane> lanes) {
    const StepModelView& view = model_.view;
    const std::size_t vectors = size(view.ring_vectors);
    for (const StepLane& lane : lanes) {
      const std::size_t slot = size(lane.slot);
      if (!fresh_[slot]) {
        continue;
      }
      fresh_[slot] = false;
      const std::size_t quads = vectors * size(view.quads_r);
      device_->clear(call_.slots.rings + slot * quads, quads * sizeof(Quad));
      device_->clear(call_.slots.ring_scales + slot * vectors, vectors * sizeof(float));
      device_->clear(call_.slots.conditioning + slot * gates_, gates_ * sizeof(float));
      device_->clear(call_.slots.states + slot, sizeof(SlotState));
    }
  }

  // Writes the chunk's inputs to the staging memory; returns the number of rows.
  std::size_t stage(std::span<const StepLane> lanes, int from, int count) {
    auto* device_lanes = reinterpret_cast<DeviceLane*>(staging_in_ + lanes_at_);
    auto* starts = reinterpret_cast<int*>(staging_in_ + starts_at_);
    auto* rows = reinterpret_cast<float*>(staging_in_ + raw_rows_at_);
    auto* features = reinterpret_cast<float*>(staging_in_ + features_at_);
    auto* teacher = reinterpret_cast<float*>(staging_in_ + teacher_at_);
    const std::size_t f = size(model_.view.row_features);
    const std::size_t p = size(model_.view.sample_features);
    std::size_t row = 0;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      const StepLane& lane = lanes[i];
      DeviceLane to;
      to.first_sample = lane.first_sample + from;
      to.seed = lane.seed;
      to.identity = lane.identity;
      to.slot = lane.slot;
      to.first_row = static_cast<int>(row);
      to.temperature = lane.temperature;
      to.forced = lane.teacher.empty() ? 0 : 1;
      to.scored = lane.log_likelihood.empty() ? 0 : 1;
      std::size_t& next = next_row_[i];
      for (; next < lane.row_starts.size() && lane.row_starts[next] < from + count; ++next) {
        if (overtaken(lane, next, from)) {
          continue;
        }
        starts[row] = std::max(lane.row_starts[next] - from, 0);
        std::copy_n(lane.rows[static_cast<int>(next)].data(), f, rows + row * f);
        ++row;
      }
      to.rows = static_cast<int>(row) - to.first_row;
      device_lanes[i] = to;
      for (int t = 0; t < count; ++t) {
        const std::size_t at = i * size(count) + size(t);
        if (p > 0) {
          std::copy_n(lane.sample_features[from + t].data(), p, features + at * p);
        }
        teacher[at] = lane.teacher.empty() ? 0.0F : lane.teacher[size(from + t)];
      }
    }
    return row;
  }

  // Conditioning of the rows and the input layer's features, on the device.
  void project(std::size_t rows, std::size_t samples) {
    const StepModelView& view = model_.view;
    DenseCall call;
    call.image = call_.image;
    call.rows = static_cast<int>(rows);
    call.x = reinterpret_cast<const float*>(in_ + raw_rows_at_);
    for (int i = 0; i < view.encoder_layers; ++i) {
      call.view = view.encoder[i];
      call.y = encoded_[size(i % 2)];
      dense(call);
      call.x = call.y;
    }
    call.view = view.projection;
    call.y = projected_;
    dense(call);
    call.view = {};
    call.view.inputs = view.sample_features;
    call.view.outputs = view.residual;
    call.view.weights = view.feature_weights;
    call.view.bias = view.input_bias;
    call.rows = static_cast<int>(samples);
    call.x = reinterpret_cast<const float*>(in_ + features_at_);
    call.y = input_base_;
    dense(call);
  }

  void dense(const DenseCall& call) {
    if (call.rows > 0) {
      device_->dense(call);
    }
  }

  int probed_lane(std::span<const StepLane> lanes) const {
    if (probe_ == nullptr || probe_->next_frame >= probe_->values.frames()) {
      return -1;
    }
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      if (lanes[i].slot == probe_->slot) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  void hand_out(std::span<const StepLane> lanes, int from, int count, bool probed) {
    const std::size_t grid = lanes.size() * size(count);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      const float* samples = staging_out_ + i * size(count);
      std::copy_n(samples, count, lanes[i].output.begin() + from);
      if (!lanes[i].log_likelihood.empty() && !lanes[i].teacher.empty()) {
        std::copy_n(samples + grid, count, lanes[i].log_likelihood.begin() + from);
      }
    }
    for (int t = 0; probed && t < count && probe_->next_frame < probe_->values.frames(); ++t) {
      const std::size_t width = size(probe_width());
      std::copy_n(probe_staging_ + size(t) * width, width,
                  probe_->values[probe_->next_frame++].data());
    }
  }

  std::unique_ptr<StepDevice> device_;
  StepRunnerOptions options_;
  PackedStepModel model_;
  std::vector<StepLaunch> launches_;  // one a group size
  std::optional<StepLaunch> cluster_;
  TileLaunches tiles_;
  std::vector<std::pair<int, StepLaunch>> persistent_;  // for at most so many lanes, ascending
  bool failed_ = false;                                 // once, and from then on
  std::size_t gates_ = 0;                               // L * 2G
  std::size_t widest_ = 0;                              // of the encoder
  int chunk_samples_ = 0;
  std::size_t rows_ = 0;  // room for rows in a chunk
  std::vector<bool> fresh_;
  std::vector<std::size_t> next_row_;
  StepProbe* probe_ = nullptr;

  StepCall call_;  // what every call shares
  std::byte* in_ = nullptr;
  std::byte* staging_in_ = nullptr;
  std::size_t lanes_at_ = 0;
  std::size_t starts_at_ = 0;
  std::size_t raw_rows_at_ = 0;
  std::size_t features_at_ = 0;
  std::size_t teacher_at_ = 0;
  float* output_ = nullptr;
  float* staging_out_ = nullptr;
  float* projected_ = nullptr;
  float* encoded_[2] = {nullptr, nullptr};
  float* input_base_ = nullptr;
  std::byte* scratch_ = nullptr;
  float* probe_memory_ = nullptr;
  float* probe_staging_ = nullptr;
};

}  // namespace

std::unique_ptr<StepRunner> make_device_step_runner(std::unique_ptr<StepDevice> device,
                                                    const StepPlan& plan,
                                                    const StepRunnerOptions& options) {
  validate_options(options);
  return std::make_unique<DeviceStepRunner>(std::move(device), plan, options);
}

}  // namespace ondes::gpu
