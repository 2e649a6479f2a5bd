#include "dsp/mel_cepstrum.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <string>

#include "dsp/feature_rows_internal.h"
#include "dsp/fft.h"
#include "dsp/mel_cepstrum_tables_internal.h"
#include "dsp/spectral_kernels_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

using Epsilon = MelCepstrumConfig::Epsilon;
using Padding = MelCepstrumConfig::Padding;

// Of full scale: what a bin without any energy is taken for.
constexpr double kLeastPower = 1e-30;
// What float still holds.
constexpr double kMostPower = 1e38;

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "mel-cepstrum: " + what);
  }
}

const MelCepstrumConfig& checked(const MelCepstrumConfig& config) {
  const int size = config.fft_size;
  require(size >= 4 && size % 2 == 0 && size <= 1 << 16,
          "FFT size: expected an even number in 4..65536, found " + std::to_string(size));
  require(
      config.order >= 1 && config.order <= size / 2,
      "order: expected 1.." + std::to_string(size / 2) + ", found " + std::to_string(config.order));
  require(std::abs(config.alpha) < 1.0,
          "alpha: expected more than -1 and less than 1, found " + std::to_string(config.alpha));
  require(config.window_samples >= 2 && config.window_samples <= size,
          "window: expected 2.." + std::to_string(size) + " samples, found " +
              std::to_string(config.window_samples));
  require(config.hop_samples >= 1,
          "hop: expected at least 1 sample, found " + std::to_string(config.hop_samples));
  require(config.min_iterations >= 0 && config.max_iterations >= 0 && config.threshold >= 0.0,
          "iterations and threshold: expected at least 0");
  require(config.epsilon_kind != Epsilon::added || config.epsilon >= 0.0,
          "epsilon: expected at least 0, found " + std::to_string(config.epsilon));
  require(config.epsilon_kind != Epsilon::floor_db || config.epsilon < 0.0,
          "floor: expected less than 0 dB, found " + std::to_string(config.epsilon));
  return config;
}

// The mean of a log power spectrum of K bins over the whole circle, halved: c[0] of its cepstrum
// before warping, which is what SPTK's first comparison compares with.
double log_gain(std::span<const float> log_power) {
  double sum =
      0.5 * (static_cast<double>(log_power.front()) - static_cast<double>(log_power.back()));
  for (const float value : log_power.subspan(1)) {
    sum += static_cast<double>(value);
  }
  return 0.5 * sum / static_cast<double>(log_power.size() - 1);
}

}  // namespace

// Frames go through the iteration in groups of kLanes, because as many systems are solved in the time
// of two. Each frame has its own numbers all the same: what it goes with changes nothing.
struct MelCepstrum::State {
  explicit State(const MelCepstrumConfig& wanted)
      : config(checked(wanted)),
        tables(config.fft_size, config.order, config.alpha),
        fft(config.fft_size),
        window(sptk_window(config.window, config.window_samples, config.normalisation)),
        frame(window.size()),
        power(static_cast<std::size_t>(fft.bins())),
        start(static_cast<std::size_t>(tables.coefficient_stride)),
        count(static_cast<std::size_t>(config.order + 1)),
        moments((2 * count - 1) * spectral::kLanes),
        right(count * spectral::kLanes),
        step(count * spectral::kLanes),
        work(2 * count * (count + 1) * spectral::kLanes) {
    for (Lane& lane : lanes) {
      lane.log_power.resize(static_cast<std::size_t>(tables.bin_stride));
      lane.ratio.resize(lane.log_power.size());
      lane.c.resize(count);
      lane.twice.resize(count);
      lane.sums.resize(static_cast<std::size_t>(tables.moment_stride));
    }
    // Lanes that are not used solve a system too.
    std::fill_n(moments.begin(), spectral::kLanes, 1.0);
  }

  // A frame in the iteration.
  struct Lane {
    std::vector<float> log_power;  // (K)
    std::vector<float> ratio;      // P / |D|^2 (K)
    std::vector<double> c;         // (M+1)
    std::vector<float> twice;      // -2 c (M+1)
    std::vector<float> sums;       // (2M+1)
    double compared = 0.0;         // what the first moment is compared with
    bool active = false;
  };

  void take_samples(std::span<const double> samples, Lane& lane);
  void take_power(Lane& lane);
  void find_moments(std::size_t first);
  void solve_and_step();
  void iterate(std::size_t used);

