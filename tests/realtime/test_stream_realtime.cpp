#include <linux/futex.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "apps/play/device_watch.h"
#include "engine/stream/clocked_sink.h"
#include "engine/stream/live_source.h"
#include "engine/stream/score_source.h"
#include "engine/stream/stream.h"
#include "models/registry.h"
#include "tests/support/realtime_watch.h"
#include "tests/support/small_voice.h"
#include "tests/support/stream_rig.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

// A source that looks at its thread's counters: those of the render thread, everything between two
// blocks included.
class WatchedSource : public StreamSource {
 public:
  explicit WatchedSource(std::unique_ptr<StreamSource> inner) : inner_(std::move(inner)) {}
  int sample_rate_hz() const noexcept override { return inner_->sample_rate_hz(); }
  int channels() const noexcept override { return inner_->channels(); }
  int render(Frames out, std::int64_t stream_frame) noexcept override {
    if (blocks_++ == kSetUpBlocks) {
      begin_ = forbidden_now();
    }
    const int made = inner_->render(out, stream_frame);
    seen_ = forbidden_now() - begin_;
    return made;
  }
  void retire() noexcept override { inner_->retire(); }
  void limit_lanes(int lanes) noexcept override { inner_->limit_lanes(lanes); }
  SourceState state() const noexcept override { return inner_->state(); }

  int blocks() const { return blocks_; }
  ForbiddenCalls seen() const { return seen_; }  // after Stream::stop()

 private:
  static constexpr int kSetUpBlocks = 4;

  std::unique_ptr<StreamSource> inner_;
  int blocks_ = 0;
  ForbiddenCalls begin_;
  ForbiddenCalls seen_;
};

Performance busy_performance(double seconds) {
  Performance performance;
  for (int i = 0; 0.02 * i < seconds; ++i) {
    performance.notes.push_back({0.02 * i, 0.02 * i + 0.05, 0, 60 + i % 20, 100, 64, 0});
    performance.controls.push_back({0.02 * i + 0.01, 0, ControlKind::bend, 0.1F});
  }
  performance.duration_s = seconds;
  return performance;
}

}  // namespace

TEST_CASE("control: an allocation, a lock, a write and a sleep between two points are caught") {
  const RealtimeWatch watch;
  {
    const auto memory = std::make_unique<int>(1);
    CHECK(*memory == 1);
  }
  CHECK(watch.count().heap >= 2);
  if (!kWatchesSystemCalls) {
    WARN("a sanitizer build: locks and files are not watched");
    return;
  }
  std::mutex mutex;
  { const std::lock_guard<std::mutex> lock(mutex); }
  CHECK(watch.count().locks == 1);
  std::condition_variable waiting;
  waiting.notify_all();
  CHECK(watch.count().locks >= 1);  // without a waiter it need not call anything
  const int null = ::open("/dev/null", O_WRONLY);
  CHECK(::write(null, "x", 1) == 1);
  ::close(null);
  CHECK(watch.count().files == 3);
  std::this_thread::sleep_for(std::chrono::microseconds(1));
  CHECK(watch.count().sleeps == 1);
}

TEST_CASE("control: opening, waiting with a time limit, a futex and giving way are caught") {
  if (!kWatchesSystemCalls) {
    WARN("a sanitizer build: locks and files are not watched");
    return;
  }
  const auto counted = [](const auto& action) {
    const RealtimeWatch watch;
    action();
    return watch.count();
  };
  const auto moment = std::chrono::microseconds(1);
  const auto descriptor = [](int file) { ::close(file); };
  CHECK(counted([&] { descriptor(::open("/dev/null", O_RDONLY)); }).files == 2);
  CHECK(counted([&] { descriptor(::openat(AT_FDCWD, "/dev/null", O_RDONLY)); }).files == 2);
  CHECK(counted([] { const std::ifstream file("/dev/null"); }).files >= 1);
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  CHECK(counted([&] { never.wait_for(lock, moment); }).locks >= 1);
  std::timed_mutex timed;
  CHECK(counted([&] { CHECK(timed.try_lock_for(moment)); }).locks >= 1);
  timed.unlock();
  sem_t semaphore;
  REQUIRE(sem_init(&semaphore, 0, 0) == 0);
  CHECK(counted([&] {
          const timespec past{};
          CHECK(sem_timedwait(&semaphore, &past) != 0);
        }).locks == 1);
  sem_destroy(&semaphore);
  CHECK(counted([] { std::this_thread::yield(); }).locks == 1);
  std::atomic<int> value{1};
  CHECK(counted([&] {
          ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
        }).locks == 1);
  std::atomic<bool> waits{false};
  std::thread waker([&] {
    while (!waits.load()) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    value.store(2);
    value.notify_all();
  });
  CHECK(counted([&] {
          waits.store(true);
          value.wait(1);
        }).locks >= 1);
  waker.join();
}

