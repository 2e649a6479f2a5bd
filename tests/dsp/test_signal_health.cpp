#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dsp/metrics/signal_health.h"
#include "tests/support/golden_values.h"
#include "tests/support/test_data.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("a sine of half scale over an offset reads what it is") {
  std::vector<float> x = test_sine(22050, 100.0, 22050, 0.5);
  for (float& value : x) {
    value += 0.1F;
  }
  const SignalHealth health = signal_health(x, 22050);
  CHECK(health.duration_s == 1.0);
  CHECK(*health.dc.value == Approx(0.1).epsilon(1e-4));
  CHECK(*health.peak_dbfs.value == Approx(20.0 * std::log10(0.6)).margin(0.01));
  CHECK(*health.rms_dbfs.value == Approx(10.0 * std::log10(0.125 + 0.01)).margin(0.01));
  // 200 crossings a second, the first and last perhaps outside.
  CHECK(*health.zero_crossing_rate.value * 22050.0 == Approx(200.0).margin(1.0));
  CHECK(health.finite());
  CHECK(health.clipped_runs == 0);
  CHECK(health.clicks == 0);
}

TEST_CASE("every flat top of a clamped sine is a clipped run, those of a quiet square are not") {
  std::vector<float> x = test_sine(22050, 100.0, 22050, 1.5);
  for (float& value : x) {
    value = std::clamp(value, -1.0F, 1.0F);
  }
  const SignalHealth health = signal_health(x, 22050);
  CHECK(health.clipped_runs == 200);
  // Above 1 of 1.5: acos(2/3) of every half period, 110.25 samples long; each run rounds by one.
  CHECK(static_cast<double>(health.clipped_samples) ==
        Approx(200.0 * 110.25 * 2.0 * std::acos(1.0 / 1.5) / 3.14159265358979).margin(200.0));
  CHECK(signal_health(scaled(x, 0.4F), 22050).clipped_runs == 0);
  CHECK(signal_health(scaled(x, 0.8F), 22050).clipped_runs == 200);  // turned down after clipping
}

TEST_CASE("a constant is not clipped, nor is a level held below full scale; a rail at it is") {
  CHECK(signal_health(std::vector<float>(22050, 0.9F), 22050).clipped_samples == 0);
  CHECK(signal_health(std::vector<float>(22050, 1.0F), 22050).clipped_samples == 0);
  // 500 samples of 0, then a step to stay on: 551 samples are 25 ms.
  const auto held = [](float level, std::size_t samples) {
    std::vector<float> x(500 + samples, 0.0F);
    std::fill(x.begin() + 500, x.end(), level);
    return signal_health(x, 22050).clipped_samples;
  };
  CHECK(held(-0.8F, 551) == 551);
  CHECK(held(-0.8F, 552) == 0);
  CHECK(held(0.98F, 5000) == 0);
  CHECK(held(0.99F, 5000) == 5000);
  CHECK(held(32767.0F / 32768.0F, 5000) == 5000);
}

TEST_CASE("jumps in a smooth sound are counted, once each") {
  const std::vector<float> smooth = test_voice(44100, 22050);
  CHECK(signal_health(smooth, 22050).clicks == 0);
  std::vector<float> x = smooth;
  for (const std::size_t at : {std::size_t{5000}, std::size_t{17000}, std::size_t{30011}}) {
    for (std::size_t n = at; n < x.size(); ++n) {
      x[n] += n < at + 4000 ? 0.3F : 0.0F;  // up at `at`, down 4000 later
    }
  }
  CHECK(signal_health(x, 22050).clicks == 6);
  std::vector<float> spike = smooth;
  spike[20000] += 0.25F;
  CHECK(signal_health(spike, 22050).clicks == 1);
}

TEST_CASE("noise, also beside silence, has no clicks") {
  std::vector<float> x(22050, 0.0F);
  const std::vector<float> burst = test_noise(11025, 4, 0.5F);
  std::copy(burst.begin(), burst.end(), x.begin() + 5000);
  CHECK(signal_health(x, 22050).clicks == 0);
}

TEST_CASE("a recording of speech has few clicks, a dropped block in it two more") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data");
    return;
  }
  MonoSound sound = read_mono((*data / "speech" / "LJ050-0030_raw.wav").string());
  const std::int64_t before = signal_health(sound.samples, sound.rate_hz).clicks;
  CHECK(before <= 3);  // two seconds; plosives count
  // The loudest place, so that there is something to drop.
  const auto loudest = std::max_element(sound.samples.begin() + 2000, sound.samples.end() - 2000);
  std::fill(loudest, loudest + 512, 0.0F);
  CHECK(signal_health(sound.samples, sound.rate_hz).clicks > before);
}

TEST_CASE("NaN and infinities are counted, everything else is taken over the rest") {
  std::vector<float> x = test_sine(2205, 100.0, 22050, 0.5);
  const SignalHealth clean = signal_health(x, 22050);
  x.insert(x.begin() + 100, std::numeric_limits<float>::quiet_NaN());
  x.push_back(std::numeric_limits<float>::infinity());
  x.push_back(-std::numeric_limits<float>::infinity());
  const SignalHealth health = signal_health(x, 22050);
  CHECK(health.nan_samples == 1);
  CHECK(health.infinite_samples == 2);
  CHECK_FALSE(health.finite());
  CHECK(health.samples == 2208);
  CHECK(*health.rms_dbfs.value == *clean.rms_dbfs.value);
}

TEST_CASE("silence, one sample, nothing and only NaN are safe") {
  const SignalHealth silence = signal_health(std::vector<float>(1000, 0.0F), 22050);
  CHECK(*silence.dc.value == 0.0);
  CHECK(silence.peak_dbfs.reason == "silent");
  CHECK(silence.clipped_runs == 0);
  CHECK(silence.clicks == 0);
  const SignalHealth one = signal_health(std::vector<float>{-0.5F}, 22050);
  CHECK(*one.peak_dbfs.value == Approx(20.0 * std::log10(0.5)));
  const SignalHealth none = signal_health({}, 22050);
  CHECK(none.dc.reason == "no samples");
  CHECK(none.zero_crossing_rate.reason == "no samples");
  const SignalHealth bad =
      signal_health(std::vector<float>{std::numeric_limits<float>::quiet_NaN()}, 22050);
  CHECK(bad.rms_dbfs.reason == "no finite samples");
  message_of(ErrorCode::usage, [] { (void)signal_health({}, 0); });
}
