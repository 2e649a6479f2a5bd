// Samples that are no finite numbers: found wherever they stand, never heard, counted, and told whose
// they were.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "engine/finite.h"
#include "engine/stream/sound_guard.h"
#include "engine/stream/stream.h"
#include "tests/support/stream_rig.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 48000;
constexpr int kBlock = 64;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kMost = std::numeric_limits<float>::max();

// To the end of the source, in blocks of the device.
std::vector<float> heard(Stream& stream, int device_frames) {
  stream.start();
  std::vector<float> all;
  std::vector<float> block(2 * static_cast<std::size_t>(device_frames));
  for (int turns = 0; !stream.finished() && turns < 20'000; ++turns) {
    if (!stream.can_pull(device_frames)) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      continue;
    }
    stream.pull({block.data(), device_frames, 2}, 0);
    all.insert(all.end(), block.begin(), block.end());
  }
  CHECK(stream.finished());
  stream.stop();
  return all;
}

StreamOptions small_stream() {
  StreamOptions options;
  options.sample_rate_hz = kRateHz;
  options.block_frames = kBlock;
  options.ahead_frames = 512;
  return options;
}

CountingSourceOptions breaking(float bad, std::int64_t from, std::int64_t to) {
  CountingSourceOptions source;
  source.total_frames = 6000;
  source.first = 30'000;
  source.bad = bad;
  source.bad_from = from;
  source.bad_to = to;
  source.voice_name = "reed";
  return source;
}

int wrong_frames(const std::vector<float>& out, int from, int to) {
  int wrong = 0;
  for (int t = from; t < to; ++t) {
    const auto at = 2 * static_cast<std::size_t>(t);
    const float expected = counted_value(30'000 + t);
    wrong += static_cast<int>(out[at] != expected || out[at + 1] != -expected);
  }
  return wrong;
}

float greatest_step(const std::vector<float>& out) {
  float step = 0.0F;
  for (std::size_t i = 2; i < out.size(); ++i) {
    step = std::max(step, std::abs(out[i] - out[i - 2]));
  }
  return step;
}

}  // namespace

TEST_CASE("a NaN or an infinity is found at every place of every length, and no finite number is") {
  for (std::size_t length = 1; length <= 70; ++length) {
    std::vector<float> x(length, kMost);
    x[length / 2] = -kMost;
    x[length / 3] = std::numeric_limits<float>::denorm_min();
    CHECK(all_finite(x));
    for (std::size_t at = 0; at < length; ++at) {
      for (const float bad : {kNaN, -kNaN, kInf, -kInf}) {
        const float good = x[at];
        x[at] = bad;
        CHECK_FALSE(all_finite(x));
        x[at] = good;
      }
    }
  }
}

TEST_CASE(
    "frames are counted up to the first bad one, and what stands between frames is not read") {
  std::vector<float> x(3 * 20, 0.5F);
  for (std::size_t t = 0; t < 20; ++t) {
    x[3 * t + 2] = kNaN;
  }
  const Frames narrow(x.data(), 20, 2, 3);
  CHECK(finite_frames(narrow) == 20);
  x[3 * 7 + 1] = kInf;
  CHECK(finite_frames(narrow) == 7);
  CHECK(finite_frames(narrow.subview(8, 12)) == 12);
  CHECK(finite_frames(narrow.subview(0, 0)) == 0);
}

TEST_CASE("good blocks pass the guard bit for bit; a break decays and what follows fades in") {
  SoundGuard guard(kRateHz);
  std::vector<float> block(2 * kBlock, 0.25F);
  const std::vector<float> good = block;
  CHECK(guard.pass({block.data(), kBlock, 2}) == 0);
  CHECK(block == good);
  std::vector<float> all = block;
  for (int b = 0; b < 12; ++b) {
    block = good;
    if (b < 5) {
      block[static_cast<std::size_t>(2 * (b == 3 ? 1 : 10 * (b % 2)))] = kNaN;  // at 0, 10 and 1
    }
    CHECK(guard.pass({block.data(), 0, 2}) == 0);  // a stream whose ring is full: nothing changes
    CHECK(guard.pass({block.data(), kBlock, 2}) == (b == 3 ? 63 : b >= 5 ? 0 : 64 - 10 * (b % 2)));
    all.insert(all.end(), block.begin(), block.end());
  }
  CHECK(all_finite(all));
  // 60 dB in 144 frames is 4.7 % a frame; the fade in is linear over as many.
  CHECK(greatest_step(all) < 0.25F * 0.05F);
  CHECK(block == good);  // the fade is over
}

// The last finite samples of what diverges are near the greatest float.
TEST_CASE("a source that grows beyond all bounds is silent soon after it breaks") {
  SoundGuard guard(kRateHz);
  std::vector<float> block(2 * kBlock, kMost);
  guard.pass({block.data(), kBlock, 2});
  for (int b = 0; b < 6; ++b) {
    block.assign(2 * kBlock, kInf);
    guard.pass({block.data(), kBlock, 2});
  }
  // +12 dBFS down to -120 dBFS at 60 dB in 144 frames takes 317.
  CHECK(*std::max_element(block.begin(), block.end()) == 0.0F);
}