  const spectral::Kernels& kernels = spectral::kernels();
  MelCepstrumConfig config;
  MelCepstrumTables tables;
  RealFftDouble fft;
  std::vector<double> window;  // (W)
  std::vector<double> frame;   // (W)
  std::vector<double> power;   // (K)
  std::vector<float> start;    // (M+1)
  std::size_t count;           // M+1
  std::array<Lane, spectral::kLanes> lanes;
  std::vector<double> moments;  // (2M+1, kLanes)
  std::vector<double> right;    // (M+1, kLanes)
  std::vector<double> step;     // (M+1, kLanes)
  std::vector<double> work;
};

void MelCepstrum::State::take_samples(std::span<const double> samples, Lane& lane) {
  const std::span<double> input = fft.input();
  std::copy(samples.begin(), samples.end(), input.begin());
  std::fill(input.begin() + std::ssize(samples), input.end(), 0.0);
  fft.transform();
  std::transform(fft.output().begin(), fft.output().end(), power.begin(),
                 [](std::complex<double> value) {
                   return value.real() * value.real() + value.imag() * value.imag();
                 });
  take_power(lane);
}

// ln(power + epsilon), and the warped cepstrum of it to begin with.
void MelCepstrum::State::take_power(Lane& lane) {
  double least = kLeastPower * config.sample_scale * config.sample_scale;
  if (config.epsilon_kind == Epsilon::floor_db) {
    least = std::max(least, *std::max_element(power.begin(), power.end()) *
                                std::pow(10.0, config.epsilon / 10.0));
  }
  const double added = config.epsilon_kind == Epsilon::added ? config.epsilon : 0.0;
  for (std::size_t k = 0; k < power.size(); ++k) {
    lane.log_power[k] = static_cast<float>(std::clamp(power[k] + added, least, kMostPower));
  }
  kernels.limited_logarithm(lane.log_power.data(), std::numeric_limits<float>::min(), 1.0F,
                            power.size());
  kernels.add_rows(lane.log_power.data(), power.size(), tables.start.data(), start.size(),
                   start.data());
  std::copy_n(start.begin(), count, lane.c.begin());
  // Against 0 nothing ends.
  lane.compared = config.sptk_first_comparison
                      ? log_gain(std::span<const float>(lane.log_power).first(power.size()))
                      : 0.0;
}

// Of the lanes from `first` on, as many as share a pass over the tables, if one of them is active.
void MelCepstrum::State::find_moments(std::size_t first) {
  const std::span<Lane> group = std::span(lanes).subspan(first, spectral::kGroup);
  if (std::none_of(group.begin(), group.end(), [](const Lane& lane) { return lane.active; })) {
    return;
  }
  const float* log_powers[spectral::kGroup];
  const float* twices[spectral::kGroup];
  const float* values[spectral::kGroup];
  float* ratios[spectral::kGroup];
  float* sums[spectral::kGroup];
  for (std::size_t g = 0; g < group.size(); ++g) {
    Lane& lane = group[g];
    std::transform(lane.c.begin(), lane.c.end(), lane.twice.begin(),
                   [](double value) { return static_cast<float>(-2.0 * value); });
    log_powers[g] = lane.log_power.data();
    twices[g] = lane.twice.data();
    values[g] = ratios[g] = lane.ratio.data();
    sums[g] = lane.sums.data();
  }
  kernels.envelope_ratio(log_powers, twices, count, tables.envelope.data(), group[0].ratio.size(),
                         ratios);
  kernels.add_rows_of_group(values, power.size(), tables.moments.data(), group[0].sums.size(),
                            sums);
  for (std::size_t g = 0; g < group.size(); ++g) {
    for (std::size_t i = 0; group[g].active && i < 2 * count - 1; ++i) {
      moments[i * spectral::kLanes + first + g] = static_cast<double>(group[g].sums[i]);
    }
  }
}

// One step of Newton's method for all lanes; those that rounding keeps from one are as near as it
// lets them come.
void MelCepstrum::State::solve_and_step() {
  double power_of_alpha = 1.0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t l = 0; l < spectral::kLanes; ++l) {
      const std::size_t at = i * spectral::kLanes + l;
      right[at] = moments[at] - power_of_alpha;
    }
    power_of_alpha *= -config.alpha;
  }
  const unsigned solved =
      kernels.solve(moments.data(), right.data(), count, work.data(), step.data());
  for (std::size_t l = 0; l < spectral::kLanes; ++l) {
    Lane& lane = lanes[l];
    lane.active = lane.active && (solved >> l & 1U) != 0;
    for (std::size_t i = 0; lane.active && i < count; ++i) {
      lane.c[i] += step[i * spectral::kLanes + l];
    }
  }
}

