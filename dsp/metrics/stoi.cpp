#include "dsp/metrics/stoi.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "dsp/fft.h"
#include "dsp/metrics/finite_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr int kRateHz = 10000;
constexpr std::size_t kFrame = 256;
constexpr std::size_t kHop = kFrame / 2;
constexpr std::size_t kFftSize = 512;
constexpr std::size_t kBands = 15;
constexpr std::size_t kSegment = 30;
constexpr double kLowestBandHz = 150.0;
constexpr double kDynamicRangeDb = 40.0;
constexpr double kLowestSdrDb = -15.0;
constexpr float kQuietest = 1e-10F;                 // -200 dBFS
constexpr double kEpsilon = 2.220446049250313e-16;  // pystoi's guard of divisions

// (B, T): the envelope of band b stands contiguously.
struct Bands {
  std::size_t frames = 0;
  std::vector<double> values;
  const double* row(std::size_t b) const { return values.data() + b * frames; }
};

// The resampling filter of Octave's resample(), which pystoi rebuilds: a sinc under a Kaiser
// window, 60 dB down, its stop band at the lower Nyquist frequency. Odd length, gain `up`.
std::vector<double> resampling_filter(int up, int down) {
  const double stop = 1.0 / (2.0 * std::max(up, down));
  constexpr double kRejectionDb = 60.0;
  const auto half =
      static_cast<std::int64_t>(std::ceil((kRejectionDb - 8.0) / (28.714 * stop / 10.0)));
  const double beta = 0.1102 * (kRejectionDb - 8.7);
  std::vector<double> h(static_cast<std::size_t>(2 * half + 1));
  double sum = 0.0;
  for (std::int64_t n = -half; n <= half; ++n) {
    const double place = static_cast<double>(n) / static_cast<double>(half);
    const double x = 2.0 * stop * static_cast<double>(n) * std::numbers::pi;
    const double sinc = n == 0 ? 1.0 : std::sin(x) / x;
    const double value =
        sinc * std::cyl_bessel_i(0.0, beta * std::sqrt(std::max(0.0, 1.0 - place * place)));
    h[static_cast<std::size_t>(n + half)] = value;
    sum += value;
  }
  for (double& value : h) {
    value *= static_cast<double>(up) / sum;
  }
  return h;
}

// y[m] = sum over k of x[k] h[m down - k up + half], ceil(S up / down) samples.
std::vector<double> resample(std::span<const float> x, int rate_hz) {
  if (rate_hz == kRateHz) {
    return {x.begin(), x.end()};
  }
  const int divisor = std::gcd(kRateHz, rate_hz);
  const std::int64_t up = kRateHz / divisor;
  const std::int64_t down = rate_hz / divisor;
  const std::vector<double> h = resampling_filter(static_cast<int>(up), static_cast<int>(down));
  const std::int64_t half = std::ssize(h) / 2;
  std::vector<double> y(static_cast<std::size_t>((std::ssize(x) * up + down - 1) / down));
  for (std::int64_t m = 0; m < std::ssize(y); ++m) {
    const std::int64_t at = m * down;
    // The taps that meet samples: 0 <= at - k up + half < 2 half + 1.
    const std::int64_t first = std::max<std::int64_t>(0, (at - half + up - 1) / up);
    const std::int64_t last = std::min(std::ssize(x) - 1, (at + half) / up);
    double sum = 0.0;
    for (std::int64_t k = first; k <= last; ++k) {
      sum += static_cast<double>(x[static_cast<std::size_t>(k)]) *
             h[static_cast<std::size_t>(at - k * up + half)];
    }
    y[static_cast<std::size_t>(m)] = sum;
  }
  return y;
}

// A symmetric Hann window without its zero ends.
std::array<double, kFrame> window() {
  std::array<double, kFrame> w{};
  for (std::size_t n = 0; n < kFrame; ++n) {
    w[n] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(n + 1) /
                                static_cast<double>(kFrame + 1));
  }
  return w;
}

// Whole frames; one that would end on the last sample is left out, as in pystoi.
std::size_t frames_of(std::size_t samples) {
  return samples <= kFrame ? 0 : (samples - kFrame - 1) / kHop + 1;
}

