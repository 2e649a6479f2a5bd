// Streams that are kept from working, for long. The device is driven by hand, in lengths of frames
// instead of time, so that the counts do not hang on how busy the machine is.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/error.h"
#include "engine/stream/stream.h"
#include "tests/support/stream_rig.h"

using namespace ondes;
using namespace std::chrono_literals;

namespace {

// A sanitizer's own memory of what it has seen grows.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMostGrowthKib = std::numeric_limits<long>::max();
#else
constexpr long kMostGrowthKib = 1024;  // the allocator's own pages
#endif

// Resident memory of this process.
long resident_kib() {
  std::ifstream file("/proc/self/statm");
  long total = 0;
  long resident = 0;
  file >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

StreamOptions small_stream() {
  StreamOptions options;
  options.block_frames = 32;
  options.ahead_frames = 256;
  return options;
}

// Takes the stream's frames in random blocks and checks that they are the source's, in order.
class CheckingDevice {
 public:
  explicit CheckingDevice(Stream& stream) : stream_(stream) {}

  void pull(int frames) {
    const std::int64_t before = stream_.telemetry().played_frames;
    out_.assign(2 * static_cast<std::size_t>(frames), 9.0F);
    now_ns_ += 1'000'000'000LL * frames / 48000;
    stream_.pull({out_.data(), frames, 2}, now_ns_);
    const auto made = static_cast<int>(stream_.telemetry().played_frames - before);
    for (int t = 0; t < frames; ++t) {
      const float left = out_[2 * static_cast<std::size_t>(t)];
      const float right = out_[2 * static_cast<std::size_t>(t) + 1];
      swapped += static_cast<int>(left != -right || left < 0.0F);
      // A fade, in or out, changes a frame; nothing else may.
      changed += static_cast<int>(t < made && left != counted_value(before + t));
    }
    device_frames += frames;
  }
  // As a device that always finds what it needs.
  void pull_when_there(int frames) {
    while (!stream_.can_pull(frames)) {
      std::this_thread::sleep_for(100us);
    }
    pull(frames);
  }

  std::int64_t device_frames = 0;
  std::int64_t swapped = 0;
  std::int64_t changed = 0;

 private:
  Stream& stream_;
  std::vector<float> out_;
  std::int64_t now_ns_ = 0;
};

}  // namespace

TEST_CASE(
    "200 stalls of the source, of random length: the counters equal them, nothing is lost or "
    "swapped") {
  constexpr int kStalls = 200;
  std::mt19937 random(11);
  const auto any = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  std::atomic<bool> gate_open{true};
  std::atomic<bool> waits{false};
  CountingSourceOptions source;
  source.total_frames = std::numeric_limits<std::int64_t>::max();
  source.before = [&](std::int64_t) {
    while (!gate_open.load()) {
      waits.store(true);
      std::this_thread::sleep_for(50us);
    }
    waits.store(false);
  };
  Stream stream(small_stream());
  stream.play(counting(source));
  stream.start();
  CheckingDevice device(stream);
  device.pull_when_there(256);
  const long memory_before_kib = resident_kib();
  std::int64_t missing = 0;
  for (int stall = 0; stall < kStalls; ++stall) {
    for (int blocks = any(1, 20); blocks > 0; --blocks) {
      device.pull_when_there(any(1, 200));
    }
    if (stall % 2 == 1) {  // a device that does not ask for a while is no underrun
      std::this_thread::sleep_for(std::chrono::microseconds(any(100, 10'000)));
    }
    gate_open.store(false);
    while (!waits.load()) {
      if (stream.can_pull(32)) {
        device.pull(32);  // the ring was full: makes room, so that the source is asked
      }
      std::this_thread::sleep_for(50us);
    }
    const auto left = stream.telemetry().ahead_frames;
    const int longer = any(1, 3000);
    device.pull(left + longer);  // what is there, then silence: one underrun
    missing += longer;
    for (int blocks = any(0, 5); blocks > 0; --blocks) {
      const int frames = any(1, 500);
      device.pull(frames);
      missing += frames;
    }
    gate_open.store(true);
  }
  device.pull_when_there(64);
  const StreamTelemetry telemetry = stream.telemetry();
  CHECK(telemetry.underruns == kStalls);
  CHECK(telemetry.missing_frames == missing);
  CHECK(telemetry.played_frames == device.device_frames - missing);
  CHECK(device.swapped == 0);
  // A stall changes the 144 frames of a fade in; the tail before it sounds for 288 (to -120 dB) and
  // may still do so when playing resumes.
  CHECK(device.changed > 0);
  CHECK(device.changed <= 288 * kStalls);
  CHECK(resident_kib() - memory_before_kib < kMostGrowthKib);
}

TEST_CASE("a thousand switches of every kind: every source is freed, memory stays flat") {
  std::atomic<int> alive{0};
  std::mt19937 random(5);
  const auto any = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  StreamOptions options = small_stream();
  Stream stream(options);
  CountingSourceOptions source;
  source.alive = &alive;
  source.total_frames = 100'000;
  stream.play(counting(source));
  stream.start();
  CheckingDevice device(stream);
  long memory_before_kib = 0;
  int most_alive = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 200) {
      memory_before_kib = resident_kib();
    }
    source.total_frames = any(0, 3000);
    source.ring_out_frames = any(0, 1000);
    StreamSwitch how;
    how.when = static_cast<StreamSwitch::When>(any(0, 2));
    how.flush = any(0, 1) == 1;
    how.instead = any(0, 3) == 0;
    how.frame = stream.rendered_frames() + any(-100, 1000);
    try {
      stream.play(counting(source), how);
    } catch (const Error&) {  // too many wait: refused, and not kept
    }
    if (any(0, 9) == 0) {
      stream.cancel();
    }
    stream.pause(any(0, 19) == 0);
    device.pull(any(1, 300));
    most_alive = std::max(most_alive, alive.load());
    std::this_thread::sleep_for(std::chrono::microseconds(any(0, 300)));
  }
  stream.pause(false);
  source.total_frames = 10;
  StreamSwitch now;
  now.flush = true;
  stream.play(counting(source), now);
  for (int i = 0; !stream.finished() && i < 5000; ++i) {
    device.pull(64);
    std::this_thread::sleep_for(1ms);
  }
  CHECK(stream.finished());
  stream.telemetry();
  CHECK(alive == 0);
  CHECK(most_alive > 1);
  CHECK(resident_kib() - memory_before_kib < kMostGrowthKib);
}

// As where somebody presses Ctrl-C while a slow voice fills ten seconds.
TEST_CASE("filling a stream is given up when it is asked to, and nothing hangs") {
  CountingSourceOptions source;
  source.total_frames = std::numeric_limits<std::int64_t>::max();
  source.before = [](std::int64_t) { std::this_thread::sleep_for(20ms); };
  StreamOptions options = small_stream();
  options.ahead_frames = 32'000;  // 20 s of work
  Stream stream(options);
  stream.play(counting(source));
  int asked = 0;
  const auto begin = std::chrono::steady_clock::now();
  stream.start([&] { return ++asked < 10; });
  stream.stop();
  CHECK(asked == 10);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);  // a busy machine, too
}

// A denormal costs many times a normal number: both threads run with them flushed.
TEST_CASE("the render thread flushes denormals") {
  std::atomic<bool> flushes{false};
  CountingSourceOptions source;
  source.total_frames = 1000;
  source.before = [&](std::int64_t) {
    volatile float smallest = std::numeric_limits<float>::min();
    flushes.store(smallest * 0.5F == 0.0F);
  };
  Stream stream(small_stream());
  stream.play(counting(source));
  stream.start();
  CHECK(flushes.load());
}
