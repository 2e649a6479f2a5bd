#include <catch2/catch.hpp>
#include <vector>

#include "dsp/zero_crossings.h"
#include "engine/error.h"

using namespace ondes;

TEST_CASE("a crossing is a change of sign; zero and what is as good as zero are positive") {
  CHECK(count_zero_crossings(std::vector<float>{}) == 0);
  CHECK(count_zero_crossings(std::vector<float>{-1.0F}) == 0);
  CHECK(count_zero_crossings(std::vector<float>{1.0F, -1.0F, 1.0F, 1.0F}) == 2);
  CHECK(count_zero_crossings(std::vector<float>{1.0F, 0.0F, -1e-11F, 1.0F}) == 0);
  CHECK(count_zero_crossings(std::vector<float>{-1.0F, 0.0F, -1.0F}) == 2);
  CHECK(count_zero_crossings(std::vector<float>(100, 0.0F)) == 0);
}

TEST_CASE("the rate of an alternating signal is 1 inside and half of it where a frame sticks out") {
  std::vector<float> x(64);
  for (std::size_t n = 0; n < x.size(); ++n) {
    x[n] = n % 2 == 0 ? 1.0F : -1.0F;
  }
  const std::vector<float> rates = zero_crossing_rate(x, {.frame_samples = 16, .hop_samples = 32});
  REQUIRE(rates.size() == 3);
  CHECK(rates[0] == Approx(7.0 / 16));   // 8 samples of the signal: 7 crossings
  CHECK(rates[1] == Approx(15.0 / 16));  // a frame has no crossing at its first sample
  CHECK(rates[2] == Approx(7.0 / 16));
}

TEST_CASE("one sample and none are safe, sizes that make no sense are refused") {
  CHECK(zero_crossing_rate({}).empty());
  CHECK(zero_crossing_rate(std::vector<float>{-1.0F}) == std::vector<float>{0.0F});
  CHECK_THROWS_AS(zero_crossing_rate({}, {.frame_samples = 0, .hop_samples = 1}), Error);
  CHECK_THROWS_AS(zero_crossing_rate({}, {.frame_samples = 15, .hop_samples = 1}), Error);
  CHECK_THROWS_AS(zero_crossing_rate({}, {.frame_samples = 16, .hop_samples = 0}), Error);
}
