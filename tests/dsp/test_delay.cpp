#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/delay.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("a copy that is late or early by so many samples is found exactly") {
  const std::vector<float> x = test_voice(20000, 22050);
  for (const std::int64_t shift : {0, 1, 16, 129, 700, 2204}) {
    CAPTURE(shift);
    std::vector<float> late(static_cast<std::size_t>(shift), 0.0F);
    late.insert(late.end(), x.begin(), x.end());
    const Delay found = estimate_delay(x, late, 2205);
    CHECK(found.samples == shift);
    CHECK(found.correlation == Approx(1.0).epsilon(1e-5));
    CHECK(estimate_delay(late, x, 2205).samples == -shift);
  }
}

TEST_CASE("noise, a gain and another length do not hide it") {
  const std::vector<float> x = test_voice(20000, 22050);
  std::vector<float> late(333, 0.0F);
  const std::vector<float> noisy = sum_of(scaled(x, 0.3F), test_noise(x.size(), 9, 0.02F));
  late.insert(late.end(), noisy.begin(), noisy.begin() + 15000);
  CHECK(estimate_delay(x, late, 1000).samples == 333);
}

TEST_CASE("sounds that do not correlate have no delay, nor do silence and nothing") {
  const std::vector<float> a = test_noise(20000, 1, 0.5F);
  const std::vector<float> b = test_noise(20000, 2, 0.5F);
  CHECK(estimate_delay(a, b, 2000).samples == 0);
  CHECK(std::abs(estimate_delay(a, b, 2000).correlation) < 0.05);
  const std::vector<float> silence(20000, 0.0F);
  CHECK(estimate_delay(a, silence, 2000).samples == 0);
  CHECK(estimate_delay(silence, silence, 2000).correlation == 0.0);
  CHECK(estimate_delay({}, a, 2000).samples == 0);
}

TEST_CASE("one sample, and a maximum longer than the sound, are safe") {
  const std::vector<float> one = {0.5F};
  CHECK(estimate_delay(one, one, 100).samples == 0);
  CHECK(estimate_delay(one, one, 0).correlation == Approx(1.0));
  CHECK(estimate_delay(one, std::vector<float>{0.0F, 0.0F, 0.25F}, 100).samples == 2);
}

TEST_CASE("a negative maximum and NaN are refused") {
  std::vector<float> x = test_noise(100, 1, 0.5F);
  message_of(ErrorCode::usage, [&] { (void)estimate_delay(x, x, -1); });
  x[5] = std::numeric_limits<float>::infinity();
  check_contains(message_of(ErrorCode::bad_input, [&] { (void)estimate_delay(x, x, 1); }),
                 {"[5]", "infinity"});
}
