#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/stream/live_source.h"
#include "engine/stream/score_source.h"
#include "engine/stream/stream.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/stream_rig.h"
#include "tests/support/synth_rig.h"

using namespace ondes;

TEST_CASE("control: an allocation between two points is caught") {
  const AllocationCounter counter;
  {
    const auto memory = std::make_unique<int>(1);
    CHECK(*memory == 1);
  }
  CHECK(counter.count() >= 2);
}

TEST_CASE("pull neither allocates nor frees: playing, starved, paused, flushed, ended") {
  for (const int block : {1, 7, 64, 1024}) {
    StreamOptions options;
    options.ahead_frames = 2048;
    Stream stream(options);
    CountingSourceOptions source;
    source.total_frames = 20'000;
    stream.play(counting(source));
    stream.start();
    std::vector<float> out(2 * static_cast<std::size_t>(block));
    long long calls = 0;
    for (int i = 0; !stream.finished(); ++i) {
      if (i == 5) {
        StreamSwitch seek;
        seek.flush = true;
        stream.play(counting(source), seek);
      }
      stream.pause(i % 11 == 3);
      const AllocationCounter counter;
      stream.pull({out.data(), block, 2}, std::int64_t{20'000} * block * i);
      calls += counter.count();
    }
    CHECK(calls == 0);
  }
}

TEST_CASE("sources and their mixer neither allocate nor free while they render and switch") {
  const NotePlan plan = toy_plan();
  const NoteContract contract = toy_contract();
  const auto voice = [&] {
    SynthVoice v;
    v.plan = &plan;
    v.contract = &contract;
    v.runner = std::make_unique<FakeStepRunner>(4, 128);
    return v;
  };
  Performance performance;
  for (int i = 0; i < 40; ++i) {
    performance.notes.push_back({0.02 * i, 0.02 * i + 0.05, 0, 60 + i % 20, 100, 64, 0});
  }
  performance.duration_s = 1.0;
  StreamOptions options;
  options.sample_rate_hz = contract.sample_rate_hz;
  const Stream clock(options);
  auto live = std::make_unique<LiveSource>(voice(), clock, LiveSourceOptions{});
  LiveSource& keyboard = *live;
  SourceMixer mixer(2, 256);
  mixer.post_switch(std::make_unique<ScoreSource>(voice(), performance, ScoreSourceOptions{}), {});
  StreamSwitch later;
  later.when = StreamSwitch::When::at_frame;
  later.frame = 5000;
  mixer.post_switch(std::move(live), later);
  std::vector<float> out(512);
  long long calls = 0;
  for (std::int64_t position = 0; position < 12'000; position += 256) {
    keyboard.send({0, note_on(0, static_cast<int>(40 + position / 256 % 40)), {}});
    bool flushed = false;
    const AllocationCounter counter;
    mixer.render({out.data(), 256, 2}, position, &flushed);
    calls += counter.count();
  }
  CHECK(calls == 0);
  CHECK(mixer.state().notes > 10);
}
