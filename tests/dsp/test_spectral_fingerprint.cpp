#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "dsp/spectral_fingerprint.h"
#include "tests/support/test_signals.h"

using namespace ondes;

namespace {

int frames_of(const std::vector<float>& x) {
  return 1 + static_cast<int>(x.size()) / kFingerprintHopSamples;
}

// Notes of 0.15 to 0.35 s at pitches drawn by `seed` (of no scale), ten partials that decay.
std::vector<float> melody(unsigned seed, double seconds) {
  std::mt19937 random(seed);
  std::vector<float> x(static_cast<std::size_t>(seconds * kFingerprintRateHz));
  std::size_t length = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += length) {
    length = 2400 + random() % 3200;
    const double hz = 110.0 * std::exp2(static_cast<double>(random()) * 0x1p-32 * 3.0);
    for (std::size_t n = begin; n < std::min(x.size(), begin + length); ++n) {
      const double t = static_cast<double>(n - begin) / kFingerprintRateHz;
      for (int k = 1; k <= 10; ++k) {
        x[n] += static_cast<float>(0.1 / k * std::exp(-4.0 * t) *
                                   std::sin(2.0 * std::numbers::pi * k * hz * t));
      }
    }
  }
  return x;
}

FingerprintIndex index_of(const std::vector<std::vector<float>>& clips) {
  FingerprintIndex index;
  for (const std::vector<float>& clip : clips) {
    index.add(spectral_landmarks(clip), frames_of(clip));
  }
  index.finish();
  return index;
}

FingerprintMatch best(const FingerprintIndex& index, const std::vector<float>& x) {
  const auto found = index.matches(spectral_landmarks(x), frames_of(x));
  return found.empty() ? FingerprintMatch{} : found.front();
}

}  // namespace

TEST_CASE("a piece of a clip agrees with it at the offset it was cut at, far beyond chance") {
  const std::vector<std::vector<float>> clips{melody(1, 6.0), melody(2, 6.0), melody(3, 6.0)};
  const FingerprintIndex index = index_of(clips);
  // Cut off the hop grid, with a gain and noise 30 dB below.
  const std::size_t cut = 30011;
  std::vector<float> piece(clips[1].begin() + static_cast<std::ptrdiff_t>(cut),
                           clips[1].begin() + static_cast<std::ptrdiff_t>(cut) + 32000);
  piece = sum_of(scaled(piece, 0.3F), test_noise(piece.size(), 9, 0.001F));
  const FingerprintMatch match = best(index, piece);
  CHECK(match.clip == 1);
  CHECK(std::abs(match.offset_frames - static_cast<int>(cut) / kFingerprintHopSamples) <= 1);
  CHECK(match.agreeing > match.landmarks / 10);
  CHECK(match.p < 1e-12);
}

TEST_CASE("another melody agrees in less than a twentieth of its landmarks") {
  // A note of nearly the same pitch agrees in all its own landmarks; there are some 16 notes.
  const FingerprintIndex index = index_of({melody(1, 6.0), melody(2, 6.0), melody(3, 6.0)});
  const FingerprintMatch match = best(index, melody(77, 4.0));
  INFO(match.agreeing << " of " << match.landmarks << ", chance " << match.expected_by_chance);
  CHECK(match.agreeing * 20 < match.landmarks);
}

TEST_CASE("chance is what the hits at all other offsets give, by hand") {
  // One landmark at frame 0 is asked for; the clip has it at 5 (once more than anywhere) and at 9.
  FingerprintIndex index;
  const std::vector<Landmark> clip{{7, 5}, {8, 5}, {7, 9}};
  index.add(clip, 20);
  index.finish();
  const std::vector<Landmark> sound{{7, 0}, {8, 0}};
  const auto found = index.matches(sound, 10);
  REQUIRE(found.size() == 1);
  CHECK(found[0].hits == 3);
  CHECK(found[0].agreeing == 2);
  CHECK(found[0].offset_frames == 5);
  // 1 hit elsewhere over 30 offsets, two of which are one place.
  CHECK(found[0].expected_by_chance == Approx(1.0 / 15.0));
  const double lambda = 1.0 / 15.0;
  const double tail = 1.0 - std::exp(-lambda) * (1.0 + lambda);
  CHECK(found[0].p == Approx(1.0 - std::pow(1.0 - tail, 15.0)).epsilon(1e-9));
}

TEST_CASE("a gain changes no landmark, silence and nothing have none") {
  const std::vector<float> x = melody(4, 2.0);
  const std::vector<Landmark> landmarks = spectral_landmarks(x);
  const std::vector<Landmark> quiet = spectral_landmarks(scaled(x, 0.25F));  // exact in float
  REQUIRE(landmarks.size() == quiet.size());
  CHECK(landmarks.size() > 100);
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    CHECK((landmarks[i].hash == quiet[i].hash && landmarks[i].frame == quiet[i].frame));
  }
  CHECK(spectral_landmarks({}).empty());
  CHECK(spectral_landmarks(std::vector<float>(5000)).empty());
  CHECK_NOTHROW(spectral_landmarks(std::vector<float>(1, 0.5F)));
}
