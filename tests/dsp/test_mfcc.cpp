#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "dsp/mfcc.h"
#include "engine/error.h"

using namespace ondes;

namespace {

std::vector<float> tone(std::size_t samples) {
  std::vector<float> x(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    x[n] = 0.3F * std::sin(0.2F * static_cast<float>(n));
  }
  return x;
}

}  // namespace

TEST_CASE("all coefficients of an orthonormal transform keep the energy of the mels") {
  MfccConfig config = *mfcc_profile("librosa", 16000);
  config.mel.bank.mels = 24;
  config.coefficients = 24;
  const std::vector<float> x = tone(4000);
  const std::vector<float> mels = LogMel(config.mel).analyze(x);
  const std::vector<float> mfcc = Mfcc(config).analyze(x);
  REQUIRE(mfcc.size() == mels.size());
  double mel_energy = 0.0;
  double energy = 0.0;
  for (std::size_t i = 0; i < mels.size(); ++i) {
    mel_energy += static_cast<double>(mels[i]) * static_cast<double>(mels[i]);
    energy += static_cast<double>(mfcc[i]) * static_cast<double>(mfcc[i]);
  }
  CHECK(energy == Approx(mel_energy).epsilon(1e-5));  // float sums of 24
}

TEST_CASE("flat mels have no coefficient but the first") {
  // Silence: every band stands at the floor, -100 dB, of which the first takes sqrt(M).
  const std::vector<float> mfcc =
      Mfcc(*mfcc_profile("librosa", 22050)).analyze(std::vector<float>(2048, 0.0F));
  REQUIRE(mfcc.size() == 5 * 20);
  for (std::size_t i = 0; i < mfcc.size(); ++i) {
    CHECK(mfcc[i] == Approx(i % 20 == 0 ? -100.0 * std::sqrt(128.0) : 0.0).margin(2e-3));
  }
}

TEST_CASE("profiles keep their durations at every rate") {
  for (const int rate_hz : {8000, 16000, 22050, 44100, 48000}) {
    for (const std::string& name : mfcc_profile_names()) {
      const MfccConfig config = *mfcc_profile(name, rate_hz);
      CHECK(config.mel.bank.fmax_hz == rate_hz / 2.0);
      if (name != "librosa") {
        CHECK(config.mel.window_samples == rate_hz / 40);
        CHECK(config.mel.hop_samples == rate_hz / 100);
        CHECK(config.mel.bank.fft_size / 2 < config.mel.window_samples);
      }
      CHECK_NOTHROW(Mfcc(config));
    }
  }
  CHECK_FALSE(mfcc_profile("praat", 16000));
  CHECK_THROWS_AS(mfcc_profile("kaldi", 0), Error);
}

TEST_CASE("more coefficients than bands, and a lifter without length, are refused") {
  MfccConfig config = *mfcc_profile("kaldi", 16000);
  config.coefficients = 24;
  CHECK_THROWS_AS(Mfcc(config), Error);
  config = *mfcc_profile("kaldi", 16000);
  config.lifter_length = 0.0;
  CHECK_THROWS_AS(Mfcc(config), Error);
}

TEST_CASE("a signal shorter than a frame has none, an empty one of librosa's one of silence") {
  CHECK(Mfcc(*mfcc_profile("kaldi", 16000)).analyze(tone(399)).empty());
  CHECK(Mfcc(*mfcc_profile("librosa", 16000)).analyze({}).size() == 20);
}
