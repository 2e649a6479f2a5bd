// Log-mels against what each profile's own reference made of the same signals
// (tests/golden/mel/make_golden.py), and against the mels a published vocoder was given.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "dsp/log_mel.h"
#include "tests/support/golden_values.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/test_data.h"

using namespace ondes;

namespace {

// What the profiles promise: features of float pipelines differ by up to 3e-4 from those of double
// ones where a band is quiet beside a loud one.
constexpr double kTolerance = 1e-3;

NpyValues<float> golden(const std::string& name) {
  return read_npy_floats(golden_path("mel/" + name + ".npy"));
}

// The worst difference of frames-first `mel` to bands-first `expected`.
double worst_difference(const std::vector<float>& mel, const NpyValues<float>& expected) {
  REQUIRE(expected.shape.size() == 2);
  const auto mels = static_cast<std::size_t>(expected.shape[0]);
  const auto frames = static_cast<std::size_t>(expected.shape[1]);
  REQUIRE(mel.size() == mels * frames);
  std::vector<float> turned(mel.size());
  for (std::size_t t = 0; t < frames; ++t) {
    for (std::size_t m = 0; m < mels; ++m) {
      turned[m * frames + t] = mel[t * mels + m];
    }
  }
  return largest_difference(turned, expected.values);
}

}  // namespace

TEST_CASE("every profile agrees with its own reference to 1e-3") {
  REQUIRE(mel_profile_names().size() == 7);
  for (const std::string& name : mel_profile_names()) {
    LogMel log_mel(*mel_profile(name));
    const int rate_hz = log_mel.config().bank.sample_rate_hz;
    const NpyValues<float> input = golden("input_" + std::to_string(rate_hz));
    const double worst = worst_difference(log_mel.analyze(input.values), golden(name));
    INFO(name << ": worst difference " << worst);
    CHECK(worst < kTolerance);
  }
}

TEST_CASE("a comparison with another profile's reference fails") {
  LogMel log_mel(*mel_profile("tacotron2"));
  CHECK(worst_difference(log_mel.analyze(golden("input_22050").values), golden("pwg")) > 1.0);
}

TEST_CASE("filterbanks agree with librosa's") {
  MelBankConfig config{
      .sample_rate_hz = 16000, .fft_size = 256, .mels = 20, .fmin_hz = 50.0, .fmax_hz = 7000.0};
  for (const std::string name : {"slaney", "htk"}) {
    const NpyValues<float> expected = golden("bank_" + name);
    if (name == "htk") {
      config.scale = MelBankConfig::Scale::htk;
      config.norm = MelBankConfig::Norm::none;
    }
    const std::vector<float> found = MelFilterbank(config).dense();
    REQUIRE(found.size() == expected.values.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      // Both are double, rounded to float at the end; 1e-6 is ten roundings of the greatest weight.
      CHECK(found[i] == Approx(expected.values[i]).margin(1e-6));
    }
  }
}

TEST_CASE("our mel of a recording is the one a published vocoder was given") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data (ONDES_TEST_DATA)");
    return;
  }
  LogMel log_mel(*mel_profile("hifigan"));
  for (const std::string name : {"LJ050-0029", "LJ050-0030"}) {
    const auto recording = *data / "speech" / (name + "_raw.wav");
    const auto mel = *data / "hifigan_v3_ljspeech" / (name + ".mel.npy");
    const AudioClip clip = read_audio_file(recording.string());
    REQUIRE(clip.info.sample_rate_hz == 22050);
    REQUIRE(clip.info.channels == 1);
    const double worst = worst_difference(log_mel.analyze(clip.samples), read_npy_floats(mel));
    INFO(name << ": worst difference " << worst);
    CHECK(worst < kTolerance);
  }
}
