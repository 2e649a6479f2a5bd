#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/mfcc_distance.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("identical sounds are at distance 0") {
  const std::vector<float> x = test_voice(22050, 22050);
  const MfccDistance d = mfcc_distance(x, x, 22050);
  CHECK(*d.dtw_db.value == 0.0);
  CHECK(*d.synchronous_db.value == 0.0);
  CHECK(d.reference_frames == 1 + 22050 / 512);
  CHECK(d.path.size() == d.path_db.size());
}

TEST_CASE("a gain moves c0 alone, so it does not count") {
  const std::vector<float> x = test_noise(22050, 1, 0.4F);
  // All bands of noise lie within top_db and above the floor; logarithms of floats round.
  CHECK(*mfcc_distance(x, scaled(x, 0.5F), 22050).synchronous_db.value < 1e-3);
}

TEST_CASE("it is symmetric, and warping never makes it larger than in step by much") {
  const std::vector<float> a = test_voice(30000, 22050, 1);
  const std::vector<float> b = test_voice(30000, 22050, 2);
  const MfccDistance there = mfcc_distance(a, b, 22050);
  const MfccDistance back = mfcc_distance(b, a, 22050);
  CHECK(*there.synchronous_db.value == *back.synchronous_db.value);
  CHECK(*there.dtw_db.value == Approx(*back.dtw_db.value).epsilon(1e-5));
  CHECK(*there.dtw_db.value < *there.synchronous_db.value);
  CHECK(there.synchronous_by_frame_db.size() == static_cast<std::size_t>(there.synchronous_frames));
}

TEST_CASE("unequal lengths are aligned and reported, silence and one sample are safe") {
  const std::vector<float> a = test_voice(30000, 22050, 1);
  const std::span<const float> all(a);
  const MfccDistance d = mfcc_distance(all, all.first(20000), 22050);
  CHECK(d.reference_frames == 59);
  CHECK(d.generated_frames == 40);
  CHECK(d.synchronous_frames == 40);
  CHECK(d.path.back() == DtwStep{58, 39});
  const std::vector<float> silence(5000, 0.0F);
  CHECK(*mfcc_distance(silence, silence, 22050).dtw_db.value == 0.0);
  CHECK(std::isfinite(*mfcc_distance(silence, all, 22050).dtw_db.value));
  CHECK(*mfcc_distance(all.first(1), all.first(1), 22050).dtw_db.value == 0.0);
  CHECK(mfcc_distance({}, all, 22050).dtw_db.reason == "no samples");
}

TEST_CASE("NaN and a rate of 0 are refused") {
  std::vector<float> x = test_voice(5000, 22050);
  message_of(ErrorCode::usage, [&] { (void)mfcc_distance(x, x, 0); });
  x[3] = std::numeric_limits<float>::quiet_NaN();
  message_of(ErrorCode::bad_input, [&] { (void)mfcc_distance(x, x, 22050); });
}
