#include "engine/plan/harmonic_noise_runner.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "engine/buffer.h"
#include "engine/conditioning/note_contract.h"
#include "engine/cpu/harmonic_noise_kernels_internal.h"
#include "engine/cpu/worker_pool_internal.h"
#include "engine/deterministic_math.h"
#include "engine/error.h"
#include "engine/plan/dense_network.h"
#include "engine/random/philox.h"

namespace ondes {
namespace {

constexpr float kNoiseScale = 3.4641016F;  // a uniform number of variance 1 spans sqrt(12)

// The state of a lane and the scratch it works in, so that any thread may take any lane.
struct LaneState {
  AlignedArray<float> from;   // (H + K) amplitudes, then taps, where the row opened
  AlignedArray<float> to;     // (H + K)
  AlignedArray<float> slope;  // (H + K) to - from
  AlignedArray<float> psi;    // (H) turns, where the row opened
  AlignedArray<float> turns;  // (H)
  int row_position = 0;       // samples since the row opened
  bool fresh = true;          // no row yet
  int audible = 0;            // partials that are not zero throughout the row

  AlignedArray<float> controls;  // (H + N)
  AlignedArray<float> cents;     // (H)
  AlignedArray<float> dense;     // scratch of the networks
  AlignedArray<float> phase;     // (max_block), padded; position, ramp and out likewise
  AlignedArray<float> position;
  AlignedArray<float> ramp;
  AlignedArray<float> out;
  AlignedArray<float> noise;    // (max_block + K), padded: w from noise_first on
  std::int64_t next_noise = 0;  // index of the first draw that is not in `noise`
};

class HarmonicNoiseRunner final : public LaneRunner {
 public:
  HarmonicNoiseRunner(const HarmonicNoisePlan& plan, const LaneRunnerOptions& options, Isa isa)
      : plan_(plan),
        options_(options),
        kernels_(*harmonic_noise_kernels(isa)),
        controls_(plan.controls),
        detune_(plan.detune),
        partials_(plan.partials),
        taps_(plan.noise_taps),
        padded_taps_((plan.noise_taps + kHarmonicNoisePadding - 1) / kHarmonicNoisePadding *
                     kHarmonicNoisePadding),
        lanes_(static_cast<std::size_t>(options.max_lanes)),
        pool_(options.threads - 1, &HarmonicNoiseRunner::run_unit, this) {
    kernel_.allocate(static_cast<std::size_t>(padded_taps_ * plan.noise_bands));
    for (int b = 0; b < plan.noise_bands; ++b) {
      for (int k = 0; k < taps_; ++k) {
        kernel_[static_cast<std::size_t>(b * padded_taps_ + k)] =
            plan.noise_kernel[static_cast<std::size_t>(k * plan.noise_bands + b)];
      }
    }
    const auto h = static_cast<std::size_t>(partials_);
    const auto both = h + static_cast<std::size_t>(padded_taps_);
    const auto block = static_cast<std::size_t>(options.max_block_samples + kHarmonicNoisePadding);
    for (LaneState& lane : lanes_) {
      lane.from.allocate(both);
      lane.to.allocate(both);
      lane.slope.allocate(both);
      lane.psi.allocate(h);
      lane.turns.allocate(h);
      lane.controls.allocate(h + static_cast<std::size_t>(plan.noise_bands));
      lane.cents.allocate(h);
      lane.dense.allocate(std::max(controls_.scratch_size(), detune_.scratch_size()));
      lane.phase.allocate(block);
      lane.position.allocate(block);
      lane.ramp.allocate(block);
      lane.out.allocate(block);
      lane.noise.allocate(block + static_cast<std::size_t>(taps_));
    }
  }

  void start(int slot) noexcept override {
    LaneState& lane = lanes_[static_cast<std::size_t>(slot)];
    lane.from.zero();
    lane.to.zero();
    lane.slope.zero();
    lane.psi.zero();
    lane.turns.zero();
    lane.row_position = 0;
    lane.fresh = true;
    lane.next_noise = 0;
  }

  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    assert(samples <= options_.max_block_samples);
    calls_ = lanes;
    samples_ = samples;
    pool_.run(static_cast<int>(lanes.size()));
  }

