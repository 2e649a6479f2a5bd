#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/mel_cepstrum.h"
#include "dsp/metrics/mcd_internal.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "tests/support/golden_values.h"
#include "tests/support/test_data.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr McdProfile kOfRecordings[] = {McdProfile::standard, McdProfile::espnet,
                                        McdProfile::kubichek};

std::vector<float> from(const std::vector<float>& x, std::ptrdiff_t first) {
  return {x.begin() + first, x.end()};
}

}  // namespace

TEST_CASE("every profile is at distance 0 of itself, aligned and in step") {
  const std::vector<float> x = test_voice(15000, 22050);
  for (const McdProfile profile : kOfRecordings) {
    const auto d = mel_cepstral_distortion(x, x, 22050, {.profile = profile});
    CAPTURE(d.parameters);
    CHECK(*d.value_db.value == 0.0);
    CHECK(*d.synchronous_db.value == 0.0);
    CHECK(d.delay_samples == 0);
  }
}

TEST_CASE("a case worked by hand: cepstra that differ by 0.1 in one coefficient") {
  // K |d| = 6.1419 * 0.1 for c2; c0 counts in espnet, versa and pymcd only.
  const std::vector<float> a = {1.0F, 0.5F, 0.25F, 1.0F, 0.5F, 0.25F};
  std::vector<float> b = {1.0F, 0.5F, 0.35F, 1.0F, 0.5F, 0.35F};
  const ConstFrames reference(a.data(), 2, 3);
  const ConstFrames generated(b.data(), 2, 3);
  for (const std::string& name : mcd_profile_names()) {
    if (name == "kubichek") {
      continue;
    }
    CAPTURE(name);
    b[0] = b[3] = 1.0F;
    const McdOptions options{.profile = *mcd_profile(name)};
    CHECK(*mel_cepstral_distortion_of_cepstra(reference, generated, options).value_db.value ==
          Approx(0.61419).epsilon(1e-4));
    b[0] = b[3] = 1.3F;
    const double with_c0 = name == "default" ? 0.61419 : 6.14185 * std::sqrt(0.01 + 0.09);
    CHECK(*mel_cepstral_distortion_of_cepstra(reference, generated, options).synchronous_db.value ==
          Approx(with_c0).epsilon(1e-4));
  }
}

TEST_CASE("`default` is invariant to a common gain and, c0 out, to a gain of one side") {
  const std::vector<float> a = test_voice(15000, 22050, 1);
  const std::vector<float> b = test_voice(15000, 22050, 2);
  const double value = *mel_cepstral_distortion(a, b, 22050).value_db.value;
  CHECK(value > 0.5);
  for (const float gain : {0.001F, 0.25F, 32.0F}) {
    CAPTURE(gain);
    // The periodogram's epsilon follows the louder one, so only rounding is left.
    CHECK(*mel_cepstral_distortion(scaled(a, gain), scaled(b, gain), 22050).value_db.value ==
          Approx(value).epsilon(1e-3));
  }
  CHECK(*mel_cepstral_distortion(a, scaled(a, 0.25F), 22050).value_db.value < 1e-3);
}

TEST_CASE("`default` is symmetric, its delay changes sign") {
  const std::vector<float> a = test_voice(15000, 22050, 1);
  const std::vector<float> b = sum_of(from(a, 100), test_noise(14900, 3, 0.001F));
  const auto there = mel_cepstral_distortion(a, b, 22050);
  const auto back = mel_cepstral_distortion(b, a, 22050);
  CHECK(there.delay_samples == -100);
  CHECK(back.delay_samples == 100);
  // Equal but for the choice among paths that rounding makes equal.
  CHECK(*there.value_db.value == Approx(*back.value_db.value).epsilon(1e-4));
  CHECK(*there.synchronous_db.value == Approx(*back.synchronous_db.value).epsilon(1e-6));
}

TEST_CASE("an integer delay is taken out and reported; kept, it costs decibels") {
  const std::vector<float> a = test_voice(20000, 22050);
  for (const std::ptrdiff_t shift : {1, 64, 500}) {
    CAPTURE(shift);
    const auto found = mel_cepstral_distortion(a, from(a, shift), 22050);
    CHECK(found.delay_samples == -shift);
    CHECK(*found.synchronous_db.value == 0.0);
    const auto kept =
        mel_cepstral_distortion(a, from(a, shift), 22050, {.compensate_delay = false});
    CHECK(kept.delay_samples == 0);
    CHECK(*kept.synchronous_db.value > 0.05);
  }
}