TEST_CASE("pull does nothing but copy: playing, starved, paused, flushed, ended, recorded") {
  for (const int block : {1, 7, 64, 1024}) {
    StreamOptions options;
    options.ahead_frames = 2048;
    Stream stream(options);
    FrameRing tap(4096, 2);
    stream.set_tap(&tap);
    CountingSourceOptions source;
    source.total_frames = 20'000;
    stream.play(counting(source));
    stream.start();
    std::vector<float> out(2 * static_cast<std::size_t>(block));
    ForbiddenCalls calls;
    for (int i = 0; !stream.finished(); ++i) {
      if (i == 5) {
        StreamSwitch seek;
        seek.flush = true;
        stream.play(counting(source), seek);
      }
      stream.pause(i % 11 == 3);
      const RealtimeWatch watch;
      stream.pull({out.data(), block, 2}, std::int64_t{20'000} * block * i);
      calls = calls - (ForbiddenCalls() - watch.count());
    }
    CHECK(calls.heap == 0);
    CHECK(calls.locks == 0);
    CHECK(calls.files == 0);
    CHECK(calls.sleeps == 0);
  }
}

TEST_CASE(
    "the render thread only computes and sleeps, with a network and with a change of source") {
  const std::vector<std::byte> bytes = small_voice_bytes();
  const VoiceFile file = parse_voice(bytes, "small");
  const LanePlan plan = compile_lane_plan(file);
  const NoteContract contract = small_contract();
  const auto voice = [&] {
    LaneRunnerOptions options;
    options.max_lanes = 4;
    options.max_block_samples = 64;
    options.threads = 1;
    SynthVoice v;
    v.plan = &note_plan(plan);
    v.contract = &contract;
    v.runner = make_cpu_lane_runner(plan, options);
    return v;
  };
  StreamOptions options;
  options.sample_rate_hz = contract.sample_rate_hz;
  options.block_frames = 64;
  options.ahead_frames = 1024;
  Stream stream(options);
  const auto watched = [&] {
    return std::make_unique<WatchedSource>(
        std::make_unique<ScoreSource>(voice(), busy_performance(2.0), ScoreSourceOptions{}));
  };
  const auto line = std::make_shared<LiveLine>();
  auto live = std::make_unique<WatchedSource>(
      std::make_unique<LiveSource>(voice(), stream, line, LiveSourceOptions{}));
  WatchedSource& keyboard = *live;
  stream.play(watched());
  StreamSwitch at;
  at.when = StreamSwitch::When::at_frame;
  at.frame = 7'003;
  stream.play(watched(), at);
  at.frame = 16'001;
  stream.play(std::move(live), at);
  stream.start();
  ClockedSinkOptions clock;
  clock.block_frames = 64;
  clock.speed = 2.0;
  ClockedSink sink(stream, clock);
  sink.start();
  const auto now_ns = [] {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  while (stream.device_frames() < 32'000) {
    line->send({now_ns(), note_on(0, 60), {0x90, 60, 100}});
    line->send({now_ns(), note_off(0, 60), {0x80, 60, 0}});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  sink.stop();
  stream.stop();
  // The last source has seen its thread through the others' ringing out and their return.
  REQUIRE(keyboard.blocks() > 100);
  CHECK(keyboard.state().notes > 10);
  CHECK(keyboard.seen().heap == 0);
  CHECK(keyboard.seen().locks == 0);
  CHECK(keyboard.seen().files == 0);
  if (kWatchesSystemCalls) {
    CHECK(keyboard.seen().sleeps > 0);  // between blocks: it was this thread that was watched
  }
}

TEST_CASE("a device whose turns grow costs its thread no more: it counts and copies") {
  StreamOptions options;
  options.block_frames = 64;
  options.ahead_frames = 512;
  options.most_ahead_frames = 8192;
  Stream stream(options);
  CountingSourceOptions source;
  source.total_frames = 1'000'000;
  stream.play(counting(source));
  stream.start();
  TurnMeter turns(options.sample_rate_hz);
  std::vector<float> out(2 * 256);
  std::int64_t frames = 0;
  ForbiddenCalls seen;
  for (int turn = 0; turn < 100; ++turn) {
    const int pieces = turn < 50 ? 1 : 16;
    while (stream.telemetry().ahead_frames < stream.ahead_frames()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::int64_t now_ns = frames * 1'000'000'000 / options.sample_rate_hz;
    const RealtimeWatch watch;
    for (int piece = 0; piece < pieces; ++piece) {
      stream.pull({out.data(), 256, 2}, turns.add(1.0 * turn, 256, now_ns));
    }
    const ForbiddenCalls now = watch.count();
    seen.heap += now.heap;
    seen.locks += now.locks;
    seen.files += now.files;
    seen.sleeps += now.sleeps;
    frames += 256 * pieces;
    stream.set_ahead(turns.turn_frames() + 128);
  }
  CHECK(turns.turn_frames() == 16 * 256);
  CHECK(seen.heap + seen.locks + seen.files + seen.sleeps == 0);
  CHECK(stream.telemetry().underruns <= 4);  // until the longer turn had come twice
}

TEST_CASE("a source that breaks, and is good again, costs the render thread no more") {
  Stream stream({});
  CountingSourceOptions breaking;
  breaking.total_frames = 48'000;
  breaking.bad_from = 10'000;
  breaking.bad_to = 30'001;
  auto source = std::make_unique<WatchedSource>(counting(breaking));
  const WatchedSource& watched = *source;
  stream.play(std::move(source));
  stream.start();
  std::vector<float> out(2 * 256);
  while (stream.telemetry().played_frames < 40'000) {
    if (stream.can_pull(256)) {
      stream.pull({out.data(), 256, 2}, 0);
    }
  }
  stream.stop();
  CHECK(stream.telemetry().silenced_frames >= 20'001);
  REQUIRE(watched.blocks() > 100);
  CHECK(watched.seen().heap == 0);
  CHECK(watched.seen().locks == 0);
  CHECK(watched.seen().files == 0);
}

TEST_CASE("sources and their mixer neither allocate nor lock while they render and switch") {
  const NotePlan plan = toy_plan();
  const NoteContract contract = toy_contract();
  const auto voice = [&] {
    SynthVoice v;
    v.plan = &plan;
    v.contract = &contract;
    v.runner = std::make_unique<FakeStepRunner>(4, 128);
    return v;
  };
  StreamOptions options;
  options.sample_rate_hz = contract.sample_rate_hz;
  const Stream clock(options);
  const auto line = std::make_shared<LiveLine>();
  SourceMixer mixer(2, 256);
  mixer.post_switch(
      std::make_unique<ScoreSource>(voice(), busy_performance(1.0), ScoreSourceOptions{}), {});
  StreamSwitch later;
  later.when = StreamSwitch::When::at_frame;
  later.frame = 5000;
  mixer.post_switch(std::make_unique<LiveSource>(voice(), clock, line, LiveSourceOptions{}), later);
  // And a keyboard whose voice has another rate than the stream's.
  options.sample_rate_hz = 2 * contract.sample_rate_hz - 1;
  const Stream other_clock(options);
  const auto other_line = std::make_shared<LiveLine>();
  later.frame = 8000;
  mixer.post_switch(
      std::make_unique<LiveSource>(voice(), other_clock, other_line, LiveSourceOptions{}), later);
  std::vector<float> out(512);
  ForbiddenCalls calls;
  for (std::int64_t position = 0; position < 12'000; position += 256) {
    line->send({0, note_on(0, static_cast<int>(40 + position / 256 % 40)), {}});
    other_line->send({0, note_on(0, static_cast<int>(40 + position / 256 % 40)), {}});
    for (int i = 0; position % 1024 == 0 && i < 2 * LiveLine::kMaxEvents; ++i) {  // some are lost
      line->send({0, std::nullopt, {}});
      other_line->send({0, std::nullopt, {}});
    }
    bool flushed = false;
    const RealtimeWatch watch;
    mixer.limit_lanes(position < 4000 ? 2 : 0);
    mixer.render({out.data(), 256, 2}, position, &flushed);
    calls = calls - (ForbiddenCalls() - watch.count());
  }
  CHECK(calls.heap == 0);
  CHECK(calls.locks == 0);
  CHECK(calls.sleeps == 0);
  CHECK(mixer.state().notes > 10);
  bool let_go = false;
  while (const std::optional<PlayedEvent> played = other_line->take_played()) {
    let_go |= played->message == MidiMessage{0xB0, 123, 0};
  }
  CHECK(let_go);
}