// The first `used` lanes, until each has ended.
void MelCepstrum::State::iterate(std::size_t used) {
  for (std::size_t l = 0; l < lanes.size(); ++l) {
    lanes[l].active = l < used;
  }
  for (int j = 1; j <= config.max_iterations; ++j) {
    for (std::size_t l = 0; l < used; l += spectral::kGroup) {
      find_moments(l);
    }
    bool any = false;
    for (std::size_t l = 0; l < used; ++l) {
      Lane& lane = lanes[l];
      if (!lane.active) {
        continue;
      }
      const double first = moments[l];
      if (j >= config.min_iterations) {
        lane.active = !(std::abs((first - lane.compared) / first) < config.threshold);
        lane.compared = first;
      }
      any = any || lane.active;
    }
    if (!any) {
      return;
    }
    solve_and_step();
  }
}

MelCepstrum::MelCepstrum(const MelCepstrumConfig& config)
    : state_(std::make_unique<State>(config)) {}
MelCepstrum::~MelCepstrum() = default;
MelCepstrum::MelCepstrum(MelCepstrum&& other) noexcept = default;
MelCepstrum& MelCepstrum::operator=(MelCepstrum&& other) noexcept = default;

const MelCepstrumConfig& MelCepstrum::config() const noexcept {
  return state_->config;
}

std::int64_t MelCepstrum::frames(std::int64_t samples) const noexcept {
  if (config().padding == Padding::centre_zero) {
    return 1 + samples / config().hop_samples;
  }
  return samples < config().window_samples
             ? 0
             : 1 + (samples - config().window_samples) / config().hop_samples;
}

void MelCepstrum::analyze_windowed(std::span<const double> samples, std::span<double> mc) {
  require(std::ssize(samples) <= config().fft_size,
          "frame: expected at most " + std::to_string(config().fft_size) + " samples, found " +
              std::to_string(samples.size()));
  assert(std::ssize(mc) == coefficients());
  state_->take_samples(samples, state_->lanes[0]);
  state_->iterate(1);
  std::copy(state_->lanes[0].c.begin(), state_->lanes[0].c.end(), mc.begin());
}

void MelCepstrum::analyze_power(std::span<const double> power, std::span<double> mc) {
  require(std::ssize(power) == bins(), "power spectrum: expected " + std::to_string(bins()) +
                                           " bins, found " + std::to_string(power.size()));
  assert(std::ssize(mc) == coefficients());
  std::copy(power.begin(), power.end(), state_->power.begin());
  state_->take_power(state_->lanes[0]);
  state_->iterate(1);
  std::copy(state_->lanes[0].c.begin(), state_->lanes[0].c.end(), mc.begin());
}

void MelCepstrum::analyze(std::span<const float> x, Frames out) {
  require_rows("mel-cepstrum", out, frames(std::ssize(x)), coefficients());
  require(std::all_of(x.begin(), x.end(), [](float value) { return std::isfinite(value); }),
          "signal: expected finite samples, found NaN or infinity");
  const std::int64_t pad =
      config().padding == Padding::centre_zero ? config().window_samples / 2 : 0;
  const std::span<double> frame = state_->frame;
  const double scale = config().sample_scale;
  const std::int64_t size = std::ssize(frame);
  for (int t = 0; t < out.frames(); ++t) {
    const std::int64_t start = std::int64_t{t} * config().hop_samples - pad;
    const std::int64_t begin = std::clamp<std::int64_t>(-start, 0, size);
    const std::int64_t end = std::clamp<std::int64_t>(std::ssize(x) - start, begin, size);
    std::fill(frame.begin(), frame.end(), 0.0);
    for (std::int64_t n = begin; n < end; ++n) {
      frame[static_cast<std::size_t>(n)] =
          static_cast<double>(x[static_cast<std::size_t>(start + n)]) * scale *
          state_->window[static_cast<std::size_t>(n)];
    }
    const std::size_t lane = static_cast<std::size_t>(t) % spectral::kLanes;
    state_->take_samples(frame, state_->lanes[lane]);
    if (lane + 1 < spectral::kLanes && t + 1 < out.frames()) {
      continue;
    }
    state_->iterate(lane + 1);
    for (std::size_t l = 0; l <= lane; ++l) {
      const std::vector<double>& c = state_->lanes[l].c;
      std::transform(c.begin(), c.end(), out[t - static_cast<int>(lane - l)].begin(),
                     [](double value) { return static_cast<float>(value); });
    }
  }
}

std::vector<float> MelCepstrum::analyze(std::span<const float> x) {
  return written_rows("mel-cepstrum", frames(std::ssize(x)), coefficients(),
                      [&](Frames rows) { analyze(x, rows); });
}

}  // namespace ondes
