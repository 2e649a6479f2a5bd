#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/spectral_distances.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("identical signals have distances of exactly 0") {
  const std::vector<float> x = test_voice(12000, 22050);
  const SpectralDistances d = spectral_distances(x, x);
  CHECK(*d.spectral_convergence.value == 0.0);
  CHECK(*d.log_magnitude.value == 0.0);
  CHECK(*d.linear_magnitude.value == 0.0);
  CHECK(*d.log_spectral_distance_db.value == 0.0);
  CHECK(*multi_resolution_stft_distance(x, x).value.value == 0.0);
}

TEST_CASE("a gain of 2 reads 1, ln 2 and 6.02 dB where the floor is not reached") {
  const std::vector<float> x = test_noise(12000, 1, 0.3F);
  const SpectralDistances d = spectral_distances(x, scaled(x, 2.0F));
  // Powers of two are exact in float; noise of this level is 80 dB above the floor of 1e-4.
  CHECK(*d.spectral_convergence.value == Approx(1.0).epsilon(1e-6));
  CHECK(*d.log_magnitude.value == Approx(std::log(2.0)).epsilon(1e-6));
  CHECK(*d.log_spectral_distance_db.value == Approx(20.0 * std::log10(2.0)).epsilon(1e-6));
  CHECK(*multi_resolution_stft_distance(x, scaled(x, 2.0F)).value.value ==
        Approx(1.0 + std::log(2.0)).epsilon(1e-6));
}

TEST_CASE("the log and linear distances are symmetric, spectral convergence is not") {
  const std::vector<float> a = test_voice(12000, 22050, 1);
  const std::vector<float> b = test_voice(12000, 22050, 2);
  const SpectralDistances there = spectral_distances(a, scaled(b, 0.3F));
  const SpectralDistances back = spectral_distances(scaled(b, 0.3F), a);
  CHECK(*there.log_magnitude.value == Approx(*back.log_magnitude.value).epsilon(1e-6));
  CHECK(*there.linear_magnitude.value == Approx(*back.linear_magnitude.value).epsilon(1e-6));
  CHECK(*there.log_spectral_distance_db.value ==
        Approx(*back.log_spectral_distance_db.value).epsilon(1e-6));
  CHECK(*back.spectral_convergence.value > 1.5 * *there.spectral_convergence.value);
}

TEST_CASE("a common gain changes neither spectral convergence nor, above the floor, logarithms") {
  const std::vector<float> a = test_noise(12000, 1, 0.3F);
  const std::vector<float> b = test_noise(12000, 2, 0.2F);
  const SpectralDistances d = spectral_distances(a, b);
  const SpectralDistances quiet = spectral_distances(scaled(a, 0.25F), scaled(b, 0.25F));
  // A few of some ten thousands of bins of noise lie near the floor.
  CHECK(*quiet.spectral_convergence.value == Approx(*d.spectral_convergence.value).epsilon(1e-5));
  CHECK(*quiet.log_magnitude.value == Approx(*d.log_magnitude.value).epsilon(1e-3));
  CHECK(*quiet.linear_magnitude.value == Approx(0.25 * *d.linear_magnitude.value).epsilon(1e-3));
}

TEST_CASE("silence is safe: finite distances, and a reason where a ratio does not exist") {
  const std::vector<float> silence(8000, 0.0F);
  const std::vector<float> sound = test_noise(8000, 3, 0.5F);
  const SpectralDistances both = spectral_distances(silence, silence);
  CHECK(*both.log_magnitude.value == 0.0);
  CHECK_FALSE(both.spectral_convergence.value);
  CHECK(both.spectral_convergence.reason == "the reference is silent");
  const SpectralDistances heard = spectral_distances(silence, sound);
  CHECK(std::isfinite(*heard.log_magnitude.value));
  CHECK(*heard.log_magnitude.value > 5.0);
  const MultiResolutionStftDistance all = multi_resolution_stft_distance(silence, sound);
  CHECK_FALSE(all.value.value);
  CHECK(all.value.reason == "the reference is silent");
  CHECK(*spectral_distances(sound, silence).spectral_convergence.value == Approx(1.0).margin(1e-3));
}