TEST_CASE("on speech the sensitivity is the known one: gain, rounding noise, shifts") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const MonoSound raw = read_mono((*data / "speech" / "LJ050-0029_raw.wav").string());
  const std::vector<float>& x = raw.samples;
  const auto value = [&](const std::vector<float>& other) {
    return *mel_cepstral_distortion(x, other, raw.rate_hz, {.compensate_delay = false})
                .synchronous_db.value;
  };
  std::vector<float> half(x.size());
  std::vector<float> noisy(x.size());
  std::mt19937 generator(1);
  for (std::size_t n = 0; n < x.size(); ++n) {
    half[n] = std::nearbyint(x[n] * 16384.0F) / 32768.0F;
    noisy[n] = x[n] + (generator() % 2 == 0 ? 1.0F : -1.0F) / 32768.0F;
  }
  // METRICS has 0.17 and 0.22 dB, measured on windows of 1024; noise of its own kind and windows of
  // 25 ms make a fifth of difference.
  CHECK(value(half) == Approx(0.17).epsilon(0.2));
  CHECK(value(noisy) == Approx(0.22).epsilon(0.2));
  // Shifts of 1 and 16 samples: 0.30 and 0.99 there.
  CHECK(value(from(x, 1)) == Approx(0.30).epsilon(0.2));
  CHECK(value(from(x, 16)) == Approx(0.99).epsilon(0.2));
  // 64 and 128: 1.58 and 2.14 with windows of 46 ms; those of 25 ms move by twice the part of
  // themselves, so by more, and never less.
  CHECK(value(from(x, 64)) > 1.58);
  CHECK(value(from(x, 64)) < 2.4);
  CHECK(value(from(x, 128)) > 2.14);
  CHECK(value(from(x, 128)) < 3.6);
  // The same, with METRICS' own analysis: ESPnet's windows, c0 out.
  MelCepstrumConfig config = mcd_espnet_config(raw.rate_hz);
  config.sample_scale = 32768.0;
  MelCepstrum analysis(config);
  const auto features = [&](const std::vector<float>& y) { return analysis.analyze(y); };
  const auto aligned = [&](const std::vector<float>& y) {
    const std::vector<float> a = features(x);
    const std::vector<float> b = features(y);
    const int columns = analysis.coefficients();
    return *mel_cepstral_distortion_of_cepstra(
                {a.data(), static_cast<int>(a.size()) / columns, columns},
                {b.data(), static_cast<int>(b.size()) / columns, columns}, {})
                .value_db.value;
  };
  // Another clip of the same speaker was measured there: 15 % is their difference.
  CHECK(aligned(from(x, 1)) == Approx(0.30).epsilon(0.15));
  CHECK(aligned(from(x, 16)) == Approx(0.99).epsilon(0.15));
  CHECK(aligned(from(x, 64)) == Approx(1.58).epsilon(0.15));
  CHECK(aligned(from(x, 128)) == Approx(2.14).epsilon(0.15));
}

TEST_CASE("hifigan is nearer to the recording than melgan is, in every profile of recordings") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  const auto sound = [&](const std::string& name) {
    return read_mono((*data / "speech" / (name + ".wav")).string()).samples;
  };
  const std::vector<float> raw = sound("LJ050-0030_raw");
  const std::vector<float> near = sound("LJ050-0030_hifigan");
  const std::vector<float> far = sound("LJ050-0030_melgan");
  for (const McdProfile profile : kOfRecordings) {
    CHECK(*mel_cepstral_distortion(raw, near, 22050, {.profile = profile}).value_db.value + 1.0 <
          *mel_cepstral_distortion(raw, far, 22050, {.profile = profile}).value_db.value);
  }
}

TEST_CASE("unequal lengths are no silent truncation: frames and pairs are in the result") {
  const std::vector<float> a = test_voice(20000, 22050);
  const std::vector<float> b(a.begin(), a.begin() + 12000);
  for (const McdProfile profile : kOfRecordings) {
    const auto d = mel_cepstral_distortion(a, b, 22050, {.profile = profile});
    CAPTURE(d.parameters);
    CHECK(d.reference_frames > d.generated_frames);
    CHECK(d.synchronous_frames == d.generated_frames);
    CHECK(d.aligned_pairs >= d.reference_frames);
    CHECK(d.path.front() == DtwStep{0, 0});
    CHECK(d.path.back() == DtwStep{static_cast<std::int32_t>(d.reference_frames - 1),
                                   static_cast<std::int32_t>(d.generated_frames - 1)});
    CHECK(d.path_db.size() == d.path.size());
    CHECK(d.length_ratio > 1.5);
  }
}

