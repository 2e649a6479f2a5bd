// MFCC, chroma, zero crossings and onset strength against what librosa, Kaldi and SPTK make of the
// same signals (tests/golden/features/make_golden.py).
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/chroma.h"
#include "dsp/mfcc.h"
#include "dsp/onset_strength.h"
#include "dsp/zero_crossings.h"
#include "tests/support/golden_values.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"

using namespace ondes;

namespace {

// What was agreed: log-mels of float pipelines differ by up to 3e-4 from those of double ones.
constexpr double kTolerance = 1e-3;
// Kaldi's lifter multiplies by up to 12, and its bands are of int16's size.
constexpr double kKaldiTolerance = 1e-2;

constexpr int kRatesHz[] = {16000, 22050};

NpyValues<float> load(const std::string& name) {
  return read_npy_floats(golden_path(name + ".npy"));
}

std::vector<float> input(int rate_hz) {
  return load("mel/input_" + std::to_string(rate_hz)).values;
}

double worst_difference(const std::vector<float>& found, const std::string& name, int rate_hz) {
  const NpyValues<float> expected = load("features/" + name + "_" + std::to_string(rate_hz));
  REQUIRE(found.size() == expected.values.size());
  const double worst = largest_difference(found, expected.values);
  INFO(name << " at " << rate_hz << " Hz: worst difference " << worst);
  CHECK(std::isfinite(worst));
  return worst;
}

}  // namespace

TEST_CASE("every MFCC profile agrees with its own reference") {
  REQUIRE(mfcc_profile_names().size() == 3);
  for (const int rate_hz : kRatesHz) {
    for (const std::string& name : mfcc_profile_names()) {
      Mfcc mfcc(*mfcc_profile(name, rate_hz));
      const double worst = worst_difference(mfcc.analyze(input(rate_hz)), "mfcc_" + name, rate_hz);
      INFO(name << " at " << rate_hz << " Hz: worst difference " << worst);
      CHECK(worst < (name == "kaldi" ? kKaldiTolerance : kTolerance));
    }
  }
}

TEST_CASE("librosa's lifter is its own, not HTK's") {
  for (const int rate_hz : kRatesHz) {
    MfccConfig config = *mfcc_profile("librosa", rate_hz);
    config.coefficients = 13;
    config.lifter = MfccConfig::Lifter::librosa;
    // It multiplies by up to 12.
    CHECK(worst_difference(Mfcc(config).analyze(input(rate_hz)), "mfcc_lifter", rate_hz) <
          12.0 * kTolerance);
    config.lifter = MfccConfig::Lifter::htk;
    CHECK(worst_difference(Mfcc(config).analyze(input(rate_hz)), "mfcc_lifter", rate_hz) > 1.0);
  }
}

TEST_CASE("chroma agrees with librosa's, tuned and with 24 classes too") {
  for (const int rate_hz : kRatesHz) {
    CHECK(worst_difference(Chroma({.sample_rate_hz = rate_hz}).analyze(input(rate_hz)), "chroma",
                           rate_hz) < kTolerance);
    Chroma fine({.sample_rate_hz = rate_hz,
                 .fft_size = 4096,
                 .hop_samples = 300,
                 .classes = 24,
                 .tuning_bins = 0.3});
    CHECK(worst_difference(fine.analyze(input(rate_hz)), "chroma_24", rate_hz) < kTolerance);
  }
}

TEST_CASE("the zero-crossing rate is librosa's, crossing for crossing") {
  for (const int rate_hz : kRatesHz) {
    // A crossing more in a frame would be 5e-4.
    CHECK(worst_difference(zero_crossing_rate(input(rate_hz)), "zero_crossings", rate_hz) < 1e-7);
  }
}

TEST_CASE("onset strength agrees with librosa's") {
  for (const int rate_hz : kRatesHz) {
    CHECK(worst_difference(onset_strength(input(rate_hz), rate_hz), "onset", rate_hz) < kTolerance);
  }
}
