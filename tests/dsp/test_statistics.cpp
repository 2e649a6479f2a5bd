#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/metrics/statistics.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("mean, median, percentiles and deviation of a case worked by hand") {
  const std::vector<double> x = {4.0, 1.0, 3.0, 8.0};
  CHECK(mean(x) == 4.0);
  CHECK(median(x) == 3.5);
  CHECK(percentile(x, 0.0) == 1.0);
  CHECK(percentile(x, 100.0) == 8.0);
  CHECK(*percentile(x, 25.0) == Approx(2.5));  // x[0.75] between 1 and 3
  CHECK(*standard_deviation(x) == Approx(std::sqrt((0.0 + 9.0 + 1.0 + 16.0) / 3.0)));
}

TEST_CASE("what too few values cannot tell is empty") {
  const std::vector<double> none;
  const std::vector<double> one = {2.0};
  CHECK_FALSE(mean(none));
  CHECK_FALSE(median(none));
  CHECK(mean(one) == 2.0);
  CHECK(median(one) == 2.0);
  CHECK_FALSE(standard_deviation(one));
  CHECK_FALSE(bootstrap_interval(one));
  CHECK(paired_bootstrap(one, one).mean_difference == 0.0);
  CHECK_FALSE(paired_bootstrap(one, one).interval);
  CHECK_FALSE(paired_bootstrap(none, none).mean_difference);
}

TEST_CASE("NaN, infinity and numbers that make no sense are refused") {
  const std::vector<double> bad = {1.0, std::nan(""), 2.0};
  const std::vector<double> endless = {1.0, std::numeric_limits<double>::infinity()};
  const std::vector<double> good = {1.0, 2.0};
  check_contains(message_of(ErrorCode::bad_input, [&] { (void)mean(bad); }), {"[1]", "NaN"});
  message_of(ErrorCode::bad_input, [&] { (void)bootstrap_interval(endless); });
  message_of(ErrorCode::bad_input, [&] { (void)paired_bootstrap(good, endless); });
  message_of(ErrorCode::usage, [&] { (void)percentile(good, 101.0); });
  message_of(ErrorCode::usage, [&] { (void)bootstrap_interval(good, {.resamples = 10}); });
  message_of(ErrorCode::usage, [&] { (void)paired_bootstrap(good, std::vector<double>{1.0}); });
}

TEST_CASE("the same seed gives the same interval, another seed almost the same") {
  std::vector<double> x;
  for (int i = 0; i < 50; ++i) {
    x.push_back(std::sin(i * 1.7));
  }
  const Interval a = *bootstrap_interval(x, {.seed = 1});
  const Interval b = *bootstrap_interval(x, {.seed = 1});
  const Interval c = *bootstrap_interval(x, {.seed = 2});
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
  CHECK(a.low != c.low);
  // 10000 resamples place a 2.5 % tail to some 0.03 standard errors; 0.2 leaves room.
  const double error = *standard_deviation(x) / std::sqrt(50.0);
  CHECK(std::abs(a.low - c.low) < 0.2 * error);
  CHECK(std::abs(a.high - c.high) < 0.2 * error);
}

TEST_CASE("the interval is the normal one where the mean is normal, and covers as it promises") {
  std::mt19937 generator(7);
  std::normal_distribution<double> normal(3.0, 2.0);
  std::vector<double> many(400);
  for (double& value : many) {
    value = normal(generator);
  }
  const Interval interval = *bootstrap_interval(many);
  const double error = *standard_deviation(many) / std::sqrt(400.0);
  CHECK(interval.low == Approx(*mean(many) - 1.96 * error).margin(0.1 * error));
  CHECK(interval.high == Approx(*mean(many) + 1.96 * error).margin(0.1 * error));

  int covered = 0;
  for (unsigned trial = 0; trial < 300; ++trial) {
    std::vector<double> x(30);
    for (double& value : x) {
      value = normal(generator);
    }
    const Interval i = *bootstrap_interval(x, {.seed = trial, .resamples = 1000});
    covered += i.low <= 3.0 && 3.0 <= i.high ? 1 : 0;
  }
  // The percentile interval of 30 values covers some 93 %; three standard errors of 300 trials are
  // 4.4 %.
  CHECK(covered > 265);
  CHECK(covered < 293);
}

TEST_CASE("pairing takes out what is hard for both: a small steady difference is told apart") {
  std::vector<double> first;
  std::vector<double> second;
  for (int i = 0; i < 40; ++i) {
    first.push_back(5.0 + 3.0 * std::sin(i * 2.3));  // clips differ by dB
    second.push_back(first.back() - 0.2 + 0.05 * std::cos(i * 1.1));
  }
  const PairedBootstrap found = paired_bootstrap(first, second);
  CHECK(found.differ());
  CHECK(*found.mean_difference == Approx(-0.2).margin(0.02));
  CHECK(found.interval->high < 0.0);
  // Unpaired, the intervals of the two means overlap by far.
  CHECK(bootstrap_interval(second)->high > bootstrap_interval(first)->low);
  // Turned round, the interval turns round exactly (the same draws).
  const PairedBootstrap back = paired_bootstrap(second, first);
  CHECK(back.interval->low == Approx(-found.interval->high).epsilon(1e-9));
  CHECK_FALSE(paired_bootstrap(first, first).differ());
}
