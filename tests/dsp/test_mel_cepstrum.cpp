#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/mel_cepstrum.h"
#include "engine/error.h"
#include "tests/support/allocation_counter.h"

using namespace ondes;

namespace {

// Noise through a resonance, so that there is an envelope.
std::vector<float> resonant_noise(std::size_t samples) {
  std::mt19937 generator(11);
  std::vector<float> x(samples);
  double y1 = 0.0;
  double y2 = 0.0;
  for (float& value : x) {
    const double y = static_cast<double>(generator()) * 0x1p-34 - 0.0625 + 1.6 * y1 - 0.8 * y2;
    y2 = y1;
    y1 = y;
    value = static_cast<float>(y);
  }
  return x;
}

MelCepstrumConfig small() {
  MelCepstrumConfig config;
  config.order = 12;
  config.alpha = 0.41;
  config.fft_size = 256;
  config.window_samples = 200;
  config.hop_samples = 80;
  return config;
}

}  // namespace

TEST_CASE("alpha is the table's at every rate of the table") {
  const std::pair<double, double> table[] = {{8000, .312},  {16000, .410}, {22050, .455},
                                             {24000, .466}, {32000, .504}, {44100, .544},
                                             {48000, .554}};
  for (const auto& [rate_hz, alpha] : table) {
    CHECK(alpha_for_rate(rate_hz) == Approx(alpha).margin(1e-9));
  }
  CHECK_THROWS_AS(alpha_for_rate(0.0), Error);
}

TEST_CASE("the result is where Newton's method has nothing left to do") {
  // More iterations change nothing but the rounding of a float product.
  MelCepstrumConfig config = small();
  const std::vector<float> x = resonant_noise(1000);
  config.min_iterations = 20;
  const std::vector<float> more = MelCepstrum(config).analyze(x);
  config.min_iterations = 30;
  const std::vector<float> most = MelCepstrum(config).analyze(x);
  for (std::size_t i = 0; i < more.size(); ++i) {
    CHECK(more[i] == Approx(most[i]).margin(1e-5));
  }
}

TEST_CASE("a gain moves c0 by its logarithm and nothing else") {
  const std::vector<float> x = resonant_noise(1000);
  std::vector<float> louder = x;
  for (float& value : louder) {
    value *= 4.0F;
  }
  MelCepstrum analysis(small());
  const std::vector<float> a = analysis.analyze(x);
  const std::vector<float> b = analysis.analyze(louder);
  REQUIRE(a.size() == 11 * 13);
  for (std::size_t i = 0; i < a.size(); ++i) {
    // An iteration ends by a change of 1e-3 of itself, which rounding may move by one step.
    CHECK(b[i] - a[i] == Approx(i % 13 == 0 ? std::log(4.0) : 0.0).margin(2e-5));
  }
}

TEST_CASE("the first comparison is SPTK's: where the log gain meets the first moment, it ends") {
  // One frame at gains 1e-3 apart. At some of them half the mean of ln P is within a thousandth of
  // the first moment of iteration 2, which is between 1 and 4: then one step is all there is.
  const std::vector<float> x = resonant_noise(200);
  MelCepstrumConfig config = small();
  std::vector<double> shape(13);
  std::vector<double> one_step(13);
  const auto ends_after_one_step = [&](bool sptk_first_comparison) {
    config.sptk_first_comparison = sptk_first_comparison;
    MelCepstrum full(config);
    config.max_iterations = 1;
    MelCepstrum shortened(config);
    config.max_iterations = 30;
    const std::vector<double> window =
        sptk_window(config.window, config.window_samples, config.normalisation);
    std::vector<double> frame(x.size());
    int ends = 0;
    for (int step = 0; step < 12000; ++step) {
      for (std::size_t n = 0; n < x.size(); ++n) {
        frame[n] = static_cast<double>(x[n]) * window[n] * std::exp(1e-3 * step);
      }
      full.analyze_windowed(frame, shape);
      shortened.analyze_windowed(frame, one_step);
      ends += std::equal(shape.begin(), shape.end(), one_step.begin()) ? 1 : 0;
    }
    return ends;
  };
  // A thousandth of the moment on either side of it, in steps of a thousandth.
  const int ends = ends_after_one_step(true);
  CHECK(ends >= 1);
  CHECK(ends <= 8);
  CHECK(ends_after_one_step(false) == 0);
}

