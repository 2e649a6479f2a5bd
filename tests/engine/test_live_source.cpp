#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "engine/stream/live_source.h"
#include "engine/stream/stream.h"
#include "engine/stream/stream_resampler.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 24000;

SynthVoice toy_voice(const NotePlan& plan, const NoteContract& contract) {
  SynthVoice voice;
  voice.plan = &plan;
  voice.contract = &contract;
  voice.runner = std::make_unique<FakeStepRunner>(8, 128);
  return voice;
}

struct LiveRig {
  explicit LiveRig(int stream_rate_hz = kRateHz) : rate_hz(stream_rate_hz) {
    StreamOptions options;
    options.sample_rate_hz = rate_hz;
    stream = std::make_unique<Stream>(options);
    LiveSourceOptions live;
    live.latency_frames = rate_hz / 50;
    source = std::make_unique<LiveSource>(toy_voice(plan, contract), *stream, line, live);
  }
  // The device takes 0.1 s in blocks of 10 ms, beginning at time 0.
  void run_clock() {
    const int frames = rate_hz / 100;
    std::vector<float> out(2 * static_cast<std::size_t>(frames));
    for (std::int64_t i = 0; i < 10; ++i) {
      stream->pull({out.data(), frames, 2}, i * 10'000'000);
    }
  }
  std::vector<float> render(int frames, std::int64_t stream_frame) {
    std::vector<float> out(2 * static_cast<std::size_t>(frames));
    source->render({out.data(), frames, 2}, stream_frame);
    return out;
  }
  // `frames` from frame 0 of the stream on.
  std::vector<float> render_all(int frames, int block) {
    std::vector<float> all;
    for (int at = 0; at < frames; at += block) {
      const std::vector<float> out = render(std::min(block, frames - at), at);
      all.insert(all.end(), out.begin(), out.end());
    }
    return all;
  }
  int rate_hz;
  NotePlan plan = toy_plan();
  NoteContract contract = toy_contract();
  std::unique_ptr<Stream> stream;
  std::shared_ptr<LiveLine> line = std::make_shared<LiveLine>();
  std::unique_ptr<LiveSource> source;
};

LiveEvent arrived(std::int64_t ns, const SynthEvent& event) {
  return {ns, event, {0x90, static_cast<std::uint8_t>(event.key), 100}, false};
}

LiveEvent followed(LiveEvent event) {
  event.followed = true;
  return event;
}

}  // namespace

TEST_CASE("an event is heard its latency after its stamp, to the sample, whatever the blocks") {
  for (const int block : {64, 100, 1000}) {
    LiveRig rig;
    rig.run_clock();
    // The stream inserted 2400 frames of silence (nothing was rendered): device frame 2400 is its
    // frame 0. A stamp of 101.25 ms is device frame 2430, stream frame 30; + 480.
    rig.line->send(arrived(101'250'000, note_on(0, 60)));
    rig.line->send(arrived(103'333'333, note_on(0, 64)));  // frame 80
    std::vector<float> all;
    for (std::int64_t at = 0; at < 1000; at += block) {
      const std::vector<float> out = rig.render(block, at);
      all.insert(all.end(), out.begin(), out.end());
    }
    for (std::size_t t = 0; t < 510; ++t) {
      REQUIRE(all[2 * t] == 0.0F);
    }
    CHECK(all[2 * 511] != 0.0F);
    const std::optional<PlayedEvent> first = rig.line->take_played();
    const std::optional<PlayedEvent> second = rig.line->take_played();
    REQUIRE(second);
    CHECK(first->stream_frame == 510);
    CHECK(second->stream_frame == 560);
    CHECK(second->message[1] == 64);
    CHECK_FALSE(rig.line->take_played());
    CHECK(rig.line->late_events() == 0);
  }
}

TEST_CASE("an event that comes too late is played at once, in order, and counted") {
  LiveRig rig;
  rig.run_clock();
  rig.line->send(arrived(50'000'000, note_on(0, 60)));
  rig.line->send(arrived(51'000'000, note_off(0, 60)));
  const std::vector<float> out = rig.render(64, 4000);
  CHECK(rig.line->late_events() == 2);
  CHECK(rig.line->take_played()->stream_frame == 4000);
  CHECK(rig.source->state().notes == 1);
}

