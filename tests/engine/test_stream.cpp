#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "engine/error.h"
#include "engine/stream/clocked_sink.h"
#include "engine/stream/stream.h"
#include "tests/support/stream_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 48000;

StreamOptions small_stream() {
  StreamOptions options;
  options.sample_rate_hz = kRateHz;
  options.block_frames = 64;
  options.ahead_frames = 512;
  return options;
}

// Pulls blocks by hand, as a device would; waits where the render thread is behind.
struct HandDevice {
  explicit HandDevice(Stream& s) : stream(s) {}

  std::vector<float> pull(int frames, bool wait = true) {
    for (int tries = 0; wait && !stream.can_pull(frames) && tries < 5000; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::vector<float> out(2 * static_cast<std::size_t>(frames), 9.0F);
    now_ns += 1'000'000'000LL * frames / kRateHz;
    stream.pull({out.data(), frames, 2}, now_ns);
    return out;
  }
  // More than the ring holds.
  std::vector<float> pull_many(int frames) {
    std::vector<float> all;
    for (int done = 0; done < frames; done += 100) {
      const std::vector<float> out = pull(std::min(100, frames - done));
      all.insert(all.end(), out.begin(), out.end());
    }
    return all;
  }
  Stream& stream;
  std::int64_t now_ns = 0;
};

int wrong_frames(const std::vector<float>& out, std::int64_t first) {
  int wrong = 0;
  for (std::size_t t = 0; t < out.size() / 2; ++t) {
    const float expected = counted_value(first + static_cast<std::int64_t>(t));
    wrong += static_cast<int>(out[2 * t] != expected || out[2 * t + 1] != -expected);
  }
  return wrong;
}

// The greatest step between neighbouring samples of the left channel.
float greatest_step(const std::vector<float>& out) {
  float step = 0.0F;
  for (std::size_t t = 1; t < out.size() / 2; ++t) {
    step = std::max(step, std::abs(out[2 * t] - out[2 * t - 2]));
  }
  return step;
}

}  // namespace

