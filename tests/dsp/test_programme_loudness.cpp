#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/loudness.h"
#include "dsp/metrics/programme_loudness.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("a 997 Hz sine of -20 dBFS reads -23.01 LUFS, no range and its peak") {
  const std::vector<float> x = test_sine(48000 * 5, 997.0, 48000, 0.1);
  const ProgrammeLoudness loudness = programme_loudness(x, 48000);
  // BS.1770's sine of full scale in one channel is -3.01; EBU Tech 3341 allows 0.1.
  CHECK(*loudness.integrated_lufs.value == Approx(-23.01).margin(0.1));
  CHECK(*loudness.loudness_range_lu.value == Approx(0.0).margin(0.1));
  CHECK(*loudness.true_peak_dbtp.value == Approx(-20.0).margin(0.2));
}

TEST_CASE("EBU Tech 3342 case 1: 20 s at -20 and 20 s at -30 dBFS have a range of 10 LU") {
  // The case is stereo at 1 kHz; the range is a difference, so one channel reads the same.
  std::vector<float> x = test_sine(48000 * 40, 1000.0, 48000, 0.1);
  const float quieter = std::pow(10.0F, -0.5F);
  std::for_each(x.begin() + 48000 * 20, x.end(), [&](float& value) { value *= quieter; });
  CHECK(*programme_loudness(x, 48000).loudness_range_lu.value == Approx(10.0).margin(1.0));
}

TEST_CASE("what is too short or silent has reasons") {
  const std::vector<float> second = test_sine(48000, 997.0, 48000, 0.1);
  CHECK(programme_loudness(second, 48000).integrated_lufs.value);
  check_contains(programme_loudness(second, 48000).loudness_range_lu.reason, {"3 s"});
  const std::vector<float> silence(48000 * 5, 0.0F);
  const ProgrammeLoudness silent = programme_loudness(silence, 48000);
  CHECK_FALSE(silent.integrated_lufs.value);
  CHECK_FALSE(silent.loudness_range_lu.value);
  CHECK(silent.true_peak_dbtp.reason == "silent");
  CHECK_FALSE(programme_loudness({}, 48000).true_peak_dbtp.value);
  CHECK_FALSE(programme_loudness(std::vector<float>{0.5F}, 48000).integrated_lufs.value);
}

TEST_CASE("NaN and a rate of 0 are refused") {
  std::vector<float> x(1000, 0.1F);
  message_of(ErrorCode::usage, [&] { (void)programme_loudness(x, 0); });
  x[1] = std::numeric_limits<float>::quiet_NaN();
  message_of(ErrorCode::bad_input, [&] { (void)programme_loudness(x, 48000); });
  x[1] = 3e38F;
  message_of(ErrorCode::bad_input, [&] { (void)programme_loudness(x, 48000); });
}