TEST_CASE("events beyond the queue's length are lost and counted, not waited for") {
  LiveRig rig;
  for (int i = 0; i < LiveLine::kMaxEvents; ++i) {
    REQUIRE(rig.line->send(arrived(0, note_on(0, 60 + i % 12))));
  }
  CHECK_FALSE(rig.line->send(arrived(0, note_on(0, 60))));
  CHECK(rig.line->lost_events() == 1);
  rig.render(600, 0);
  CHECK(rig.source->state().lanes_now == 8);
}

// More controllers at once than may wait, in the middle of which keys are lifted.
TEST_CASE(
    "a lost release leaves no key hanging: keys and pedals are let go of, once there is room") {
  LiveRig rig;
  rig.run_clock();
  const auto send = [&](const SynthEvent& event, const MidiMessage& message) {
    return rig.line->send({100'000'000, event, message, false});  // all of them due at frame 480
  };
  for (const int key : {60, 64, 67}) {
    rig.line->send(arrived(100'000'000, note_on(0, key)));
  }
  send(control(0, ControlKind::sustain, 1.0F, 3), {0xB3, 64, 127});
  rig.line->send(arrived(100'000'000, note_on(0, 72, 0.8F, 3)));
  rig.render(600, 0);
  REQUIRE(rig.source->state().lanes_now == 4);
  while (send(control(0, ControlKind::pan, 0.0F), {0xB0, 10, 64})) {
  }
  for (const int key : {60, 64, 67}) {
    REQUIRE_FALSE(rig.line->send(arrived(100'000'000, note_off(0, key))));
  }
  REQUIRE_FALSE(rig.line->send(arrived(100'000'000, note_off(0, 72, 3))));
  CHECK(rig.line->lost_events() == 5);
  for (int at = 600; at < 600 + kRateHz; at += 600) {
    rig.render(600, at);
  }
  CHECK(rig.source->state().lanes_now == 0);  // the toy voice rings out within a second
  CHECK(rig.source->state().stolen_notes == 0);

  // Remembered for every channel, pedals first, after what was not lost.
  std::vector<PlayedEvent> played;
  while (const std::optional<PlayedEvent> event = rig.line->take_played()) {
    played.push_back(*event);
  }
  REQUIRE(played.size() == 5 + LiveLine::kMaxEvents + 2 * kChannels);
  for (std::size_t i = 0; i < 2 * kChannels; ++i) {
    const PlayedEvent& event = played[5 + LiveLine::kMaxEvents + i];
    const auto status = static_cast<std::uint8_t>(0xB0U | i / 2);
    const auto controller = static_cast<std::uint8_t>(i % 2 == 0 ? 64 : 123);
    CHECK(event.message == MidiMessage{status, controller, 0});
    CHECK(event.stream_frame == 1200);  // a block took as many events as may wait
  }
  CHECK(rig.line->lost_events() == 5);
}

TEST_CASE("a latency that changes holds for keys that arrive from then on; their order stays") {
  LiveRig rig;
  const auto latency = std::make_shared<std::atomic<int>>(480);
  LiveSourceOptions options;
  options.changing_latency_frames = latency;
  rig.line = std::make_shared<LiveLine>();
  rig.source = std::make_unique<LiveSource>(toy_voice(rig.plan, rig.contract), *rig.stream,
                                            rig.line, options);
  rig.run_clock();
  const auto strike = [&](std::int64_t ns, int key) {
    rig.line->send(arrived(ns, note_on(0, key)));
    rig.render(0, 0);
  };
  strike(100'000'000, 60);  // frame 0 of the stream
  latency->store(4800);
  strike(101'000'000, 64);
  latency->store(480);
  strike(102'000'000, 67);  // would be before the one that was struck before it
  rig.render_all(3 * kRateHz / 10, 64);
  std::vector<std::int64_t> frames;
  while (const std::optional<PlayedEvent> event = rig.line->take_played()) {
    frames.push_back(event->stream_frame);
  }
  CHECK(frames == std::vector<std::int64_t>{480, 24 + 4800, 24 + 4800});
  CHECK(rig.line->late_events() == 0);
}