TEST_CASE("too short to be reflected: no value, a reason; just long enough: a value") {
  const std::vector<float> x = test_noise(1025, 4, 0.5F);
  const std::span<const float> all(x);
  for (const std::size_t samples : {std::size_t{0}, std::size_t{1}, std::size_t{512}}) {
    const SpectralDistances d = spectral_distances(all.first(samples), all.first(samples));
    CHECK_FALSE(d.log_magnitude.value);
    check_contains(d.log_magnitude.reason, {"513", std::to_string(samples)});
  }
  CHECK(spectral_distances(all.first(513), all.first(513)).log_magnitude.value);
  CHECK_FALSE(multi_resolution_stft_distance(all.first(1024), all.first(1024)).value.value);
  CHECK(multi_resolution_stft_distance(all, all).value.value);
}

TEST_CASE("unequal lengths, NaN and sizes that make no sense are refused") {
  std::vector<float> x = test_noise(2000, 5, 0.5F);
  const std::span<const float> all(x);
  check_contains(
      message_of(ErrorCode::usage, [&] { (void)spectral_distances(all, all.first(1999)); }),
      {"2000", "1999"});
  message_of(ErrorCode::usage, [&] {
    (void)spectral_distances(all, all, {.resolution = {1024, 0, 1024}});
  });
  message_of(ErrorCode::usage, [&] {
    (void)spectral_distances(all, all, {.resolution = {512, 128, 1024}});
  });
  message_of(ErrorCode::usage,
             [&] { (void)multi_resolution_stft_distance(all, all, {.resolutions = {}}); });
  x[77] = std::numeric_limits<float>::quiet_NaN();
  check_contains(message_of(ErrorCode::bad_input, [&] { (void)spectral_distances(all, all); }),
                 {"reference", "[77]", "NaN"});
  x[77] = 3e38F;  // finite, but its power is not
  check_contains(message_of(ErrorCode::bad_input, [&] { (void)spectral_distances(all, all); }),
                 {"reference", "[77]", "at most 1e6"});
  x[77] = 32767.0F;  // integers read as floats are measured
  CHECK(spectral_distances(all, all).log_magnitude.value);
}

TEST_CASE("the parameter strings name every size") {
  check_contains(parameters_of(SpectralDistanceOptions{}), {"fft 1024", "hop 256", "0.0001"});
  check_contains(parameters_of(MultiResolutionOptions{}),
                 {"fft 2048 hop 240 window 1200", "fft 512 hop 50 window 240", "auraloss"});
}

TEST_CASE("the absolute floor makes quiet pairs read smaller: no invariance to a common gain") {
  const std::vector<float> r = test_voice(8000, 22050, 1);
  const std::vector<float> g = test_voice(8000, 22050, 2);
  const SpectralDistances loud = spectral_distances(r, g);
  const double multi = *multi_resolution_stft_distance(r, g).value.value;
  const std::vector<float> quiet_r = scaled(r, 0x1p-10F);
  const std::vector<float> quiet_g = scaled(g, 0x1p-10F);
  const SpectralDistances quiet = spectral_distances(quiet_r, quiet_g);
  CHECK(*quiet.log_magnitude.value < 0.9 * *loud.log_magnitude.value);
  CHECK(*quiet.log_spectral_distance_db.value < 0.9 * *loud.log_spectral_distance_db.value);
  CHECK(*multi_resolution_stft_distance(quiet_r, quiet_g).value.value < 0.9 * multi);
  // With a floor that goes along, a power of two changes nothing but bits.
  SpectralDistanceOptions options;
  options.magnitude_floor *= 0x1p-10;
  const SpectralDistances along = spectral_distances(quiet_r, quiet_g, options);
  CHECK(*along.log_magnitude.value == Approx(*loud.log_magnitude.value).epsilon(1e-6));
}
