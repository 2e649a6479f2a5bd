#include "engine/stream/stream_resampler.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr int kMostExactPhases = 1024;
constexpr int kPhases = 512;  // else; rows between are interpolated, wrong by 2^-17 at most

// `2 half` taps change from passing to stopping so many dB within (dB - 8) / (14.36 2 half) of a rate
// (Kaiser 1974); the cut-off is the middle of the change, which ends at half the lower rate.
struct Design {
  int half;
  double kaiser_beta;
  double cut_off;  // of the lower rate
};

constexpr Design design_of(RateFilter filter) noexcept {
  return filter == RateFilter::short_delay ? Design{40, 8.96, 0.5 - 0.036}      // 90 dB
                                           : Design{160, 12.27, 0.5 - 0.0122};  // 120 dB
}

int half_taps(int in_rate_hz, int out_rate_hz, RateFilter filter) noexcept {
  const double slower = std::max(static_cast<double>(in_rate_hz) / out_rate_hz, 1.0);
  return static_cast<int>(std::ceil(design_of(filter).half * slower));
}

double sinc(double x) {
  return std::abs(x) < 1.0e-12 ? 1.0 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}

// Its height does not matter: rows are scaled.
double kaiser(double x, double beta) {
  return std::abs(x) >= 1.0 ? 0.0 : std::cyl_bessel_i(0.0, beta * std::sqrt(1.0 - x * x));
}

// Eight sums beside each other, so that the compiler may use vectors.
float dot(const float* a, const float* b, int count) noexcept {
  constexpr int kSums = 8;
  float sums[kSums] = {};
  int i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int s = 0; s < kSums; ++s) {
      sums[s] += a[i + s] * b[i + s];
    }
  }
  for (; i < count; ++i) {
    sums[i % kSums] += a[i] * b[i];
  }
  return std::accumulate(std::begin(sums), std::end(sums), 0.0F);
}

void require(const char* what, bool holds, int found, const char* expected) {
  if (!holds) {
    throw Error(ErrorCode::usage, std::string("change of rate: ") + what + ": expected " +
                                      expected + ", found " + std::to_string(found));
  }
}

}  // namespace

double StreamResampler::delay_s(int in_rate_hz, int out_rate_hz) noexcept {
  return in_rate_hz == out_rate_hz
             ? 0.0
             : static_cast<double>(half_taps(in_rate_hz, out_rate_hz, RateFilter::short_delay)) /
                   in_rate_hz;
}

StreamResampler::StreamResampler(
    int in_rate_hz, int out_rate_hz, int channels, int max_out_frames, RateFilter filter)
    : in_rate_hz_(in_rate_hz), out_rate_hz_(out_rate_hz) {
  for (const int rate_hz : {in_rate_hz, out_rate_hz}) {
    require("rate", rate_hz >= 1000 && rate_hz <= 1'000'000, rate_hz, "1000 to 1000000 Hz");
  }
  require("channels", channels >= 1, channels, "at least 1");
  require("block", max_out_frames >= 1, max_out_frames, "at least 1 frame");
  taps_ = 2 * half_taps(in_rate_hz, out_rate_hz, filter);
  const int exact = out_rate_hz / std::gcd(in_rate_hz, out_rate_hz);
  phases_ = exact <= kMostExactPhases ? exact : kPhases;
  max_input_frames_ = static_cast<int>(std::int64_t{max_out_frames} * in_rate_hz / out_rate_hz) + 2;
  tail_frames_ = static_cast<int>(std::int64_t{taps_} * out_rate_hz / in_rate_hz) + 1;
  history_.allocate(channels, taps_ + max_input_frames_);
  weights_.allocate(1, taps_);
  make_rows(filter);
  start(0);
}

// Row p holds the weights of a frame whose time is p / phases after its last input frame.
void StreamResampler::make_rows(RateFilter filter) {
  const Design design = design_of(filter);
  rows_.allocate(phases_ + 1, taps_);
  const double half = taps_ / 2.0;
  const double f =
      design.cut_off *
      std::min(static_cast<double>(out_rate_hz_) / static_cast<double>(in_rate_hz_), 1.0);
  std::vector<double> row(static_cast<std::size_t>(taps_));
  for (int p = 0; p <= phases_; ++p) {
    const double after = static_cast<double>(p) / phases_;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double x = after + half - 1.0 - static_cast<double>(j);
      row[j] = sinc(2.0 * f * x) * kaiser(x / half, design.kaiser_beta);
    }
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    std::transform(row.begin(), row.end(), rows_.view()[p].begin(),
                   [sum](double weight) { return static_cast<float>(weight / sum); });
  }
}

void StreamResampler::start(std::int64_t out_frame) noexcept {
  next_ = out_frame;
  history_.zero();
}

// The output is delayed by H: the sound's first frame is put H before a point of time at which an
// input and an output frame meet, and that output frame is the first one that is kept. Before the
// sound is an output frame whose input begins no later.
StreamResampler::Lead StreamResampler::start_ahead() noexcept {
  const std::int64_t measure = std::gcd(in_rate_hz_, out_rate_hz_);
  const std::int64_t half = taps_ / 2;
  const std::int64_t periods = half * measure / in_rate_hz_ + 1;
  const std::int64_t kept = periods * (out_rate_hz_ / measure);
  const std::int64_t sound = periods * (in_rate_hz_ / measure) - half;
  start(sound * out_rate_hz_ / in_rate_hz_);
  return {static_cast<int>(sound - inputs_before(next_)), static_cast<int>(kept - next_)};
}

void StreamResampler::process(ConstFrames in, Frames out) noexcept {
  assert(in.frames() == input_frames(out.frames()) && in.frames() <= max_input_frames_);
  const Frames history = history_.view();
  for (int c = 0; c < in.channels(); ++c) {
    for (int t = 0; t < in.frames(); ++t) {
      history[c][static_cast<std::size_t>(taps_ + t)] = in[t][static_cast<std::size_t>(c)];
    }
  }
  // history[c][taps_] is the input frame inputs_before(next_).
  const std::int64_t first = inputs_before(next_) - taps_;
  for (int t = 0; t < out.frames(); ++t, ++next_) {
    const std::int64_t time = next_ * in_rate_hz_;  // in 1 / R_out of an input frame
    const std::int64_t scaled = time % out_rate_hz_ * phases_;
    const auto row = static_cast<int>(scaled / out_rate_hz_);
    const auto between =
        static_cast<float>(scaled % out_rate_hz_) / static_cast<float>(out_rate_hz_);
    const float* weights = rows_.view()[row].data();
    if (between > 0.0F) {
      const float* after = rows_.view()[row + 1].data();
      for (int j = 0; j < taps_; ++j) {
        weights_.view().data()[j] = weights[j] + between * (after[j] - weights[j]);
      }
      weights = weights_.view().data();
    }
    const auto newest = static_cast<int>(time / out_rate_hz_ - first);
    for (int c = 0; c < out.channels(); ++c) {
      out[t][static_cast<std::size_t>(c)] =
          dot(weights, history[c].data() + newest - taps_ + 1, taps_);
    }
  }
  for (int c = 0; c < in.channels(); ++c) {
    std::copy_n(history[c].begin() + in.frames(), taps_, history[c].begin());
  }
}

}  // namespace ondes