TEST_CASE("pairs of more than 2^30 cells are aligned within 10 s, and say so") {
  // 3.3 minutes at 5 ms, the second without its last 5 s.
  std::vector<float> a(40000 * 2);
  std::mt19937 generator(5);
  for (float& value : a) {
    value = static_cast<float>(generator()) * 0x1p-32F;
  }
  const ConstFrames all(a.data(), 40000, 2);
  const auto d = mel_cepstral_distortion_of_cepstra(all, all.subview(0, 39000), {});
  check_contains(d.parameters, {"within 2000 frames"});
  CHECK(d.value_db.value);
  CHECK(*d.synchronous_db.value == 0.0);
  const auto few = mel_cepstral_distortion_of_cepstra(all.subview(0, 300), all.subview(0, 290), {});
  CHECK(few.parameters.find("within") == std::string::npos);
}

TEST_CASE("silence, one sample and nothing are safe in every profile") {
  const std::vector<float> silence(15000, 0.0F);
  const std::vector<float> x = test_voice(15000, 22050);
  const std::span<const float> all(x);
  for (const McdProfile profile : kOfRecordings) {
    const McdOptions options{.profile = profile};
    CHECK(*mel_cepstral_distortion(silence, silence, 22050, options).value_db.value == 0.0);
    CHECK(std::isfinite(*mel_cepstral_distortion(all, silence, 22050, options).value_db.value));
    CHECK(std::isfinite(*mel_cepstral_distortion(silence, all, 22050, options).value_db.value));
    for (const std::size_t samples : {std::size_t{0}, std::size_t{1}}) {
      const auto d = mel_cepstral_distortion(all, all.first(samples), 22050, options);
      CHECK_FALSE(d.value_db.value);
      check_contains(d.value_db.reason, {"shorter than one analysis window"});
      CHECK(d.reference_frames > 0);
    }
  }
}

TEST_CASE("every number carries its parameters") {
  const std::vector<float> x = test_voice(15000, 22050);
  check_contains(mel_cepstral_distortion(x, x, 22050).parameters,
                 {"profile default", "order 34", "alpha 0.455", "hop 110", "c0 out", "exact dtw"});
  check_contains(mcd_parameters(48000, {.profile = McdProfile::espnet, .aligned = false}),
                 {"espnet", "order 39", "alpha 0.55", "c0 in", "synchronous"});
  for (const std::string& name : mcd_profile_names()) {
    check_contains(mcd_parameters(22050, {.profile = *mcd_profile(name)}), {name});
  }
  CHECK_FALSE(mcd_profile("sptk"));
  // The table of constants that `default` uses is what the search for them finds.
  for (const int rate_hz : {8000, 16000, 22050, 24000, 32000, 44100, 48000}) {
    CHECK(mcd_standard_config(rate_hz).alpha == Approx(alpha_for_rate(rate_hz)).epsilon(1e-9));
  }
}

TEST_CASE("what a profile cannot do is refused, and so is NaN") {
  std::vector<float> x = test_voice(8000, 22050);
  const auto fails = [&](ErrorCode code, McdProfile profile, int rate_hz) {
    return message_of(code,
                      [&] { (void)mel_cepstral_distortion(x, x, rate_hz, {.profile = profile}); });
  };
  check_contains(fails(ErrorCode::usage, McdProfile::espnet, 11025), {"espnet", "11025"});
  check_contains(fails(ErrorCode::usage, McdProfile::versa, 22050), {"versa", "WORLD"});
  fails(ErrorCode::usage, McdProfile::pymcd, 22050);
  fails(ErrorCode::usage, McdProfile::standard, 0);
  const std::vector<float> envelope(5 * 257, 1.0F);
  const ConstFrames view(envelope.data(), 5, 257);
  message_of(ErrorCode::usage, [&] { (void)mel_cepstral_distortion_of_envelopes(view, view, {}); });
  message_of(ErrorCode::usage, [&] {
    (void)mel_cepstral_distortion_of_cepstra(view, view, {.profile = McdProfile::kubichek});
  });
  const std::vector<float> zeros(5 * 257, 0.0F);
  message_of(ErrorCode::bad_input, [&] {
    (void)mel_cepstral_distortion_of_envelopes(view, {zeros.data(), 5, 257},
                                               {.profile = McdProfile::pymcd});
  });
  x[11] = std::numeric_limits<float>::quiet_NaN();
  check_contains(fails(ErrorCode::bad_input, McdProfile::standard, 22050), {"[11]", "NaN"});
}
