#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/stoi.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("identical sounds and sounds that differ by a gain read 1") {
  const std::vector<float> x = test_voice(30000, 16000);
  const Intelligibility same = intelligibility(x, x, 16000);
  // Divisions are guarded by 2e-16, envelopes are of order 1.
  CHECK(*same.stoi.value == Approx(1.0).epsilon(1e-9));
  CHECK(*same.estoi.value == Approx(1.0).epsilon(1e-9));
  const Intelligibility louder = intelligibility(x, scaled(x, 4.0F), 16000);
  CHECK(*louder.stoi.value == Approx(1.0).epsilon(1e-6));
  CHECK(*louder.estoi.value == Approx(1.0).epsilon(1e-6));
}

TEST_CASE("more noise reads less, noise alone reads near 0") {
  const std::vector<float> x = test_voice(40000, 22050);
  double before = 1.0;
  for (const float level : {0.003F, 0.03F, 0.3F}) {
    const auto noisy = intelligibility(x, sum_of(x, test_noise(x.size(), 5, level)), 22050);
    CHECK(*noisy.stoi.value < before);
    before = *noisy.stoi.value;
  }
  const auto noise = intelligibility(x, test_noise(x.size(), 6, 0.3F), 22050);
  CHECK(std::abs(*noise.stoi.value) < 0.3);
  CHECK(std::abs(*noise.estoi.value) < 0.3);
}

TEST_CASE("it is not symmetric: the reference chooses the frames") {
  const std::vector<float> x = test_voice(40000, 16000);
  std::vector<float> gated = x;
  std::fill(gated.begin() + 20000, gated.begin() + 30000, 0.0F);
  const double there = *intelligibility(x, gated, 16000).stoi.value;
  const double back = *intelligibility(gated, x, 16000).stoi.value;
  CHECK(std::abs(there - back) > 0.01);
}

TEST_CASE("silence, one sample, nothing and less than 0.4 s have reasons") {
  const std::vector<float> silence(20000, 0.0F);
  const std::vector<float> x = test_voice(20000, 16000);
  const std::span<const float> all(x);
  CHECK(intelligibility(silence, x, 16000).stoi.reason == "the reference is silent");
  CHECK_FALSE(intelligibility({}, {}, 16000).estoi.value);
  CHECK_FALSE(intelligibility(all.first(1), all.first(1), 16000).stoi.value);
  check_contains(intelligibility(all.first(4000), all.first(4000), 16000).stoi.reason,
                 {"30 frames"});
  // A silent generated sound is measured: nothing of the reference is in it.
  CHECK(*intelligibility(x, silence, 16000).stoi.value == 0.0);
  CHECK(*intelligibility(x, silence, 16000).estoi.value == 0.0);
}

TEST_CASE("sounds so quiet that the guard of divisions would decide have a reason, not a 0") {
  const std::vector<float> x = test_voice(20000, 16000);
  const std::vector<float> faint = scaled(x, 1e-40F);
  check_contains(intelligibility(faint, faint, 16000).stoi.reason, {"reference", "-200 dBFS"});
  check_contains(intelligibility(faint, faint, 16000).estoi.reason, {"reference", "-200 dBFS"});
  check_contains(intelligibility(x, faint, 16000).stoi.reason, {"generated", "-200 dBFS"});
  // Just above, identical sounds still read 1 but for the guard: 2e-16 of envelopes of 1e-9.
  const std::vector<float> quiet = scaled(x, 1e-8F);
  CHECK(*intelligibility(quiet, quiet, 16000).stoi.value == Approx(1.0).epsilon(1e-4));
}

TEST_CASE("unequal lengths, a rate of 0 and NaN are refused") {
  std::vector<float> x = test_voice(8000, 16000);
  const std::span<const float> all(x);
  message_of(ErrorCode::usage, [&] { (void)intelligibility(all, all.first(7999), 16000); });
  message_of(ErrorCode::usage, [&] { (void)intelligibility(all, all, 0); });
  x[9] = std::numeric_limits<float>::quiet_NaN();
  message_of(ErrorCode::bad_input, [&] { (void)intelligibility(all, all, 16000); });
}
