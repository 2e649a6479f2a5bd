#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "engine/stream/stream_clock.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 48000;

// A device whose clock is wrong by some parts in a million and whose callbacks come late by up to
// `jitter_ms`, evenly spread; every `every`-th one by `outlier_ms`.
struct JitteryDevice {
  double wrong_ppm = 0.0;
  double jitter_ms = 0.0;
  double usual_ms = 0.0;  // mean of what is late without a bound (exponential)
  int every = 0;
  double outlier_ms = 0.0;
  int frames = 128;
  int burst = 1;           // callbacks that come at once, at the time of the first
  double step_at_s = 0.0;  // from here on everything is `step_ms` later
  double step_ms = 0.0;
};

// How much later the clock believes each callback's first frame to be played than it is, in ms,
// from `settled_s` on.
std::vector<double> errors_ms(const JitteryDevice& device, double settled_s, double total_s) {
  StreamClock clock(kRateHz);
  std::mt19937 random(3);
  std::uniform_real_distribution<double> jitter(0.0, device.jitter_ms);
  const double true_rate = kRateHz * (1.0 + device.wrong_ppm * 1.0e-6);
  std::vector<double> errors;
  for (std::int64_t n = 0; static_cast<double>(n * device.frames) < total_s * kRateHz; ++n) {
    const double stepped_ms =
        static_cast<double>(n * device.frames) >= device.step_at_s * kRateHz ? device.step_ms : 0.0;
    const double due_ms = stepped_ms + 1000.0 * static_cast<double>(n * device.frames) / true_rate;
    const double burst_ms =
        -1000.0 * static_cast<double>(n % device.burst * device.frames) / true_rate;
    double late_ms = burst_ms + jitter(random);
    if (device.usual_ms > 0.0) {
      late_ms += std::exponential_distribution<double>(1.0 / device.usual_ms)(random);
    }
    if (device.every > 0 && n % device.every == device.every - 1) {
      late_ms += device.outlier_ms;
    }
    clock.update(n * device.frames, device.frames, std::llround((due_ms + late_ms) * 1.0e6));
    if (due_ms * 1.0e-3 < settled_s) {
      continue;
    }
    // Asked a hundredth of a second later, for finer steps than a frame: the frame at which the
    // clock puts that instant.
    const double asked_ms = due_ms + 10.0;
    const auto frame = static_cast<double>(*clock.frame_at(std::llround(asked_ms * 1.0e6)));
    errors.push_back(asked_ms - stepped_ms - 1000.0 * frame / true_rate);
  }
  return errors;
}

double spread(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  const auto count = static_cast<double>(errors.size());
  return errors[static_cast<std::size_t>(0.99 * count)] -
         errors[static_cast<std::size_t>(0.01 * count)];
}

}  // namespace

TEST_CASE("before its first callback a clock knows nothing, then it counts frames") {
  StreamClock clock(kRateHz);
  CHECK_FALSE(clock.frame_at(0).has_value());
  clock.update(1000, 128, 5'000'000);
  CHECK(*clock.frame_at(5'000'000) == 1000);
  CHECK(*clock.frame_at(6'000'000) == 1048);
  CHECK(*clock.frame_at(4'000'000) == 952);
  CHECK(clock.time_of(1000) == 5'000'000);
  CHECK(clock.time_of(1048) == 6'000'000);
}

// What a server's MIDI and its sound go by.
TEST_CASE("two clocks of one device agree to a frame, whatever its time does") {
  StreamClock sound(kRateHz);
  StreamClock keys(kRateHz);
  std::mt19937 random(5);
  std::uniform_real_distribution<double> late_ns(0.0, 0.2e6);
  double due_ns = 0.0;
  std::int64_t most = 0;
  for (std::int64_t n = 0; n < 20'000; ++n) {
    due_ns += 128.0e9 / kRateHz + (n % 500 == 499 ? 3.0e6 : 0.0);  // a part of a period is lost
    sound.update(128 * n, 128, std::llround(due_ns + late_ns(random)));
    keys.update(128 * n, 128, std::llround(due_ns + late_ns(random)));
    if (n > 400) {
      const std::int64_t frame = 128 * n + 64;
      most = std::max(most, std::abs(*sound.frame_at(keys.time_of(frame)) - frame));
    }
  }
  CHECK(most <= 5);  // 0.1 ms
}

// A frame is 0.021 ms: the least that a spread of rounded frames can be.
TEST_CASE("a device's clock that is 200 ppm wrong is followed to a frame") {
  const std::vector<double> errors = errors_ms({.wrong_ppm = 200.0}, 8.0, 30.0);
  CHECK(spread(errors) <= 0.022);
  CHECK(std::abs(errors.back()) <= 0.022);
}

