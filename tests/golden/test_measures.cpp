// STOI, STFT distances and the Frechet distance against pystoi, auraloss and scipy
// (tests/golden/measures).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "dsp/metrics/frechet_distance.h"
#include "dsp/metrics/spectral_distances.h"
#include "dsp/metrics/stoi.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "tests/support/golden_values.h"
#include "tests/support/test_data.h"

using namespace ondes;

namespace {

void check_intelligibility(const std::vector<float>& reference,
                           std::vector<float> generated,
                           int rate_hz,
                           const GoldenValues& expected,
                           const std::string& name) {
  CAPTURE(name);
  generated.resize(reference.size());
  const Intelligibility found = intelligibility(reference, generated, rate_hz);
  // METRICS' tolerance; pystoi computes in double, and adds random numbers of 1e-16 in ESTOI.
  REQUIRE(found.stoi.value);
  REQUIRE(found.estoi.value);
  CHECK(*found.stoi.value == Approx(expected.at(name + ".stoi")[0]).margin(1e-3).epsilon(0.0));
  CHECK(*found.estoi.value == Approx(expected.at(name + ".estoi")[0]).margin(1e-3).epsilon(0.0));
}

}  // namespace

TEST_CASE("STOI and ESTOI agree with pystoi to 1e-3, resampling included") {
  const GoldenValues expected = read_golden_values("measures/values.txt");
  for (const std::string rate : {"11025", "16000"}) {
    const MonoSound clean = read_mono(golden_path("measures/clean_" + rate + ".wav"));
    const MonoSound noisy = read_mono(golden_path("measures/noisy_" + rate + ".wav"));
    check_intelligibility(clean.samples, noisy.samples, clean.rate_hz, expected, rate);
  }
}

TEST_CASE("STOI and ESTOI of vocoded speech agree with pystoi to 1e-3") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const GoldenValues expected = read_golden_values("measures/speech_values.txt");
  for (const std::string clip : {"LJ050-0029", "LJ050-0030"}) {
    const MonoSound raw = read_mono((*data / "speech" / (clip + "_raw.wav")).string());
    for (const std::string system : {"hifigan", "melgan"}) {
      const std::string name = clip + "_" + system;
      const MonoSound sound = read_mono((*data / "speech" / (name + ".wav")).string());
      check_intelligibility(raw.samples, sound.samples, raw.rate_hz, expected, name);
    }
  }
}

TEST_CASE("STFT distances agree with auraloss to 1e-4") {
  const GoldenValues expected = read_golden_values("measures/stft_values.txt");
  for (const std::string rate : {"16000", "22050", "48000"}) {
    CAPTURE(rate);
    const MonoSound r =
        read_mono(golden_path("mel_cepstral_distortion/reference_" + rate + ".wav"));
    const MonoSound g =
        read_mono(golden_path("mel_cepstral_distortion/generated_" + rate + ".wav"));
    const std::size_t common = std::min(r.samples.size(), g.samples.size());
    const auto reference = std::span<const float>(r.samples).first(common);
    const auto generated = std::span<const float>(g.samples).first(common);
    const auto close = [&](const Measured& found, const std::string& name) {
      CAPTURE(name);
      REQUIRE(found.value);
      // METRICS' tolerance; auraloss itself computes in float.
      CHECK(*found.value == Approx(expected.at(rate + "." + name)[0]).margin(1e-4).epsilon(0.0));
    };
    const MultiResolutionStftDistance all = multi_resolution_stft_distance(reference, generated);
    close(all.value, "mrstft");
    REQUIRE(all.per_resolution.size() == 3);
    close(all.per_resolution[0].spectral_convergence, "sc");
    close(all.per_resolution[0].log_magnitude, "log");
    close(all.per_resolution[0].linear_magnitude, "lin");
    // In dB: 8.7 times the unit of `log`, so the tolerance too.
    REQUIRE(all.per_resolution[0].log_spectral_distance_db.value);
    CHECK(*all.per_resolution[0].log_spectral_distance_db.value ==
          Approx(expected.at(rate + ".lsd_db")[0]).margin(1e-3).epsilon(0.0));
  }
}

TEST_CASE("the Frechet distance agrees with scipy's matrix square root") {
  std::vector<std::vector<float>> sets;
  std::vector<ConstFrames> views;
  for (const std::string name : {"a", "b"}) {
    const std::string path = golden_path("measures/embeddings_" + name + ".npy");
    const MappedFile file(path);
    const NpyArray array = parse_npy(file.bytes(), path);
    sets.push_back(npy_floats(array));
    views.emplace_back(sets.back().data(), static_cast<int>(array.shape[0]),
                       static_cast<int>(array.shape[1]));
  }
  const Measured found = frechet_distance(views[0], views[1]);
  REQUIRE(found.value);
  // Both compute in double; scipy's square root of a product that is not symmetric is the worse.
  CHECK(*found.value ==
        Approx(read_golden_values("measures/values.txt").at("frechet")[0]).epsilon(1e-6));
}