TEST_CASE(
    "what a device gets is finite everywhere, whatever a source makes and wherever it begins") {
  for (const float bad : {kNaN, kInf, -kInf}) {
    for (const int from : {0, 1, 63, 64, 1000, 5999}) {
      CAPTURE(bad, from);
      Stream stream(small_stream());
      stream.play(counting(breaking(bad, from, 6000)));
      const std::vector<float> out = heard(stream, 100);
      CHECK(all_finite(out));
      CHECK(wrong_frames(out, 0, from) == 0);
      CHECK(greatest_step({out.begin(), out.begin() + 2 * 5999}) < 0.3F * 0.05F);
      const StreamTelemetry telemetry = stream.telemetry();
      CHECK(telemetry.broken);
      CHECK(telemetry.silenced_frames == 6000 - from);
      CHECK(telemetry.played_frames == 6000);
      CHECK(telemetry.underruns == 0);
    }
  }
}

TEST_CASE("a single bad sample costs its block's rest; the sound comes back, exact after 3 ms") {
  Stream stream(small_stream());
  stream.play(counting(breaking(kNaN, 1000, 1001)));
  const std::vector<float> out = heard(stream, 100);
  CHECK(all_finite(out));
  CHECK(stream.telemetry().silenced_frames == 1024 - 1000);
  CHECK(wrong_frames(out, 0, 1000) == 0);
  // From the next block on: 144 frames of fade, 317 of what decays under it.
  CHECK(wrong_frames(out, 1024, 1024 + 144) == 144);
  CHECK(wrong_frames(out, 1024 + 400, 6000) == 0);
  CHECK(greatest_step({out.begin(), out.begin() + 2 * 6000}) < 0.3F * 0.05F);
}

TEST_CASE("the stream knows whose samples they were, where, and what the machine said") {
  Stream stream(small_stream());
  CountingSourceOptions good;
  good.total_frames = 4800;
  CountingSourceOptions bad = breaking(kNaN, 2400, 6000);
  bad.failure = "out of luck";
  StreamSwitch after;
  after.when = StreamSwitch::When::at_end;
  stream.play(counting(good));
  stream.play(counting(bad), after);
  CountingSourceOptions last = breaking(kInf, 0, 1);  // breaks too, but later
  last.voice_name = "another";
  stream.play(counting(last), after);
  CHECK_FALSE(stream.telemetry().broken);
  heard(stream, 100);
  stream.telemetry();  // frees what is done with, but for the one that broke
  const std::optional<BrokenVoice> broken = stream.broken_voice();
  REQUIRE(broken);
  CHECK(broken->name == "reed");
  CHECK(broken->failure == "out of luck");
  CHECK(broken->position_s == Approx(0.05));
  CHECK(broken->stream_s == Approx(0.15));
}

TEST_CASE("a broken source that rings out under a good one is the one that is named") {
  for (const bool sum : {false, true}) {
    CAPTURE(sum);
    Stream stream(small_stream());
    CountingSourceOptions first = breaking(sum ? kMost : kNaN, 1200, 6000);
    first.ring_out_frames = 500;
    CountingSourceOptions second = breaking(kMost, 0, sum ? 6000 : 0);
    second.voice_name = "flute";
    StreamSwitch at;
    at.when = StreamSwitch::When::at_frame;
    at.frame = 1100;
    stream.play(counting(first));
    stream.play(counting(second), at);
    CHECK(all_finite(heard(stream, 100)));
    const std::optional<BrokenVoice> broken = stream.broken_voice();
    REQUIRE(broken);
    // Two numbers that are finite, and whose sum is not: the one that came last is too much.
    CHECK(broken->name == (sum ? "flute" : "reed"));
    CHECK(broken->stream_s * kRateHz == Approx(1200));
  }
}

TEST_CASE(
    "a seek away from a break that is rendered ahead, to a good source, is heard as any seek") {
  Stream stream(small_stream());
  stream.play(counting(breaking(kNaN, 300, 6000)));
  stream.start();
  std::vector<float> block(2 * 100);
  stream.pull({block.data(), 100, 2}, 0);
  const StreamTelemetry telemetry = stream.telemetry();
  CHECK(telemetry.silenced_frames > 0);
  CHECK_FALSE(telemetry.broken);
  CountingSourceOptions good;
  good.first = 30'000;
  good.total_frames = 6000;
  StreamSwitch seek;
  seek.flush = true;
  const std::int64_t number = stream.play(counting(good), seek);
  for (int tries = 0; tries < 5000 && stream.telemetry().begun.number < number; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::vector<float> all = block;
  for (int turns = 0; turns < 10; ++turns) {
    while (!stream.can_pull(100)) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    stream.pull({block.data(), 100, 2}, 0);
    all.insert(all.end(), block.begin(), block.end());
  }
  CHECK(all_finite(all));
  CHECK(greatest_step(all) < 0.3F * 0.05F);
  CHECK(stream.telemetry().broken);  // the voice is, all the same
}