TEST_CASE("an undisturbed stream is the source, bit for bit, to its last frame") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 10'007;  // no multiple of any block
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  std::int64_t position = 0;
  for (int block = 0; !stream.finished(); ++block) {
    const int frames = 1 + block * 37 % 300;
    std::vector<float> out = device.pull(frames);
    const auto made = static_cast<std::size_t>(std::min<std::int64_t>(frames, 10'007 - position));
    out.resize(2 * made);
    REQUIRE(wrong_frames(out, position) == 0);
    position += static_cast<std::int64_t>(made);
  }
  const StreamTelemetry telemetry = stream.telemetry();
  CHECK(position == 10'007);
  CHECK(telemetry.played_frames == 10'007);
  CHECK(telemetry.underruns == 0);
  CHECK(telemetry.finished);
}

TEST_CASE("the ring is full before a device may begin, and sources that do not fit are refused") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 100'000;
  stream.play(counting(source));
  stream.start();
  CHECK(stream.telemetry().ahead_frames >= 512);
  source.rate_hz = 44100;
  message_of(ErrorCode::usage, [&] { stream.play(counting(source)); });
  source.rate_hz = kRateHz;
  source.channels = 1;
  message_of(ErrorCode::usage, [&] { stream.play(counting(source)); });
  StreamOptions none = small_stream();
  none.block_frames = 0;
  message_of(ErrorCode::usage, [&] { Stream refused(none); });
}

TEST_CASE("an underrun fades, counts once, and playing resumes where it stopped") {
  std::atomic<bool> stalled{false};
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 50'000;
  source.before = [&](std::int64_t frame) {
    while (frame >= 2048 && stalled.load()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  stalled = true;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  std::int64_t position = 0;
  while (position < 2048) {
    CHECK(wrong_frames(device.pull(128), position) == 0);
    position += 128;
  }
  // The ring is empty now.
  std::vector<float> silence = device.pull(400, false);
  CHECK(stream.telemetry().underruns == 1);
  CHECK(greatest_step(silence) < 0.002F);  // 60 dB in 144 frames: at most 4.7 % of 0.016 a step
  CHECK(silence[2 * 399] == 0.0F);
  for (int i = 0; i < 5; ++i) {
    CHECK(device.pull(128, false) == std::vector<float>(256, 0.0F));
  }
  const StreamTelemetry starved = stream.telemetry();
  CHECK(starved.underruns == 1);
  CHECK(starved.missing_frames == 400 + 5 * 128);
  CHECK(starved.played_frames == 2048);
  stalled = false;
  const std::vector<float> resumed = device.pull(128);
  CHECK(std::abs(resumed[0]) < 0.001F);  // fades in
  CHECK(resumed[0] == -resumed[1]);      // left is left
  device.pull(256);
  position = 2048 + 128 + 256;
  CHECK(wrong_frames(device.pull(256), position) == 0);  // the fade is over: exact again
}

TEST_CASE("a clock whose next tick is far away ends at once") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 50'000;
  stream.play(counting(source));
  stream.start();
  ClockedSinkOptions clock;
  clock.speed = 1.0e-4;  // a block of 256 frames takes 53 s
  ClockedSink sink(stream, clock);
  sink.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto begin = std::chrono::steady_clock::now();
  sink.stop();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

// A sound server whose period grows, while a client plays, asks for the new one in pieces of the old.
TEST_CASE("a device that comes to take more at once gets it once the lead is longer, and back") {
  StreamOptions options = small_stream();
  options.most_ahead_frames = 8192;
  Stream stream(options);
  CountingSourceOptions source;
  source.total_frames = 1'000'000;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  const auto wait_for_lead = [&] {
    for (int tries = 0; tries < 5000 && stream.telemetry().ahead_frames < stream.ahead_frames();
         ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  std::int64_t position = 0;
  const auto take_turns = [&](int frames) {
    for (int turn = 0; turn < 5; ++turn) {
      wait_for_lead();
      CHECK(wrong_frames(device.pull(frames, false), position) == 0);
      position += frames;
    }
  };
  take_turns(256);
  stream.set_ahead(4096 + 64);
  CHECK(stream.ahead_frames() == 4096 + 64);
  take_turns(4096);
  stream.set_ahead(512);
  take_turns(256);  // of what was rendered ahead there is the rest
  while (stream.telemetry().ahead_frames >= 512) {
    device.pull(64, false);
  }
  wait_for_lead();
  CHECK(stream.telemetry().ahead_frames < 512 + 64);
  CHECK(stream.telemetry().underruns == 0);
  // No more than there is room for, no less than a block.
  stream.set_ahead(1'000'000);
  CHECK(stream.ahead_frames() == 8192);
  stream.set_ahead(1);
  CHECK(stream.ahead_frames() == 64);
}

TEST_CASE("a pause is no underrun; nothing is lost by it") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 50'000;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  CHECK(wrong_frames(device.pull(256), 0) == 0);
  stream.pause(true);
  const std::vector<float> fading = device.pull(256);
  CHECK(greatest_step(fading) < 0.0005F);
  CHECK(device.pull(256) == std::vector<float>(512, 0.0F));
  stream.pause(false);
  device.pull(256);  // fades in
  CHECK(wrong_frames(device.pull(256), 512) == 0);
  CHECK(stream.telemetry().underruns == 0);
}

// The ring is full then and stays so: what is asked for must not wait for room in it.
TEST_CASE("a pause performs every seek that is asked for in it, and goes on from the last one") {
  Stream stream(small_stream());
  std::atomic<int> alive = 0;
  CountingSourceOptions source;
  source.total_frames = 10'000;
  source.alive = &alive;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  device.pull(256);
  stream.pause(true);
  device.pull(256);  // fades out
  StreamSwitch seek;
  seek.flush = true;
  const auto settle = [&](std::int64_t number) {
    for (int tries = 0; tries < 5000 && stream.telemetry().begun.number < number; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  for (int i = 0; i < 3 * kMaxWaitingSwitches; ++i) {
    source.first = 100 * i;
    const std::int64_t number = stream.play(counting(source), seek);
    if (i % 16 == 0) {
      settle(number);
    }
    device.pull(64, false);
  }
  settle(1 + 3 * kMaxWaitingSwitches);
  CHECK(device.pull(64, false) == std::vector<float>(128, 0.0F));
  const StreamTelemetry paused = stream.telemetry();
  CHECK(paused.heard_number == 1 + 3 * kMaxWaitingSwitches);
  CHECK(paused.position_s == 0.0);
  CHECK(alive == 1);
  CHECK_FALSE(stream.crowded());
  stream.pause(false);
  device.pull(256);  // fades in
  CHECK(wrong_frames(device.pull(256), source.first + 256) == 0);
  CHECK(stream.telemetry().underruns == 0);
}

TEST_CASE("a stream is crowded before it takes no more sources") {
  Stream stream(small_stream());  // its render thread does not run: nothing is taken
  CountingSourceOptions source;
  int taken = 0;
  for (; !stream.crowded() && taken < kMaxWaitingSwitches; ++taken) {
    stream.play(counting(source));
  }
  CHECK(taken == kMaxWaitingSwitches / 2 + 1);
}

TEST_CASE("a flushing switch is heard at once, without a jump") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 90'000;
  source.first = 40'000;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  std::vector<float> heard = device.pull(256);
  source.first = 0;
  StreamSwitch seek;
  seek.flush = true;
  stream.play(counting(source), seek);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the render thread takes it
  const std::vector<float> after = device.pull(512);
  heard.insert(heard.end(), after.begin(), after.end());
  CHECK(greatest_step(heard) < 0.3F * 0.05F);  // from 0.3 to 0 in steps of at most 4.7 %
  CHECK(wrong_frames(device.pull(512), 512) == 0);
  CHECK(stream.telemetry().underruns == 0);
}

TEST_CASE("a switch at a frame is exact, and the old source rings out under the new one") {
  for (const int block : {1, 16, 64, 100}) {
    StreamOptions options = small_stream();
    options.block_frames = block;
    Stream stream(options);
    std::atomic<int> alive{0};
    CountingSourceOptions first;
    first.total_frames = 5000;
    first.ring_out_frames = 500;
    first.alive = &alive;
    CountingSourceOptions second = first;
    second.first = 50'000;
    second.total_frames = 2000;
    stream.play(counting(first));
    StreamSwitch at;
    at.when = StreamSwitch::When::at_frame;
    at.frame = 1234;
    stream.play(counting(second), at);
    stream.start();
    HandDevice device(stream);
    std::vector<float> all;
    while (!stream.finished()) {
      const std::vector<float> out = device.pull(100);
      all.insert(all.end(), out.begin(), out.end());
    }
    const auto left = [&](std::int64_t t) { return all[2 * static_cast<std::size_t>(t)]; };
    CHECK(left(1233) == counted_value(1233));
    CHECK(left(1234) == counted_value(1234) + counted_value(50'000));
    CHECK(left(1733) == counted_value(1733) + counted_value(50'499));
    CHECK(left(1734) == counted_value(50'500));
    CHECK(left(1234 + 1999) == counted_value(51'999));
    CHECK(stream.telemetry().played_frames == 1234 + 2000);
    CHECK(alive == 0);  // both were freed, by telemetry()
  }
}

TEST_CASE("sources that wait for the end follow each other without a gap") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 1001;
  StreamSwitch next;
  next.when = StreamSwitch::When::at_end;
  for (int i = 0; i < 5; ++i) {
    source.first = i * 1001;
    stream.play(counting(source), next);
  }
  stream.start();
  HandDevice device(stream);
  for (std::int64_t position = 0; position < 5 * 1001; position += 91) {
    CHECK(wrong_frames(device.pull(91), position) == 0);  // 5005 is 55 times 91
  }
  device.pull(1);
  CHECK(stream.finished());
}

TEST_CASE("a load over 90 % costs lanes, and telemetry says so") {
  StreamOptions options = small_stream();
  Stream stream(options);
  CountingSourceOptions source;
  source.total_frames = 48'000;
  source.before = [&](std::int64_t) {  // 64 frames are 1.33 ms
    std::this_thread::sleep_for(std::chrono::microseconds(1500));
  };
  stream.play(counting(source));
  stream.start();
  ClockedSinkOptions clock;
  clock.block_frames = 128;
  ClockedSink sink(stream, clock);
  sink.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  const StreamTelemetry telemetry = stream.telemetry();
  CHECK(telemetry.load > 0.9);
  CHECK(telemetry.lane_limit > 0);
  CHECK(telemetry.lane_limit < 16);
}

// A lane costs 0.12 of the time while the machine is busy with other things, 0.03 afterwards.
TEST_CASE("lanes that were given up come back when the load is low again, and telemetry says so") {
  class Lanes : public StreamSource {
   public:
    explicit Lanes(const std::atomic<bool>& busy) : busy_(busy) {}
    int sample_rate_hz() const noexcept override { return 48000; }
    int channels() const noexcept override { return 2; }
    int render(Frames out, std::int64_t) noexcept override {
      const double s = (busy_ ? 0.12 : 0.03) * lanes_ * out.frames() / 48000.0;
      std::this_thread::sleep_for(std::chrono::duration<double>(std::max(s - 60.0e-6, 0.0)));
      std::fill_n(out.data(), 2 * out.frames(), 0.5F);
      return out.frames();
    }
    void retire() noexcept override {}
    void limit_lanes(int lanes) noexcept override { lanes_ = lanes; }
    SourceState state() const noexcept override {
      SourceState state;
      state.lanes_now = state.lanes_limit = lanes_;
      state.lanes_most = 12;
      return state;
    }

   private:
    const std::atomic<bool>& busy_;
    int lanes_ = 12;
  };
  std::atomic<bool> busy{true};
  StreamOptions options = small_stream();
  options.block_frames = 512;
  options.ahead_frames = 2048;
  options.ends = false;
  Stream stream(options);
  stream.play(std::make_unique<Lanes>(busy));
  stream.start();
  ClockedSink sink(stream, {});
  sink.start();
  const auto waits_for = [&](const auto& condition, double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition(stream.telemetry()) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return condition(stream.telemetry());
  };
  REQUIRE(waits_for([](const StreamTelemetry& t) { return t.lane_limit > 0; }, 5.0));
  busy = false;
  // From six lanes 4 s later nine, then all twelve; more where a busy machine broke the calm.
  REQUIRE(waits_for([](const StreamTelemetry& t) { return t.source.lanes_limit == 12; }, 120.0));
  CHECK(stream.telemetry().lane_limit == 0);
}

TEST_CASE("injected stalls: one underrun each, channels in place, nothing lost") {
  // The ring lasts 10.7 ms; a stall lasts 25 to 60 ms.
  constexpr int kStalls = 25;
  constexpr std::int64_t kEvery = 6400;  // frames, 133 ms: the ring is full again by then
  std::mt19937 random(7);
  std::uniform_int_distribution<int> length_ms(25, 60);
  int injected = 0;
  // A machine that is busy with other things stalls the render thread by itself: seen from it, as a
  // pause of half the ring or more that nobody asked for.
  int natural = 0;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  StreamOptions options = small_stream();
  Stream stream(options);
  CountingSourceOptions source;
  source.total_frames = kEvery * (kStalls + 1);
  source.before = [&](std::int64_t frame) {
    natural +=
        static_cast<int>(std::chrono::steady_clock::now() - last > std::chrono::milliseconds(5));
    if (frame > 0 && frame % kEvery == 0 && injected < kStalls) {
      ++injected;
      std::this_thread::sleep_for(std::chrono::milliseconds(length_ms(random)));
    }
    last = std::chrono::steady_clock::now();
  };
  stream.play(counting(source));
  stream.start();
  ClockedSinkOptions clock;
  clock.block_frames = 128;
  clock.keep_frames = 400'000;
  ClockedSink sink(stream, clock);
  sink.start();
  sink.wait();
  sink.stop();
  const StreamTelemetry telemetry = stream.telemetry();
  CHECK(injected == kStalls);
  CHECK(telemetry.underruns >= kStalls);
  CHECK(telemetry.underruns <= kStalls + natural);
  CHECK(telemetry.played_frames == source.total_frames);
  // Every frame that is not faded is a frame of the source, left is left, and they ascend.
  const ConstFrames heard = sink.kept(0, static_cast<int>(sink.kept_frames()));
  int swapped = 0;
  for (int t = 0; t < heard.frames(); ++t) {
    swapped += static_cast<int>(heard[t][0] != -heard[t][1]);
  }
  CHECK(swapped == 0);
}

TEST_CASE("what follows the end of the last source is not faded, and the end does not decay") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 1000;
  stream.play(counting(source));
  stream.start();
  HandDevice device(stream);
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> out = device.pull_many(1100);
    CHECK(wrong_frames({out.begin(), out.begin() + 2000}, 1000 * i) == 0);
    CHECK(std::all_of(out.begin() + 2000, out.end(), [](float x) { return x == 0.0F; }));
    CHECK(stream.finished());
    source.first += 1000;
    stream.play(counting(source));
    CHECK_FALSE(stream.finished());
    while (stream.telemetry().ahead_frames < 512) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  CHECK(stream.telemetry().underruns == 0);
}

TEST_CASE("the position is that of what is heard, also where the next source is rendered already") {
  Stream stream(small_stream());
  CountingSourceOptions source;
  source.total_frames = 4000;
  stream.play(counting(source));
  StreamSwitch at;
  at.when = StreamSwitch::When::at_frame;
  at.frame = 300;
  stream.play(counting(source), at);
  stream.start();
  HandDevice device(stream);
  const auto heard_frame = [&] { return std::llround(stream.telemetry().position_s * kRateHz); };
  CHECK(heard_frame() == 0);
  CHECK(stream.telemetry().begun.number == 2);  // 512 frames are rendered
  CHECK(stream.telemetry().begun.stream_frame == 300);
  device.pull(299);
  CHECK(heard_frame() == 299);
  CHECK(stream.telemetry().heard_number == 1);
  device.pull(101);
  CHECK(heard_frame() == 100);
  CHECK(stream.telemetry().heard_number == 2);
  while (!stream.finished()) {
    device.pull(100);
  }
  CHECK(heard_frame() == 4000);
}

TEST_CASE("a switch instead of others drops what waits, and so does a cancel") {
  for (const bool cancels : {false, true}) {
    std::atomic<int> alive{0};
    Stream stream(small_stream());
    CountingSourceOptions source;
    source.total_frames = 2000;
    source.alive = &alive;
    stream.play(counting(source));
    StreamSwitch at;
    at.when = StreamSwitch::When::at_frame;
    at.frame = 1500;
    source.first = 10'000;
    stream.play(counting(source), at);
    at.frame = 1200;
    at.instead = true;
    source.first = 20'000;
    stream.play(counting(source), at);
    if (cancels) {
      stream.cancel();
    }
    stream.start();
    HandDevice device(stream);
    CHECK(wrong_frames(device.pull_many(1200), 0) == 0);
    CHECK(wrong_frames(device.pull_many(800), cancels ? 1200 : 20'000) == 0);
    while (!stream.finished()) {
      device.pull(100);
    }
    CHECK(stream.telemetry().played_frames == (cancels ? 2000 : 3200));
    CHECK(alive == 0);
  }
}