// Which frames of the reference are within the dynamic range of its loudest.
std::vector<std::size_t> sounding_frames(std::span<const double> x,
                                         const std::array<double, kFrame>& w) {
  std::vector<double> energy_db(frames_of(x.size()));
  for (std::size_t t = 0; t < energy_db.size(); ++t) {
    double power = 0.0;
    for (std::size_t n = 0; n < kFrame; ++n) {
      const double value = w[n] * x[t * kHop + n];
      power += value * value;
    }
    energy_db[t] = 20.0 * std::log10(std::sqrt(power) + kEpsilon);
  }
  std::vector<std::size_t> kept;
  if (!energy_db.empty()) {
    const double loudest = *std::max_element(energy_db.begin(), energy_db.end());
    for (std::size_t t = 0; t < energy_db.size(); ++t) {
      if (energy_db[t] > loudest - kDynamicRangeDb) {
        kept.push_back(t);
      }
    }
  }
  return kept;
}

// The kept frames, windowed, put together again with half overlap.
std::vector<double> joined(std::span<const double> x,
                           std::span<const std::size_t> kept,
                           const std::array<double, kFrame>& w) {
  if (kept.empty()) {
    return {};
  }
  std::vector<double> y((kept.size() - 1) * kHop + kFrame, 0.0);
  for (std::size_t t = 0; t < kept.size(); ++t) {
    for (std::size_t n = 0; n < kFrame; ++n) {
      y[t * kHop + n] += w[n] * x[kept[t] * kHop + n];
    }
  }
  return y;
}

// First bins of the bands' edges: band b holds bins [edges[b][0], edges[b][1]).
std::array<std::array<std::size_t, 2>, kBands> band_edges() {
  std::array<std::array<std::size_t, 2>, kBands> edges{};
  const double bin_hz = static_cast<double>(kRateHz) / static_cast<double>(kFftSize);
  const auto nearest = [bin_hz](double hz) {
    return std::min(static_cast<std::size_t>(std::ceil(hz / bin_hz - 0.5)), kFftSize / 2);
  };
  for (std::size_t b = 0; b < kBands; ++b) {
    const auto k = static_cast<double>(b);
    edges[b] = {nearest(kLowestBandHz * std::pow(2.0, (2.0 * k - 1.0) / 6.0)),
                nearest(kLowestBandHz * std::pow(2.0, (2.0 * k + 1.0) / 6.0))};
  }
  return edges;
}

Bands third_octaves(std::span<const double> x, const std::array<double, kFrame>& w) {
  const auto edges = band_edges();
  RealFft fft(static_cast<int>(kFftSize));
  Bands bands;
  bands.frames = frames_of(x.size());
  bands.values.resize(bands.frames * kBands);
  for (std::size_t t = 0; t < bands.frames; ++t) {
    std::fill(fft.input().begin(), fft.input().end(), 0.0F);
    for (std::size_t n = 0; n < kFrame; ++n) {
      fft.input()[n] = static_cast<float>(w[n] * x[t * kHop + n]);
    }
    fft.transform();
    for (std::size_t b = 0; b < kBands; ++b) {
      double power = 0.0;
      for (std::size_t k = edges[b][0]; k < edges[b][1]; ++k) {
        power += static_cast<double>(std::norm(fft.output()[k]));
      }
      bands.values[b * bands.frames + t] = std::sqrt(power);
    }
  }
  return bands;
}

// A band of a segment, or a frame of one.
template <std::size_t N>
using Row = std::array<double, N>;

template <std::size_t N>
double norm(const Row<N>& row) {
  double power = 0.0;
  for (const double value : row) {
    power += value * value;
  }
  return std::sqrt(power);
}

// Zero mean, then divided by its norm (a constant row stays zero).
template <std::size_t N>
void normalize(Row<N>& row) {
  const double mean = std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(N);
  for (double& value : row) {
    value -= mean;
  }
  const double scale = 1.0 / (norm(row) + kEpsilon);
  for (double& value : row) {
    value *= scale;
  }
}

