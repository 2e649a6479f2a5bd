// mel-cepstral-distance 0.0.4's features with its defaults:
//
//   x / max |x|; windows of 32 ms (symmetric Hann), hop 8 ms, no centring; a window that would end
//   on the last sample is left out
//   20 triangles of HTK's mel scale from 0 to Nyquist, corners at floor((N + 1) f / rate)
//   y[m] = log10(sum over k of w[m][k] |X[k]|^2 + eps),  eps = 2^-52
//   c[i - 1] = sum over m = 1 .. 20 of y[m] cos(i (m - 1/2) pi / 20),  i = 1 .. 20
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <vector>

#include "dsp/fft.h"
#include "dsp/metrics/mcd_internal.h"

namespace ondes {

namespace {

constexpr int kBands = MelBandCepstra::kBands;

struct Triangles {
  std::array<int, kBands + 2> corners{};
};

Triangles triangles(int sample_rate_hz, int fft_size) {
  const auto mel = [](double hz) { return 2595.0 * std::log10(1.0 + hz / 700.0); };
  const double top = mel(static_cast<double>(sample_rate_hz / 2));
  Triangles result;
  for (int i = 0; i < kBands + 2; ++i) {
    const double hz =
        700.0 * (std::pow(10.0, top * static_cast<double>(i) / (kBands + 1) / 2595.0) - 1.0);
    result.corners[static_cast<std::size_t>(i)] =
        static_cast<int>(std::floor(static_cast<double>(fft_size + 1) * hz / sample_rate_hz));
  }
  return result;
}

// The sum over bins of one band; a corner that falls on its neighbour leaves that flank out.
double band_power(std::span<const double> power, const Triangles& t, std::size_t band) {
  const int left = t.corners[band];
  const int centre = t.corners[band + 1];
  const int right = std::min(t.corners[band + 2], static_cast<int>(power.size()));
  double sum = 0.0;
  for (int k = left; k < centre; ++k) {
    sum += power[static_cast<std::size_t>(k)] * (k - left) / (centre - left);
  }
  for (int k = centre; k < right; ++k) {
    sum += power[static_cast<std::size_t>(k)] * (t.corners[band + 2] - k) /
           (t.corners[band + 2] - centre);
  }
  return sum;
}

void cosines(std::span<const float> bands, std::span<float> cepstra) {
  for (int i = 1; i <= kBands; ++i) {
    double sum = 0.0;
    for (int m = 1; m <= kBands; ++m) {
      sum += static_cast<double>(bands[static_cast<std::size_t>(m - 1)]) *
             std::cos(i * (m - 0.5) * std::numbers::pi / kBands);
    }
    cepstra[static_cast<std::size_t>(i - 1)] = static_cast<float>(sum);
  }
}

}  // namespace

MelBandCepstra mel_band_cepstra(std::span<const float> x, int sample_rate_hz) {
  const auto window_samples = static_cast<int>(0.032 * sample_rate_hz);
  MelBandCepstra result;
  result.hop_samples = static_cast<int>(0.008 * sample_rate_hz);
  const std::ptrdiff_t usable = std::ssize(x) - window_samples;
  if (result.hop_samples < 1 || usable <= 0) {
    return result;
  }
  result.frames = static_cast<int>((usable - 1) / result.hop_samples + 1);
  result.bands.resize(static_cast<std::size_t>(result.frames) * kBands);
  result.cepstra.resize(result.bands.size());
  float peak = 0.0F;
  for (const float value : x) {
    peak = std::max(peak, std::abs(value));
  }
  const double gain = peak > 0.0F ? 1.0 / static_cast<double>(peak) : 0.0;

  // 32 ms is an odd number of samples at some rates (705 at 22.05 kHz) and our transforms are of
  // even sizes: of one of twice the length every second bin is the one wanted.
  RealFft fft(2 * window_samples);
  const Triangles bank = triangles(sample_rate_hz, window_samples);
  std::vector<double> window(static_cast<std::size_t>(window_samples));
  for (int n = 0; n < window_samples; ++n) {
    window[static_cast<std::size_t>(n)] =
        gain * (0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * n / (window_samples - 1)));
  }
  std::vector<double> power(static_cast<std::size_t>(window_samples / 2 + 1));
  std::fill(fft.input().begin(), fft.input().end(), 0.0F);
  for (int t = 0; t < result.frames; ++t) {
    const float* from = x.data() + static_cast<std::ptrdiff_t>(t) * result.hop_samples;
    for (std::size_t n = 0; n < window.size(); ++n) {
      fft.input()[n] = static_cast<float>(window[n] * static_cast<double>(from[n]));
    }
    fft.transform();
    for (std::size_t k = 0; k < power.size(); ++k) {
      power[k] = static_cast<double>(std::norm(fft.output()[2 * k]));
    }
    const std::span<float> bands(result.bands.data() + static_cast<std::ptrdiff_t>(t) * kBands,
                                 kBands);
    for (std::size_t m = 0; m < bands.size(); ++m) {
      bands[m] = static_cast<float>(std::log10(band_power(power, bank, m) + 0x1p-52));
    }
    cosines(bands, {result.cepstra.data() + static_cast<std::ptrdiff_t>(t) * kBands, bands.size()});
  }
  return result;
}

}  // namespace ondes