  int max_lanes() const noexcept override { return options_.max_lanes; }
  int max_block_samples() const noexcept override { return options_.max_block_samples; }
  std::string description() const override {
    return std::string("cpu ") + kernels_.name + " f32 harmonic-plus-noise, " +
           std::to_string(options_.threads) + (options_.threads == 1 ? " thread" : " threads");
  }

 private:
  static void run_unit(void* self, int unit, bool) noexcept {
    static_cast<HarmonicNoiseRunner*>(self)->advance(unit);
  }

  void advance(int unit) noexcept {
    const StepLane& call = calls_[static_cast<std::size_t>(unit)];
    LaneState& lane = lanes_[static_cast<std::size_t>(call.slot)];
    const auto n = static_cast<std::size_t>(samples_);
    const std::size_t last_feature = static_cast<std::size_t>(plan_.sample_features - 1);
    for (int t = 0; t < samples_; ++t) {
      lane.phase[static_cast<std::size_t>(t)] = call.sample_features[t][last_feature];
    }
    draw_noise(call, lane);
    int row = 0;
    const auto rows = static_cast<int>(call.row_starts.size());
    for (int t = 0; t < samples_;) {
      if (row < rows && call.row_starts[static_cast<std::size_t>(row)] == t) {
        open_row(call.rows[row], lane);
        ++row;
      }
      const int end = row < rows ? call.row_starts[static_cast<std::size_t>(row)] : samples_;
      write_stretch(t, end - t, lane);
      t = end;
    }
    std::copy_n(lane.out.data(), n, call.output.begin());
    // What the next block's filter still looks back at.
    std::copy_n(lane.noise.data() + n, static_cast<std::size_t>(taps_), lane.noise.data());
  }

  // noise[j] is w(first_sample + j - K/2), for j in [0, samples + K): a draw of four numbers at a
  // time, counted from K before the onset, times the temperature.
  void draw_noise(const StepLane& call, LaneState& lane) noexcept {
    const bool first = lane.next_noise == 0;
    std::int64_t index = first ? call.first_sample + taps_ / 2 : lane.next_noise;
    const std::int64_t end = call.first_sample + taps_ / 2 + taps_ + samples_;
    float* out = lane.noise.data() + (first ? 0 : taps_);
    PhiloxBlock block{};
    bool have = false;
    for (; index < end; ++index) {
      const auto word = static_cast<std::size_t>(index & 3);
      if (word == 0 || !have) {
        block = philox_draw(call.seed, call.identity, static_cast<std::uint64_t>(index >> 2));
        have = true;
      }
      *out++ = kNoiseScale * call.temperature * (uniform_open(block[word]) - 0.5F);
    }
    lane.next_noise = end;
  }

