#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/si_sdr.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("a case worked by hand: a distortion at right angles of a tenth reads 20 dB") {
  // Means are 0, r . e = 0, |r|^2 = 4, |e|^2 = 0.04.
  const std::vector<float> r = {1.0F, -1.0F, 1.0F, -1.0F};
  const std::vector<float> g = {1.1F, -0.9F, 0.9F, -1.1F};
  CHECK(*si_sdr_db(r, g).value == Approx(20.0).epsilon(1e-6));  // inputs rounded to float
}

TEST_CASE("gain, polarity and offset of either side change nothing") {
  const std::vector<float> r = test_voice(8000, 22050);
  const std::vector<float> g = sum_of(r, test_noise(8000, 3, 0.01F));
  const double value = *si_sdr_db(r, g).value;
  std::vector<float> changed = scaled(g, -0.125F);
  for (float& sample : changed) {
    sample += 0.0625F;
  }
  // The offset costs float bits: 1e-8 of 0.01 noise.
  CHECK(*si_sdr_db(r, changed).value == Approx(value).epsilon(1e-4));
  CHECK(*si_sdr_db(scaled(r, 4.0F), g).value == Approx(value).epsilon(1e-9));
}

TEST_CASE("it agrees with the definition summed another way") {
  const std::vector<float> r = test_noise(1000, 1, 0.5F);
  const std::vector<float> g = test_noise(1000, 2, 0.5F);
  double mr = 0.0;
  double mg = 0.0;
  for (std::size_t n = 0; n < r.size(); ++n) {
    mr += static_cast<double>(r[n]) / 1000.0;
    mg += static_cast<double>(g[n]) / 1000.0;
  }
  double rr = 0.0;
  double rg = 0.0;
  double gg = 0.0;
  for (std::size_t n = 0; n < r.size(); ++n) {
    rr += (static_cast<double>(r[n]) - mr) * (static_cast<double>(r[n]) - mr);
    rg += (static_cast<double>(r[n]) - mr) * (static_cast<double>(g[n]) - mg);
    gg += (static_cast<double>(g[n]) - mg) * (static_cast<double>(g[n]) - mg);
  }
  const double cosine_squared = rg * rg / (rr * gg);
  CHECK(*si_sdr_db(r, g).value ==
        Approx(10.0 * std::log10(cosine_squared / (1.0 - cosine_squared))).epsilon(1e-9));
}

TEST_CASE("what has no ratio has a reason: silence, constants, identity, nothing") {
  const std::vector<float> x = test_noise(1000, 4, 0.5F);
  const std::vector<float> silence(1000, 0.0F);
  const std::vector<float> constant(1000, 0.3F);
  CHECK(si_sdr_db(silence, x).reason == "the reference is silent over the 1000 samples compared");
  CHECK(si_sdr_db(constant, x).reason ==
        "the reference is constant over the 1000 samples compared");
  CHECK(si_sdr_db(x, silence).reason ==
        "the generated sound is silent over the 1000 samples compared");
  CHECK(si_sdr_db(x, constant).reason ==
        "the generated sound is constant over the 1000 samples compared");
  check_contains(si_sdr_db(x, x).reason, {"no distortion"});
  check_contains(si_sdr_db(x, scaled(x, 0.5F)).reason, {"no distortion"});
  CHECK(si_sdr_db({}, {}).reason == "no samples");
  const std::vector<float> one = {0.5F};
  check_contains(si_sdr_db(one, one).reason, {"only 1 sample"});
  const std::vector<float> a = {1.0F, -1.0F, 1.0F, -1.0F};
  const std::vector<float> b = {1.0F, 1.0F, -1.0F, -1.0F};
  check_contains(si_sdr_db(a, b).reason, {"nothing in common"});
}

TEST_CASE("unequal lengths and NaN are refused") {
  std::vector<float> x = test_noise(10, 4, 0.5F);
  message_of(ErrorCode::usage, [&] { (void)si_sdr_db(x, std::span<const float>(x).first(9)); });
  x[3] = std::numeric_limits<float>::quiet_NaN();
  message_of(ErrorCode::bad_input, [&] { (void)si_sdr_db(x, x); });
}
