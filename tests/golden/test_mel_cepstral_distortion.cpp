// Mel-cepstral distortion against the tools whose profiles are offered, on the same files
// (tests/golden/mel_cepstral_distortion), within 1e-5 dB.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "dsp/metrics/mel_cepstral_distortion.h"
#include "tests/support/golden_values.h"
#include "tests/support/npy_values.h"
#include "tests/support/test_data.h"

using namespace ondes;

namespace {

const std::string kFolder = "mel_cepstral_distortion/";

void check_close(const Measured& found, double expected) {
  REQUIRE(found.value);
  // METRICS asks for 0.01 dB. Float against double makes 2.5e-6 dB; a single frame of speech that
  // ends its iteration elsewhere than SPTK's does (frame 270 of LJ050-0029_hifigan is where SPTK's
  // first comparison decides) would make 0.009 dB.
  CHECK(*found.value == Approx(expected).margin(1e-5).epsilon(0.0));
}

struct Envelopes {
  explicit Envelopes(const std::string& name)
      : array(read_npy_floats(golden_path(kFolder + name + ".npy"))),
        view(array.values.data(),
             static_cast<int>(array.shape.at(0)),
             static_cast<int>(array.shape.at(1))) {}
  Envelopes(const Envelopes&) = delete;
  Envelopes& operator=(const Envelopes&) = delete;

  NpyValues<float> array;
  ConstFrames view;
};

// Both sides of the corpus at one rate, "16000" to "48000".
struct SoundsAt {
  explicit SoundsAt(const std::string& rate)
      : reference(read_mono(golden_path(kFolder + "reference_" + rate + ".wav"))),
        generated(read_mono(golden_path(kFolder + "generated_" + rate + ".wav"))) {}
  MelCepstralDistortion distortion(McdProfile profile) const {
    return mel_cepstral_distortion(reference.samples, generated.samples, reference.rate_hz,
                                   {.profile = profile});
  }
  MonoSound reference;
  MonoSound generated;
};

}  // namespace

TEST_CASE("profile espnet agrees with ESPnet's recipe to 1e-5 dB, its path has as many pairs") {
  const GoldenValues expected = read_golden_values(kFolder + "values.txt");
  for (const std::string rate : {"16000", "22050", "48000"}) {
    CAPTURE(rate);
    const auto found = SoundsAt(rate).distortion(McdProfile::espnet);
    check_close(found.value_db, expected.at(rate + ".espnet")[0]);
    CHECK(static_cast<double>(found.aligned_pairs) == expected.at(rate + ".espnet")[1]);
  }
}

TEST_CASE("profile kubichek agrees with mel-cepstral-distance to 1e-5, penalty included") {
  const GoldenValues expected = read_golden_values(kFolder + "values.txt");
  for (const std::string rate : {"16000", "22050", "48000"}) {
    CAPTURE(rate);
    const auto found = SoundsAt(rate).distortion(McdProfile::kubichek);
    check_close(found.value_db, expected.at(rate + ".kubichek")[0]);
    CHECK(found.alignment_penalty == Approx(expected.at(rate + ".kubichek")[1]).margin(1e-12));
  }
}

TEST_CASE("profile pymcd agrees with pymcd in all three modes, given its envelopes") {
  const GoldenValues expected = read_golden_values(kFolder + "values.txt");
  const Envelopes reference("pymcd_reference");
  const Envelopes padded("pymcd_reference_padded");
  const Envelopes generated("pymcd_generated");
  const auto warped = mel_cepstral_distortion_of_envelopes(reference.view, generated.view,
                                                           {.profile = McdProfile::pymcd});
  check_close(warped.value_db, expected.at("22050.pymcd_dtw")[0]);
  CHECK(warped.length_ratio * *warped.value_db.value ==
        Approx(expected.at("22050.pymcd_dtw_sl")[0]).margin(1e-5));
  const auto plain = mel_cepstral_distortion_of_envelopes(
      padded.view, generated.view, {.profile = McdProfile::pymcd, .aligned = false});
  check_close(plain.value_db, expected.at("22050.pymcd_plain")[0]);
}

TEST_CASE("profile versa agrees with VERSA, plain and aligned, given its envelopes") {
  const GoldenValues expected = read_golden_values(kFolder + "values.txt");
  const Envelopes reference("versa_reference");
  const Envelopes generated("versa_generated");
  const auto plain = mel_cepstral_distortion_of_envelopes(
      reference.view, generated.view, {.profile = McdProfile::versa, .aligned = false});
  check_close(plain.value_db, expected.at("22050.versa_plain")[0]);
  const auto warped = mel_cepstral_distortion_of_envelopes(reference.view, generated.view,
                                                           {.profile = McdProfile::versa});
  check_close(warped.value_db, expected.at("22050.versa_dtw")[0]);
  CHECK(warped.reference_frames == reference.view.frames());  // the gate is no silent truncation
}

TEST_CASE("on speech, profiles espnet and kubichek agree with their tools to 1e-5 dB") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const GoldenValues expected = read_golden_values(kFolder + "speech_values.txt");
  for (const std::string clip : {"LJ050-0029", "LJ050-0030"}) {
    const MonoSound raw = read_mono((*data / "speech" / (clip + "_raw.wav")).string());
    for (const std::string system : {"hifigan", "melgan"}) {
      const std::string name = clip + "_" + system;
      CAPTURE(name);
      const MonoSound sound = read_mono((*data / "speech" / (name + ".wav")).string());
      for (const std::string profile : {"espnet", "kubichek"}) {
        CAPTURE(profile);
        check_close(mel_cepstral_distortion(raw.samples, sound.samples, raw.rate_hz,
                                            {.profile = *mcd_profile(profile)})
                        .value_db,
                    expected.at(name + "." + profile)[0]);
      }
    }
  }
}

TEST_CASE("the profiles are five different numbers on one pair of files") {
  const MonoSound r = read_mono(golden_path(kFolder + "reference_22050.wav"));
  const MonoSound g = read_mono(golden_path(kFolder + "generated_22050.wav"));
  std::vector<double> values;
  for (const McdProfile profile :
       {McdProfile::standard, McdProfile::espnet, McdProfile::kubichek}) {
    values.push_back(*mel_cepstral_distortion(r.samples, g.samples, r.rate_hz, {.profile = profile})
                          .value_db.value);
  }
  for (const std::string tool : {"versa", "pymcd"}) {
    values.push_back(*mel_cepstral_distortion_of_envelopes(Envelopes(tool + "_reference").view,
                                                           Envelopes(tool + "_generated").view,
                                                           {.profile = *mcd_profile(tool)})
                          .value_db.value);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(std::abs(values[i] - values[j]) > 0.01);
    }
  }
}