  // The values reached become where the next row begins; then the row's own targets.
  void open_row(std::span<const float> row, LaneState& lane) noexcept {
    const auto h_count = static_cast<std::size_t>(partials_);
    const auto tap_count = static_cast<std::size_t>(taps_);
    if (!lane.fresh) {
      const float reached = ramp_at(lane.row_position);
      const auto elapsed = static_cast<float>(lane.row_position);
      for (std::size_t i = 0; i < h_count + tap_count; ++i) {
        lane.from[i] = exact::fma(lane.slope[i], reached, lane.from[i]);
      }
      for (std::size_t h = 0; h < h_count; ++h) {
        const float turned = exact::fma(lane.turns[h], elapsed, lane.psi[h]);
        lane.psi[h] = turned - ((turned + 12582912.0F) - 12582912.0F);
      }
    }
    lane.fresh = false;
    lane.row_position = 0;
    controls_.evaluate(row, lane.controls.span(), lane.dense.span());
    const float semitones = exact::fma(row[0], 24.0F, 60.0F);
    const float cycles = semitones_to_hz(semitones) / static_cast<float>(plan_.sample_rate_hz);
    if (!detune_.empty()) {
      detune_.evaluate(row, lane.cents.span(), lane.dense.span());
    }
    lane.audible = 0;
    for (std::size_t h = 0; h < h_count; ++h) {
      const float place = static_cast<float>(h + 1) * cycles;
      const float fade =
          std::clamp((kPartialFadeEnd - place) * (1.0F / kPartialFadeWidth), 0.0F, 1.0F);
      lane.to[h] = fade * amplitude_of(lane.controls[h]);
      lane.turns[h] = place * (exact::exp2(lane.cents[h] * (1.0F / 1200.0F)) - 1.0F);
      if (lane.to[h] != 0.0F || lane.from[h] != 0.0F) {
        lane.audible = static_cast<int>(h) + 1;
      }
    }
    for (std::size_t b = h_count; b < lane.controls.size(); ++b) {
      lane.controls[b] = amplitude_of(lane.controls[b]);
    }
    kernels_.multiply(kernel_.data(), lane.controls.data() + h_count, padded_taps_,
                      plan_.noise_bands, lane.to.data() + h_count);
    for (std::size_t i = 0; i < h_count + tap_count; ++i) {
      lane.slope[i] = lane.to[i] - lane.from[i];
    }
  }

  void write_stretch(int first, int samples, LaneState& lane) noexcept {
    for (int j = 0; j < samples; ++j) {
      const auto t = static_cast<std::size_t>(first + j);
      lane.position[t] = static_cast<float>(lane.row_position + j);
      lane.ramp[t] = ramp_at(lane.row_position + j);
    }
    PartialStretch partials;
    partials.samples = samples;
    partials.ramp = lane.ramp.data() + first;
    partials.from = lane.from.data();
    partials.slope = lane.slope.data();
    partials.out = lane.out.data() + first;
    partials.partials = lane.audible;
    partials.phase = lane.phase.data() + first;
    partials.position = lane.position.data() + first;
    partials.psi = lane.psi.data();
    partials.turns = lane.turns.data();
    kernels_.write_partials(partials);
    NoiseStretch noise;
    noise.samples = samples;
    noise.ramp = partials.ramp;
    noise.from = lane.from.data() + partials_;
    noise.slope = lane.slope.data() + partials_;
    noise.out = partials.out;
    noise.taps = taps_;
    noise.noise = lane.noise.data() + first;
    kernels_.add_noise(noise);
    lane.row_position += samples;
  }

  float ramp_at(int position) const noexcept {
    return std::min(1.0F, static_cast<float>(position) / static_cast<float>(plan_.hop_samples));
  }
  static float amplitude_of(float logarithm) noexcept {
    return exact::exp(std::min(logarithm, kLargestLogAmplitude));
  }

  const HarmonicNoisePlan plan_;  // its spans' memory stays with it
  LaneRunnerOptions options_;
  const HarmonicNoiseKernels& kernels_;
  DenseNetwork controls_;
  DenseNetwork detune_;
  int partials_;
  int taps_;
  int padded_taps_;
  AlignedArray<float> kernel_;  // (N, padded K)
  std::vector<LaneState> lanes_;
  std::span<const StepLane> calls_;
  int samples_ = 0;
  WorkerPool pool_;  // last: its workers are gone before anything they use
};

}  // namespace

std::unique_ptr<LaneRunner> make_cpu_harmonic_noise_runner_for(Isa isa,
                                                               const HarmonicNoisePlan& plan,
                                                               const LaneRunnerOptions& options) {
  validate(plan);
  validate_options(options);
  refuse_on_cpu(options.precision);
  return std::make_unique<HarmonicNoiseRunner>(plan, options, isa);
}

std::unique_ptr<LaneRunner> make_cpu_harmonic_noise_runner(const HarmonicNoisePlan& plan,
                                                           const LaneRunnerOptions& options) {
  return make_cpu_harmonic_noise_runner_for(chosen_isa(), plan, options);
}

}  // namespace ondes