TEST_CASE("the spectrum of a mel-cepstrum has this mel-cepstrum, up to what the order cuts") {
  // Orders 3 of 40 kept: the other 37 are zeros.
  const std::vector<double> mc{-1.0, 0.8, -0.3, 0.1};
  std::vector<double> power(513);
  mc2sp(mc, 0.42, power);
  std::vector<double> back(41);
  sp2mc(power, 0.42, back);
  for (std::size_t m = 0; m < back.size(); ++m) {
    CHECK(back[m] == Approx(m < mc.size() ? mc[m] : 0.0).margin(1e-9));
  }
  // The iteration finds it too: a smooth spectrum is its own maximum-likelihood envelope.
  MelCepstrumConfig config = small();
  config.alpha = 0.42;
  config.fft_size = 1024;
  std::vector<double> found(13);
  MelCepstrum(config).analyze_power(power, found);
  for (std::size_t m = 0; m < found.size(); ++m) {
    CHECK(found[m] == Approx(m < mc.size() ? mc[m] : 0.0).margin(1e-5));
  }
}

TEST_CASE("warping there and back is nothing") {
  const std::vector<double> c{1.0, -0.5, 0.25, 0.7};
  std::vector<double> warped(200);
  freqt(c, 0.5, warped);
  std::vector<double> back(4);
  freqt(warped, -0.5, back);
  for (std::size_t i = 0; i < c.size(); ++i) {
    CHECK(back[i] == Approx(c[i]).margin(1e-9));
  }
}

TEST_CASE("silence, an impulse and one sample give finite numbers; too short a signal no frame") {
  MelCepstrumConfig config = small();
  MelCepstrum analysis(config);
  std::vector<float> x(1000, 0.0F);
  const auto all_finite = [](const std::vector<float>& values) {
    return !values.empty() && std::all_of(values.begin(), values.end(),
                                          [](float value) { return std::isfinite(value); });
  };
  CHECK(all_finite(analysis.analyze(x)));
  x[500] = 1.0F;
  CHECK(all_finite(analysis.analyze(x)));
  CHECK(analysis.analyze(std::span(x).first(199)).empty());
  config.padding = MelCepstrumConfig::Padding::centre_zero;
  CHECK(all_finite(MelCepstrum(config).analyze(std::span(x).first(1))));
}

TEST_CASE("what cannot be analysed is refused") {
  std::vector<float> x(1000, 0.0F);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(MelCepstrum(small()).analyze(x), Error);
  std::vector<double> mc(4);
  CHECK_THROWS_AS(sp2mc(std::vector<double>(5, 0.0), 0.4, mc), Error);
  for (const auto& change : std::vector<void (*)(MelCepstrumConfig&)>{
           [](MelCepstrumConfig& c) { c.fft_size = 255; },
           [](MelCepstrumConfig& c) { c.order = 0; }, [](MelCepstrumConfig& c) { c.order = 129; },
           [](MelCepstrumConfig& c) { c.alpha = 1.0; },
           [](MelCepstrumConfig& c) { c.window_samples = 257; },
           [](MelCepstrumConfig& c) { c.hop_samples = 0; },
           [](MelCepstrumConfig& c) {
             c.epsilon_kind = MelCepstrumConfig::Epsilon::floor_db;
             c.epsilon = 1.0;
           }}) {
    MelCepstrumConfig config = small();
    change(config);
    CHECK_THROWS_AS(MelCepstrum(config), Error);
  }
}

TEST_CASE("no frame costs an allocation") {
  MelCepstrum analysis(small());
  const std::vector<float> x = resonant_noise(2000);
  std::vector<float> memory(static_cast<std::size_t>(analysis.frames(2000)) * 13);
  const Frames out(memory.data(), static_cast<int>(analysis.frames(2000)), 13);
  // Its checks write the messages that they may need.
  AllocationCounter counter;
  analysis.analyze(std::span(x).first(200), out.subview(0, 1));
  const long long for_one_frame = counter.count();
  analysis.analyze(x, out);
  CHECK(counter.count() == 2 * for_one_frame);
}

TEST_CASE("a frame's mel-cepstrum is the same alone and among others, bit for bit") {
  MelCepstrum analysis(small());
  const std::vector<float> x = resonant_noise(2000);
  const std::vector<float> all = analysis.analyze(x);
  const std::size_t frames = all.size() / 13;
  REQUIRE(frames == 23);  // not a multiple of the frames that go together
  for (std::size_t t = 0; t < frames; ++t) {
    const std::vector<float> alone = analysis.analyze(std::span(x).subspan(80 * t, 200));
    CHECK(
        std::equal(alone.begin(), alone.end(), all.begin() + static_cast<std::ptrdiff_t>(13 * t)));
  }
}
