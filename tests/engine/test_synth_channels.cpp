#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

double rms(const std::vector<float>& samples, int side, int from, int to) {
  double sum = 0.0;
  for (int t = from; t < to; ++t) {
    const double x = samples[static_cast<std::size_t>(2 * t + side)];
    sum += x * x;
  }
  return std::sqrt(sum / (to - from));
}

// Upward zero crossings with linear interpolation: frequency of a sine.
double frequency_hz(const std::vector<float>& samples, int from, int to) {
  double first = -1.0;
  double last = -1.0;
  int crossings = -1;
  for (int t = from; t + 1 < to; ++t) {
    const double a = samples[static_cast<std::size_t>(2 * t)];
    const double b = samples[static_cast<std::size_t>(2 * t + 2)];
    if (a < 0.0 && b >= 0.0) {
      last = t + a / (a - b);
      first = crossings < 0 ? last : first;
      ++crossings;
    }
  }
  return crossings * 24000.0 / (last - first);
}

SynthOptions noiseless() {
  SynthOptions options;
  options.temperature = 0.0F;  // silences the fake runner's noise
  return options;
}

}  // namespace

TEST_CASE("pan keeps the power and reaches silence at its ends") {
  double centre_power = 0.0;
  for (const float pan : {0.0F, -1.0F, -0.5F, 0.5F, 1.0F}) {
    SynthRig rig(16, 256, true, noiseless());
    const std::vector<float> out =
        rig.render({control(0, ControlKind::pan, pan), note_on(0, 69)}, 6000);
    const double left = rms(out, 0, 3000, 6000);
    const double right = rms(out, 1, 3000, 6000);
    const double power = left * left + right * right;
    centre_power = pan == 0.0F ? power : centre_power;
    CHECK(power == Approx(centre_power).epsilon(1e-5));  // cosine and sine to 2e-7
    if (pan == 0.0F) {
      CHECK(left == Approx(right).epsilon(1e-6));
    }
    if (pan == -1.0F) {
      CHECK(right < 1e-7);
    }
    if (pan == 1.0F) {
      CHECK(left < 1e-7);
    }
    if (pan == 0.5F) {
      CHECK(right > left);
    }
  }
}

TEST_CASE("volume and expression are squared: half of either is -12 dB") {
  const auto level = [](float volume, float expression) {
    SynthRig rig(16, 256, true, noiseless());
    return rms(rig.render({control(0, ControlKind::volume, volume),
                           control(0, ControlKind::expression, expression), note_on(0, 69)},
                          6000),
               0, 3000, 6000);
  };
  const double full = level(1.0F, 1.0F);
  CHECK(level(0.5F, 1.0F) / full == Approx(0.25).epsilon(1e-5));
  CHECK(level(1.0F, 0.5F) / full == Approx(0.25).epsilon(1e-5));
  CHECK(level(0.5F, 0.5F) / full == Approx(0.0625).epsilon(1e-5));
  CHECK(level(1.0F, 0.0F) == 0.0);
}

TEST_CASE("a controller moves the gain within 5 ms and without a jump") {
  SynthRig rig(16, 256, true, noiseless());
  const std::vector<float> out = rig.render({control(0, ControlKind::volume, 1.0F), note_on(0, 33),
                                             control(3000, ControlKind::volume, 0.0F)},
                                            4000);
  CHECK(rms(out, 0, 3121, 4000) == 0.0);
  float worst_step = 0.0F;
  for (std::size_t t = 2 * 2990; t < 2 * 3130; t += 2) {
    worst_step = std::max(worst_step, std::abs(out[t + 2] - out[t]));
  }
  // 55 Hz at amplitude 0.354 steps by 0.0051 a sample, the glide adds 0.354 / 120.
  CHECK(worst_step < 0.009F);
}

TEST_CASE("bend reaches the pitch, to the cent") {
  SynthRig rig(16, 256, true, noiseless());
  const std::vector<float> out =
      rig.render({note_on(0, 69), control(6000, ControlKind::bend, 2.0F)}, 18000);
  CHECK(1200.0 * std::log2(frequency_hz(out, 1000, 6000) / 440.0) == Approx(0.0).margin(1.0));
  CHECK(1200.0 * std::log2(frequency_hz(out, 7000, 18000) / 440.0) == Approx(200.0).margin(1.0));
}

TEST_CASE("modulation is a vibrato of 5.5 Hz and 50 cents around the note") {
  SynthRig rig(16, 256, true, noiseless());
  const std::vector<float> out =
      rig.render({control(0, ControlKind::modulation, 1.0F), note_on(0, 81)}, 24000);
  double lowest = 1e9;
  double highest = 0.0;
  int turns = 0;
  double before = 0.0;
  for (int t = 0; t + 300 < 24000; t += 100) {  // 300 samples: 11 periods, 7 % of a vibrato turn
    const double cents = 1200.0 * std::log2(frequency_hz(out, t, t + 300) / 880.0);
    lowest = std::min(lowest, cents);
    highest = std::max(highest, cents);
    turns += before < 0.0 && cents >= 0.0 ? 1 : 0;
    before = cents;
  }
  CHECK(highest == Approx(50.0).margin(2.0));  // averaging over 300 samples takes off less than 1 %
  CHECK(lowest == Approx(-50.0).margin(2.0));
  CHECK(turns == 5);  // 5.5 turns in a second, the first upward one is the start itself
}

TEST_CASE("when lanes run out the quietest released note goes first, counted and without a click") {
  SynthRig rig(3, 256, true, noiseless());
  LaneRecorder tap;
  rig.synth.set_tap(&tap);
  const std::vector<float> out = rig.render(
      {note_on(0, 40), note_on(0, 45), note_on(0, 50), note_off(3000, 45), note_on(3300, 57)},
      6000);
  CHECK(rig.synth.stats().stolen_notes == 1);
  CHECK(rig.synth.stats().lanes_max == 3);
  CHECK(tap.notes[lane_identity(0, 45, 0)].size() == 3300);
  CHECK(tap.notes[lane_identity(0, 40, 0)].size() == 6000);
  CHECK(tap.notes[lane_identity(0, 57, 0)].size() == 2700);
  CHECK_FALSE(rig.runner.contract_broken);
  float before = 0.0F;
  float at_steal = 0.0F;
  for (std::size_t t = 2 * 1000; t < 2 * 5000; t += 2) {
    float& worst = t >= 2 * 3280 && t < 2 * 3400 ? at_steal : before;
    worst = std::max(worst, std::abs(out[t + 2] - out[t]));
  }
  CHECK(at_steal < 1.5F * before);  // no step larger than the music's own
}

TEST_CASE("a chord larger than the lanes keeps the newest notes of equal rank") {
  SynthRig rig(2, 256, true, noiseless());
  rig.render({note_on(0, 40), note_on(3000, 60), note_on(3000, 64)}, 4000);
  CHECK(rig.synth.stats().stolen_notes == 1);
  LaneRecorder tap;
  rig.synth.set_tap(&tap);
  rig.synth.process({}, Buffer(16, 2).view());
  CHECK(tap.notes.contains(lane_identity(0, 60, 0)));
  CHECK(tap.notes.contains(lane_identity(0, 64, 0)));
}