template <std::size_t N>
double inner(const Row<N>& a, const Row<N>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Row<kSegment> segment_of(const Bands& bands, std::size_t band, std::size_t start) {
  Row<kSegment> row{};
  std::copy_n(bands.row(band) + start, kSegment, row.begin());
  return row;
}

double plain(const Bands& x, const Bands& y) {
  const double clip = 1.0 + std::pow(10.0, -kLowestSdrDb / 20.0);
  const std::size_t segments = x.frames - kSegment + 1;
  double sum = 0.0;
  for (std::size_t m = 0; m < segments; ++m) {
    for (std::size_t b = 0; b < kBands; ++b) {
      Row<kSegment> reference = segment_of(x, b, m);
      Row<kSegment> generated = segment_of(y, b, m);
      const double scale = norm(reference) / (norm(generated) + kEpsilon);
      for (std::size_t n = 0; n < kSegment; ++n) {
        generated[n] = std::min(generated[n] * scale, reference[n] * clip);
      }
      normalize(reference);
      normalize(generated);
      sum += inner(reference, generated);
    }
  }
  return sum / static_cast<double>(segments * kBands);
}

// Rows over time first, then columns over bands.
std::array<Row<kBands>, kSegment> row_column_normalized(const Bands& bands, std::size_t start) {
  std::array<Row<kBands>, kSegment> columns{};
  for (std::size_t b = 0; b < kBands; ++b) {
    Row<kSegment> row = segment_of(bands, b, start);
    normalize(row);
    for (std::size_t n = 0; n < kSegment; ++n) {
      columns[n][b] = row[n];
    }
  }
  for (Row<kBands>& column : columns) {
    normalize(column);
  }
  return columns;
}

double extended(const Bands& x, const Bands& y) {
  const std::size_t segments = x.frames - kSegment + 1;
  double sum = 0.0;
  for (std::size_t m = 0; m < segments; ++m) {
    const auto reference = row_column_normalized(x, m);
    const auto generated = row_column_normalized(y, m);
    for (std::size_t n = 0; n < kSegment; ++n) {
      sum += inner(reference[n], generated[n]);
    }
  }
  return sum / static_cast<double>(segments * kSegment);
}

float peak_of(std::span<const float> x) {
  float peak = 0.0F;
  for (const float value : x) {
    peak = std::max(peak, std::abs(value));
  }
  return peak;
}

}  // namespace

Intelligibility intelligibility(std::span<const float> reference,
                                std::span<const float> generated,
                                int sample_rate_hz) {
  require_same_length(reference.size(), generated.size(), "STOI");
  require_sounds(reference, generated, "STOI");
  if (sample_rate_hz < 1) {
    throw Error(ErrorCode::usage,
                "STOI: expected a sample rate above 0, found " + std::to_string(sample_rate_hz));
  }
  const auto none = [](const std::string& why) {
    return Intelligibility{Measured::none(why), Measured::none(why)};
  };
  const float reference_peak = peak_of(reference);
  const float generated_peak = peak_of(generated);
  if (reference_peak == 0.0F) {
    return none("the reference is silent");
  }
  if (reference_peak < kQuietest) {
    return none("the reference is too quiet: nowhere above -200 dBFS");
  }
  if (generated_peak > 0.0F && generated_peak < kQuietest) {
    return none("the generated sound is too quiet: nowhere above -200 dBFS");
  }
  const std::array<double, kFrame> w = window();
  const std::vector<double> x = resample(reference, sample_rate_hz);
  const std::vector<double> y = resample(generated, sample_rate_hz);
  const std::vector<std::size_t> kept = sounding_frames(x, w);
  const Bands x_bands = third_octaves(joined(x, kept, w), w);
  const Bands y_bands = third_octaves(joined(y, kept, w), w);
  if (x_bands.frames < kSegment) {
    return none("needs 30 frames (0.4 s) that are not silent, found " +
                std::to_string(x_bands.frames));
  }
  return {plain(x_bands, y_bands), extended(x_bands, y_bands)};
}

}  // namespace ondes
