// The parts of mel-cepstral analysis that need no iteration: constants, windows, conversions.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "dsp/fft.h"
#include "dsp/mel_cepstrum.h"
#include "dsp/mel_cepstrum_tables_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) {
    throw Error(ErrorCode::usage, "mel-cepstrum: " + what);
  }
}

}  // namespace

double alpha_for_rate(double sample_rate_hz) {
  require(sample_rate_hz > 0.0 && std::isfinite(sample_rate_hz),
          "sample rate: expected more than 0, found " + std::to_string(sample_rate_hz));
  constexpr int kPoints = 1000;
  struct Point {
    double mel, sine, cosine;
  };
  std::array<Point, kPoints> points{};
  for (std::size_t i = 0; i < kPoints; ++i) {
    const double share = static_cast<double>(i) / kPoints;
    points[i] = {std::log(1.0 + sample_rate_hz / 2.0 * share / 1e3),
                 std::sin(std::numbers::pi * share), std::cos(std::numbers::pi * share)};
  }
  const auto distance = [&](int thousandths) {
    const double a = thousandths / 1e3;
    const auto warped = [&](const Point& point) {  // in [0, pi), as the angle itself is
      return std::atan2((1.0 - a * a) * point.sine, (1.0 + a * a) * point.cosine - 2.0 * a);
    };
    const Point& last = points.back();
    double sum = 0.0;
    for (const Point& point : points) {
      const double difference = point.mel / last.mel - warped(point) / warped(last);
      sum += difference * difference;
    }
    return sum;
  };
  // It falls, then rises: the least lies between two places that enclose it.
  int low = 0;
  int high = 999;
  while (high > low) {
    const int middle = (low + high) / 2;
    if (distance(middle) <= distance(middle + 1)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low / 1e3;
}

void warp_cepstrum_step(std::span<double> g, double input, double alpha) {
  double before = g[0];
  g[0] = input + alpha * g[0];
  if (g.size() > 1) {
    const double second = g[1];
    g[1] = (1.0 - alpha * alpha) * before + alpha * g[1];
    before = second;
  }
  for (std::size_t j = 2; j < g.size(); ++j) {
    const double old = g[j];
    g[j] = before + alpha * (old - g[j - 1]);
    before = old;
  }
}

void freqt(std::span<const double> c, double alpha, std::span<double> out) {
  require(!out.empty(), "frequency transformation: expected at least 1 coefficient, found 0");
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t n = c.size(); n-- > 0;) {
    warp_cepstrum_step(out, c[n], alpha);
  }
}

void sp2mc(std::span<const double> power, double alpha, std::span<double> mc) {
  require(power.size() >= 3,
          "power spectrum: expected at least 3 bins, found " + std::to_string(power.size()));
  const std::size_t half = power.size() - 1;
  // The transform of a real, even spectrum is its own inverse but for the scale.
  RealFftDouble fft(static_cast<int>(2 * half));
  for (std::size_t k = 0; k < power.size(); ++k) {
    require(power[k] > 0.0 && std::isfinite(power[k]),
            "power spectrum: expected more than 0, found " + std::to_string(power[k]) + " in bin " +
                std::to_string(k));
    fft.input()[k] = std::log(power[k]);
    fft.input()[(2 * half - k) % (2 * half)] = fft.input()[k];
  }
  fft.transform();
  std::vector<double> cepstrum(2 * half);
  for (std::size_t n = 0; n < cepstrum.size(); ++n) {
    cepstrum[n] = fft.output()[std::min(n, 2 * half - n)].real() / static_cast<double>(2 * half);
  }
  cepstrum[0] *= 0.5;
  freqt(cepstrum, alpha, mc);
}

void mc2sp(std::span<const double> mc, double alpha, std::span<double> power) {
  require(power.size() >= 3,
          "power spectrum: expected at least 3 bins, found " + std::to_string(power.size()));
  const std::size_t half = power.size() - 1;
  RealFftDouble fft(static_cast<int>(2 * half));
  std::fill(fft.input().begin(), fft.input().end(), 0.0);
  std::vector<double> cepstrum(half + 1);
  freqt(mc, -alpha, cepstrum);
  // Symmetric about 0 and N/2, where both halves meet.
  fft.input()[0] = 2.0 * cepstrum[0];
  for (std::size_t n = 1; n <= half; ++n) {
    fft.input()[n] = cepstrum[n];
    fft.input()[2 * half - n] = cepstrum[n];
  }
  fft.transform();
  for (std::size_t k = 0; k < power.size(); ++k) {
    power[k] = std::exp(fft.output()[k].real());
  }
}

std::vector<double> sptk_window(SptkWindow window, int size, SptkNormalisation normalisation) {
  require(size >= 2, "window: expected at least 2 samples, found " + std::to_string(size));
  std::vector<double> values(static_cast<std::size_t>(size));
  const double turn = 2.0 * std::numbers::pi / (size - 1);
  for (std::size_t n = 0; n < values.size(); ++n) {
    const double angle = turn * static_cast<double>(n);
    switch (window) {
      case SptkWindow::blackman:
        values[n] = 0.42 - 0.5 * std::cos(angle) + 0.08 * std::cos(2.0 * angle);
        break;
      case SptkWindow::hamming:
        values[n] = 0.54 - 0.46 * std::cos(angle);
        break;
      case SptkWindow::hanning:
        values[n] = 0.5 - 0.5 * std::cos(angle);
        break;
    }
  }
  double sum = 0.0;
  for (const double value : values) {
    sum += normalisation == SptkNormalisation::power ? value * value : value;
  }
  if (normalisation != SptkNormalisation::none) {
    const double scale = normalisation == SptkNormalisation::power ? std::sqrt(sum) : sum;
    for (double& value : values) {
      value /= scale;
    }
  }
  return values;
}

}  // namespace ondes
