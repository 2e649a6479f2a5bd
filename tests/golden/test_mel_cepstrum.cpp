// Mel-cepstral analysis against SPTK's own (tests/golden/mel_cepstrum/make_golden.py).
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/mel_cepstrum.h"
#include "tests/support/golden_values.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"

using namespace ondes;

namespace {

// What was agreed for the iteration, which ends where a step changes less than a thousandth.
constexpr double kIterated = 5e-4;
// For conversions in double on both sides.
constexpr double kConverted = 1e-6;

NpyValues<double> golden(const std::string& name) {
  return read_npy_doubles(golden_path(name + ".npy"));
}

// The first samples of a signal in ../mel.
std::vector<float> signal(int rate_hz, std::size_t samples) {
  const NpyValues<double> input = golden("mel/input_" + std::to_string(rate_hz));
  return {input.values.begin(), input.values.begin() + static_cast<std::ptrdiff_t>(samples)};
}

void check(const char* name, const MelCepstrumConfig& config, const std::vector<float>& x) {
  const double worst = largest_difference(MelCepstrum(config).analyze(x),
                                          golden(std::string("mel_cepstrum/") + name).values);
  INFO(name << ": worst difference " << worst);
  CHECK(worst < kIterated);
}

MelCepstrumConfig small_frames() {
  MelCepstrumConfig config;
  config.order = 24;
  config.alpha = 0.42;
  config.fft_size = 512;
  config.window_samples = 400;
  config.hop_samples = 80;
  config.sample_scale = 32768.0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-3;
  return config;
}

}  // namespace

TEST_CASE("the iteration agrees with SPTK's mcep to 5e-4") {
  check("mcep_16000", small_frames(), signal(16000, 4000));

  MelCepstrumConfig config;
  config.order = 34;
  config.alpha = 0.45;
  config.hop_samples = 110;
  config.sample_scale = 32768.0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-3;
  check("mcep_22050", config, signal(22050, 6000));

  config.order = 24;
  config.alpha = 0.455;
  config.sample_scale = 1.0;
  config.window_samples = 800;
  config.hop_samples = 220;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::floor_db;
  config.epsilon = -60.0;
  check("mcep_floor", config, signal(22050, 2700));
}

TEST_CASE("without iterations it is SPTK's warped cepstrum") {
  MelCepstrumConfig config;
  config.order = 13;
  config.alpha = 0.65;
  config.max_iterations = 0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-8;
  check("mcep_start", config, signal(22050, 6000));
}

TEST_CASE("ESPnet's analysis is met to 5e-4") {
  MelCepstrumConfig config;
  config.order = 34;
  config.alpha = 0.45;
  config.window = SptkWindow::hamming;
  config.sample_scale = 32768.0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-6;
  check("espnet", config, signal(22050, 6000));
}

TEST_CASE("a comparison with another constant fails") {
  MelCepstrumConfig config = small_frames();
  config.alpha = 0.41;
  CHECK(largest_difference(MelCepstrum(config).analyze(signal(16000, 4000)),
                           golden("mel_cepstrum/mcep_16000").values) > 0.01);
}

TEST_CASE("conversions agree with pysptk to 1e-6") {
  const NpyValues<double> power = golden("mel_cepstrum/power");
  std::vector<double> mc(40);
  sp2mc(power.values, 0.466, mc);
  CHECK(largest_difference(mc, golden("mel_cepstrum/sp2mc").values) < kConverted);

  const NpyValues<double> envelope = golden("mel_cepstrum/mc2sp");
  std::vector<double> back(envelope.values.size());
  mc2sp(mc, 0.466, back);
  for (std::size_t k = 0; k < back.size(); ++k) {
    CHECK(back[k] == Approx(envelope.values[k]).epsilon(kConverted));
  }

  std::vector<double> warped(21);
  freqt(mc, -0.3, warped);
  CHECK(largest_difference(warped, golden("mel_cepstrum/freqt").values) < kConverted);
}

TEST_CASE("windows are SPTK's, of power 1") {
  const auto worst = [](SptkWindow window, const char* name) {
    return largest_difference(sptk_window(window, 25),
                              golden(std::string("mel_cepstrum/window_") + name).values);
  };
  CHECK(worst(SptkWindow::blackman, "blackman") < 1e-12);
  CHECK(worst(SptkWindow::hamming, "hamming") < 1e-12);
  CHECK(worst(SptkWindow::hanning, "hanning") < 1e-12);
}