// Callbacks that are late by 0 to 1 ms have a standard deviation of 0.29 ms. A loop of bandwidth B
// lets about 4 B T of that variance through (T = 2.7 ms, B = 0.1 Hz: 1/30 of the deviation), 0.01 ms;
// 98 % lie within 4.7 deviations, and a frame is rounded: 0.07 ms.
TEST_CASE("jitter of a millisecond in the callbacks is one of less than 0.1 ms in the clock") {
  CHECK(spread(errors_ms({.jitter_ms = 1.0}, 8.0, 60.0)) < 0.1);
}

TEST_CASE("the clock has settled after a second: jitter below 0.3 ms from then on") {
  CHECK(spread(errors_ms({.jitter_ms = 1.0}, 1.0, 5.0)) < 0.3);
}

TEST_CASE("a callback in a hundred that is 15 ms late moves the clock by less than half a ms") {
  CHECK(spread(errors_ms({.jitter_ms = 0.2, .every = 100, .outlier_ms = 15.0}, 4.0, 60.0)) < 0.5);
}

// A sound server that loses a period (or a part of one) goes on from when it woke.
TEST_CASE("a step of the device's time is followed within 50 ms, at any time") {
  const double step_ms = GENERATE(0.7, 1.4, 4.0, 20.0, -2.0);
  const double step_at_s = GENERATE(0.3, 1.5, 20.0);
  const JitteryDevice device{
      .wrong_ppm = 50.0, .jitter_ms = 0.1, .step_at_s = step_at_s, .step_ms = step_ms};
  CHECK(spread(errors_ms(device, step_at_s + 0.05, step_at_s + 20.0)) < 0.3);
}

// Eight callbacks of 256 frames whenever a buffer of 43 ms is empty: the clock rests in their middle.
TEST_CASE("a device that asks in bursts is followed as evenly as one that does not") {
  CHECK(spread(errors_ms({.wrong_ppm = 50.0, .jitter_ms = 0.5, .frames = 256, .burst = 8}, 20.0,
                         60.0)) < 1.0);
}

// A busy machine: callbacks are late by a millisecond on average, some by ten; 128 frames are lost.
TEST_CASE("a lost period is told from callbacks that are usually late by a millisecond") {
  const double step_at_s = 20.0;
  const JitteryDevice device{.usual_ms = 1.0, .step_at_s = step_at_s, .step_ms = 128.0e3 / kRateHz};
  CHECK(spread(errors_ms(device, step_at_s + 0.1, step_at_s + 20.0)) < 0.67);  // a quarter of it
}

// 171 ms at once. Half the pieces are early by 43 ms on average, and the loop (omega = 0.00084 a piece)
// follows them: 64 x 43 ms x 0.00084 x sqrt(2) = 3.2 ms.
TEST_CASE("a device that asks for its long buffer in many pieces does not start the clock anew") {
  CHECK(spread(errors_ms({.frames = 64, .burst = 128}, 20.0, 60.0)) < 4.0);
}

TEST_CASE("a device that asks for nothing does not disturb the clock") {
  StreamClock clock(kRateHz);
  clock.update(0, 128, 0);
  clock.update(128, 0, 2'700'000);
  clock.update(128, 128, 2'666'667);
  CHECK(*clock.frame_at(2'666'667) == 128);
}

TEST_CASE("callbacks of changing length do not disturb the clock") {
  StreamClock clock(kRateHz);
  std::int64_t first = 0;
  for (int n = 0; n < 2000; ++n) {
    const int frames = 64 + 64 * (n % 5);
    clock.update(first, frames, first * 1'000'000'000 / kRateHz);
    first += frames;
  }
  for (int ms = 0; ms < 20; ++ms) {
    const std::int64_t at_ns = first * 1'000'000'000 / kRateHz + ms * 1'000'000LL;
    CHECK(std::abs(static_cast<double>(*clock.frame_at(at_ns) - first) - 48.0 * ms) <= 1.0);
  }
}

TEST_CASE("after a stall the clock begins anew instead of creeping back") {
  StreamClock clock(kRateHz);
  for (int n = 0; n < 1000; ++n) {
    clock.update(128 * n, 128, n * 2'666'667LL);
  }
  const std::int64_t later = 1000 * 2'666'667LL + 500'000'000;
  clock.update(128'000, 128, later);
  CHECK(*clock.frame_at(later) == 128'000);
}