TEST_CASE("a key that is struck after a loss sounds on, one that was held before it does not") {
  LiveRig rig;
  rig.run_clock();
  while (rig.line->send(arrived(100'000'000, control(0, ControlKind::pan, 0.0F)))) {
  }
  CHECK_FALSE(rig.line->send(arrived(100'000'000, note_off(0, 60))));
  rig.render(100, 0);  // takes what waits; due at frame 480
  rig.line->send(arrived(110'000'000, note_on(0, 64)));
  for (int at = 100; at < kRateHz; at += 100) {
    rig.render(100, at);
  }
  CHECK(rig.source->state().notes == 1);
  CHECK(rig.source->state().lanes_now == 1);
  for (int i = 0; i < 3; ++i) {  // every loss anew
    while (rig.line->send(arrived(1'100'000'000, control(0, ControlKind::pan, 0.0F)))) {
    }
    rig.render(100, kRateHz + 100 * i);
  }
  for (int at = kRateHz + 300; at < 3 * kRateHz; at += 100) {
    rig.render(100, at);
  }
  CHECK(rig.source->state().lanes_now == 0);
}

// Its keys' releases are remembered by the follower, whose keys a score must not lift.
TEST_CASE("a source that rings out lets go of its keys after a loss, and remembers nothing of it") {
  LiveRig rig;
  rig.run_clock();
  rig.line->send(arrived(100'000'000, note_on(0, 60)));
  rig.render(600, 0);
  REQUIRE(rig.line->take_played());
  rig.source->retire();
  rig.render(600, 600);
  const LiveEvent pan = followed(arrived(130'000'000, control(0, ControlKind::pan, 0.0F)));
  while (rig.line->send(pan)) {
  }
  std::vector<float> out(2 * 600);
  int ended_at = 1200;
  while (ended_at < 48'000 && rig.source->render({out.data(), 600, 2}, ended_at) == 600) {
    ended_at += 600;
  }
  CHECK(ended_at < 48'000);
  CHECK_FALSE(rig.line->take_played());
}

TEST_CASE("a line tells of a loss at its place, once") {
  LiveLine line;
  const LiveEvent event = arrived(0, note_on(0, 60));
  while (line.send(event)) {
  }
  for (int i = 0; i < LiveLine::kMaxEvents; ++i) {
    REQUIRE(line.take());
    REQUIRE_FALSE(line.take_loss());
  }
  REQUIRE(line.send(event));
  REQUIRE(line.take());
  CHECK(line.take_loss());  // before that one
  CHECK_FALSE(line.take());
  CHECK_FALSE(line.take_loss());
  while (line.send(event)) {
  }
  while (line.take()) {
    REQUIRE_FALSE(line.take_loss());
  }
  CHECK(line.take_loss());  // before whatever comes next
  CHECK_FALSE(line.take_loss());
}

// Events are numbered; what is missing is known by the next one's number.
TEST_CASE(
    "while events are sent and taken at once, losses are told of where some are, the last one "
    "surely") {
  LiveLine line;
  constexpr std::int64_t kEvents = 3'000'000;
  std::atomic<bool> sending{true};
  std::thread sender([&] {
    for (std::int64_t number = 1; number <= kEvents; ++number) {
      line.send({number, std::nullopt, {}, false});
    }
    sending = false;
  });
  std::int64_t last = 0;
  std::int64_t told = 0;
  std::int64_t false_alarms = 0;
  bool untold = false;       // something is missing before `last`, and has not been told of
  bool told_before = false;  // that something is missing before what comes next
  for (bool ends = false; !ends;) {
    ends = !sending;
    for (int i = 0; i < 64; ++i) {
      const std::optional<LiveEvent> event = line.take();
      const bool loss = line.take_loss();
      told += loss ? 1 : 0;
      if (!event) {
        told_before |= loss;
        untold &= !loss;
        break;
      }
      ends = false;
      const bool missing = event->arrival_ns != last + 1;
      false_alarms += !missing && (loss || told_before) ? 1 : 0;
      untold = (untold || missing) && !loss && !told_before;
      last = event->arrival_ns;
      told_before = false;
    }
  }
  sender.join();
  CHECK(false_alarms == 0);
  CHECK_FALSE(untold);
  CHECK((last == kEvents || told_before));
  CHECK((told > 0) == (line.lost_events() > 0));
}

// A record is fetched 20 times a second, or later where the terminal does not take its picture.
TEST_CASE("a record with holes has the keys lifted there, the keys themselves sound on") {
  LiveRig rig;
  rig.run_clock();
  rig.line->send(arrived(0, note_on(0, 60)));  // late, as the others: at once
  std::int64_t at = 0;
  for (; rig.line->lost_events() == 0; at += 64) {
    for (int i = 0; i < 1000; ++i) {
      rig.line->send({0, std::nullopt, {0xD0, 1, 0}, false});
    }
    rig.render(64, at);
  }
  const std::int64_t lost = rig.line->lost_events();
  rig.render(64, at);
  CHECK(rig.line->lost_events() == lost);  // it waits for room
  while (rig.line->take_played()) {
  }
  rig.render(64, at + 64);
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    for (const auto number : {std::uint8_t{64}, std::uint8_t{123}}) {
      const std::optional<PlayedEvent> event = rig.line->take_played();
      REQUIRE(event);
      CHECK(event->stream_frame == at + 64);
      CHECK(event->message == MidiMessage{static_cast<std::uint8_t>(0xB0U | channel), number, 0});
    }
  }
  rig.render(64, at + 128);
  CHECK_FALSE(rig.line->take_played());
  CHECK(rig.source->state().lanes_now == 1);
}

TEST_CASE("panic silences every channel, a message without an event is only remembered") {
  LiveRig rig;
  rig.line->send(arrived(0, note_on(0, 60)));
  rig.line->send({0, std::nullopt, {0xB0, 101, 0}, false});
  rig.render(600, 0);
  CHECK(rig.source->state().lanes_now == 1);
  CHECK(rig.line->take_played()->message[0] == 0x90);
  CHECK(rig.line->take_played()->message[1] == 101);
  rig.line->panic();
  rig.render(600, 600);  // 5 ms of fading are 120 samples
  CHECK(rig.source->state().lanes_now == 0);
}

TEST_CASE(
    "a key is heard once where one source follows another, and its release reaches the first") {
  LiveRig rig;
  auto second_line = std::make_shared<LiveLine>();
  LiveSourceOptions options;
  options.latency_frames = 480;
  options.follows = true;
  options.beginnings = {control(0, ControlKind::volume, 0.5F)};
  LiveSource second(toy_voice(rig.plan, rig.contract), *rig.stream, second_line, options);
  rig.run_clock();
  const auto to_both = [&](const LiveEvent& event) {
    rig.line->send(followed(event));
    second_line->send(event);
  };
  // At 100 ms the device is at stream frame 0: these are frames 480, 720, 960, 1200.
  to_both(arrived(100'000'000, note_on(0, 60)));
  to_both(arrived(110'000'000, note_on(0, 64)));
  to_both(arrived(120'000'000, note_off(0, 60)));
  to_both(arrived(130'000'000, note_on(0, 67)));
  rig.render(800, 0);
  CHECK(rig.source->state().lanes_now == 2);
  rig.source->retire();
  std::vector<float> out(2 * 600);
  second.render({out.data(), 600, 2}, 800);
  rig.render(600, 800);
  CHECK(second.state().notes == 1);
  CHECK(rig.source->state().notes == 2);
  for (int i = 0; i < 40; ++i) {
    rig.render(600, 1400 + 600 * i);
  }
  CHECK(rig.source->state().lanes_now == 1);  // 60 was lifted, 64 is held
  int played = 0;
  for (const auto& line : {rig.line, second_line}) {
    while (line->take_played()) {
      ++played;
    }
  }
  CHECK(played == 4);  // each message once
  CHECK(second_line->late_events() == 0);
}

// The stream may be many milliseconds ahead: a key is struck, then another voice is chosen, and its
// source begins before the key is due. It never hears of that key.
TEST_CASE("a key that only the old source was told of sounds there after the change, once") {
  for (const bool late : {false, true}) {
    CAPTURE(late);
    LiveRig rig;
    rig.run_clock();
    if (!late) {
      rig.line->send(arrived(115'000'000, note_on(0, 60)));  // due at 840
    }
    rig.render(800, 0);
    rig.source->retire();
    REQUIRE(rig.render(20, 800).size() == 40);
    if (late) {  // due at 792, where the follower was not there yet
      rig.line->send(followed(arrived(113'000'000, note_on(0, 60))));
    }
    rig.line->send(followed(arrived(116'000'000, note_on(0, 64))));  // due at 864: the follower's
    rig.line->send(followed(arrived(130'000'000, note_off(0, 60))));
    rig.render(100, 820);
    CHECK(rig.source->state().notes == 1);
    CHECK(rig.source->state().lanes_now == 1);
    CHECK(rig.line->late_events() == (late ? 1 : 0));
    std::vector<float> out(2 * 600);
    int ended_at = 920;
    while (ended_at < 48'000 && rig.source->render({out.data(), 600, 2}, ended_at) == 600) {
      ended_at += 600;
    }
    CHECK(ended_at < 48'000);  // it was lifted and has rung out
    REQUIRE(rig.line->take_played());
    CHECK_FALSE(rig.line->take_played());
  }
}

TEST_CASE("a panic is remembered as what a score says for it, by the source that is current") {
  LiveRig rig;
  rig.line->send(arrived(0, note_on(0, 60)));
  rig.render(600, 0);
  rig.line->take_played();
  rig.line->panic();
  rig.render(100, 600);
  for (std::uint8_t channel = 0; channel < kChannels; ++channel) {
    for (const auto number : {std::uint8_t{121}, std::uint8_t{120}}) {
      const std::optional<PlayedEvent> event = rig.line->take_played();
      REQUIRE(event);
      CHECK(event->stream_frame == 600);
      CHECK(event->message == MidiMessage{static_cast<std::uint8_t>(0xB0 | channel), number, 0});
    }
  }
  rig.source->retire();
  rig.line->panic();
  rig.render(100, 700);
  CHECK_FALSE(rig.line->take_played());
}

TEST_CASE("what is sent to a source that has ended is no loss") {
  auto line = std::make_shared<LiveLine>();
  {
    LiveRig rig;
    LiveSource source(toy_voice(rig.plan, rig.contract), *rig.stream, line, {});
  }
  CHECK(line->closed());
  for (int i = 0; i < 2 * LiveLine::kMaxEvents; ++i) {
    CHECK(line->send(arrived(0, note_on(0, 60))));
  }
  CHECK(line->lost_events() == 0);
}

TEST_CASE("a source may begin with fewer lanes than there are, and tells its line of its notes") {
  LiveRig rig;
  LiveSourceOptions options;
  options.lanes = 3;
  LiveSource source(toy_voice(rig.plan, rig.contract), *rig.stream, rig.line, options);
  for (int key = 60; key < 68; ++key) {
    rig.line->send(arrived(0, note_on(0, key)));
  }
  std::vector<float> out(2 * 600);
  source.render({out.data(), 600, 2}, 0);
  CHECK(source.state().lanes_now == 3);
  CHECK(source.state().lanes_limit == 3);
  CHECK(source.state().lanes_most == 8);
  CHECK(rig.line->notes() == 8);
  CHECK(rig.line->stolen_notes() == 5);
}

TEST_CASE("a stream knows what its sources begin with, and a lower limit of its own stays") {
  LiveRig rig;
  SourceMixer mixer(2, 64);
  const auto begin = [&](int lanes) {
    LiveSourceOptions options;
    options.lanes = lanes;
    mixer.post_switch(std::make_unique<LiveSource>(toy_voice(rig.plan, rig.contract), *rig.stream,
                                                   std::make_shared<LiveLine>(), options),
                      {});
    std::vector<float> out(2 * 64);
    bool flushed = false;
    mixer.render({out.data(), 64, 2}, 0, &flushed);
    return mixer.state().lanes_limit;
  };
  CHECK(begin(0) == 8);
  CHECK(begin(3) == 3);
  mixer.limit_lanes(5);
  CHECK(begin(0) == 5);
  CHECK(begin(3) == 3);  // not raised by a limit that another voice had

  LiveSourceOptions options;
  options.lanes = 3;
  rig.stream->play(std::make_unique<LiveSource>(toy_voice(rig.plan, rig.contract), *rig.stream,
                                                std::make_shared<LiveLine>(), options));
  rig.stream->start();
  CHECK(rig.stream->telemetry().lane_limit == 3);
  CHECK(rig.stream->telemetry().source_number == 1);
  rig.stream->play(std::make_unique<LiveSource>(toy_voice(rig.plan, rig.contract), *rig.stream,
                                                std::make_shared<LiveLine>(), LiveSourceOptions{}));
  std::vector<float> out(2 * 256);
  while (rig.stream->telemetry().source_number == 1) {
    rig.stream->pull({out.data(), 256, 2}, 0);
  }
  CHECK(rig.stream->telemetry().source_number == 2);
  CHECK(rig.stream->telemetry().lane_limit == 0);  // of the same look: not the first one's
}

TEST_CASE("a key that was struck before a panic does not sound after it") {
  LiveRig rig;
  rig.run_clock();
  rig.line->send(arrived(100'000'000, note_on(0, 60)));  // due at frame 480
  rig.render(100, 0);
  rig.line->panic();
  rig.render(900, 100);
  CHECK(rig.source->state().notes == 0);
}

// What the voice makes at its own rate, brought to the stream's in one call, is what is heard.
TEST_CASE("a voice of another rate than the stream's: the same notes at their times, converted") {
  for (const int rate_hz : {48000, 44100, 16000}) {
    for (const int block : {64, 100, 1024}) {
      CAPTURE(rate_hz, block);
      LiveRig own;
      LiveRig other(rate_hz);
      for (LiveRig* rig : {&own, &other}) {
        rig->run_clock();  // tens of ms are whole frames at all of these rates
        rig->line->send(arrived(110'000'000, note_on(0, 60)));
        rig->line->send(arrived(120'000'000, note_on(0, 64)));
        rig->line->send(arrived(140'000'000, note_off(0, 60)));
      }
      StreamResampler resampler(kRateHz, rate_hz, 2, 4096);
      const int inner_frames = resampler.input_frames(4000);
      const std::vector<float> inner = own.render_all(inner_frames, 333);
      std::vector<float> expected(2 * 4000);
      resampler.process({inner.data(), inner_frames, 2}, {expected.data(), 4000, 2});
      CHECK(other.render_all(4000, block) == expected);
      CHECK(other.source->state().notes == 2);
      CHECK(other.line->late_events() == 0);
      // A record is in the stream's frames: 10 ms after frame 0, and the latency of 20 ms.
      CHECK(other.line->take_played()->stream_frame == rate_hz * 3 / 100);
    }
  }
}

TEST_CASE("at another rate, too, each key is heard once where one source follows another") {
  for (const int rate_hz : {48000, 44100, 16000}) {
    CAPTURE(rate_hz);
    LiveRig rig(rate_hz);
    auto second_line = std::make_shared<LiveLine>();
    LiveSourceOptions options;
    options.latency_frames = rate_hz / 50;
    options.follows = true;
    LiveSource second(toy_voice(rig.plan, rig.contract), *rig.stream, second_line, options);
    rig.run_clock();
    // One at every frame around the change at frame 1500, and a little more often than that.
    constexpr int kKeys = 100;
    for (int i = 0; i < kKeys; ++i) {
      const double frame = 1500.0 - rate_hz / 50.0 + 0.9 * (i - kKeys / 2);
      const auto ns = 100'000'000 + static_cast<std::int64_t>(frame * 1.0e9 / rate_hz);
      rig.line->send(followed(arrived(ns, note_on(0, 20 + i))));
      second_line->send(arrived(ns, note_on(0, 20 + i)));
    }
    rig.render_all(1500, 100);
    rig.source->retire();
    std::vector<float> out(2 * 100);
    for (int at = 1500; at < 3000; at += 100) {
      rig.render(100, at);
      second.render({out.data(), 100, 2}, at);
    }
    CHECK(rig.source->state().notes > 30);
    CHECK(second.state().notes > 30);
    CHECK(rig.source->state().notes + second.state().notes == kKeys);
  }
}

TEST_CASE("a voice of another rate rings out to the filter's last sample, then ends") {
  LiveRig rig(48000);
  rig.run_clock();
  rig.line->send(arrived(100'000'000, note_on(0, 60)));
  rig.line->send(arrived(120'000'000, note_off(0, 60)));
  rig.render_all(4000, 250);
  rig.source->retire();
  std::vector<float> out(2 * 250);
  float last = 1.0F;
  int frames = 0;
  for (int at = 4000; at < 48'000 * 60; at += frames) {
    frames = rig.source->render({out.data(), 250, 2}, at);
    if (frames == 0) {
      break;
    }
    last = std::max(std::abs(out[2 * 249]), std::abs(out[2 * 249 + 1]));
  }
  CHECK(frames == 0);
  CHECK(last == 0.0F);
}
