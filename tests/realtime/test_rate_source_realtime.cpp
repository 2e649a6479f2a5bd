#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "engine/stream/rate_source.h"
#include "engine/stream/source_mixer.h"
#include "tests/support/realtime_watch.h"
#include "tests/support/stream_rig.h"

using namespace ondes;

TEST_CASE("control: an allocation between two points is caught") {
  const RealtimeWatch watch;
  {
    const std::vector<int> memory(10, 1);
    CHECK(memory[3] == 1);
  }
  CHECK(watch.count().heap >= 2);
}

TEST_CASE("a change of rate neither allocates nor locks, from its first block to its end") {
  for (const int rate_hz : {44100, 96000, 47999}) {
    for (const int block : {1, 64, 1024, kMaxStreamBlock}) {
      CountingSourceOptions options;
      options.total_frames = 20'000;
      RateSource source(counting(options), rate_hz);
      std::vector<float> out(2 * static_cast<std::size_t>(block));
      int made = block;
      const RealtimeWatch watch;
      for (std::int64_t done = 0; made == block; done += made) {
        made = source.render({out.data(), block, 2}, done);
      }
      const ForbiddenCalls calls = watch.count();
      CAPTURE(rate_hz, block);
      CHECK(calls.heap == 0);
      CHECK(calls.locks == 0);
    }
  }
}

// Each brings a fresh change of rate, made on the control thread.
TEST_CASE("a seek, a next item and a voice of another rate cost the render thread no allocation") {
  constexpr int kBlock = 256;
  SourceMixer mixer(2, kBlock);
  const auto at_44100 = [](int rate_hz) {
    CountingSourceOptions options;
    options.total_frames = 20'000;
    options.rate_hz = rate_hz;
    return std::make_unique<RateSource>(counting(options), 44100);
  };
  std::vector<float> out(2 * kBlock);
  ForbiddenCalls calls;
  for (std::int64_t position = 0; position < 60'000; position += kBlock) {
    StreamSwitch how;
    if (position == 0) {
      mixer.post_switch(at_44100(48000), how);
    } else if (position == 10 * kBlock) {  // a seek: what sounds is dropped
      how.flush = true;
      mixer.post_switch(at_44100(48000), how);
    } else if (position == 20 * kBlock) {  // the voice: what sounds rings out under it
      how.when = StreamSwitch::When::at_frame;
      how.frame = position + 1000;
      mixer.post_switch(at_44100(24000), how);
    } else if (position == 30 * kBlock) {  // the next item
      how.when = StreamSwitch::When::at_end;
      mixer.post_switch(at_44100(16000), how);
    }
    bool flushed = false;
    const RealtimeWatch watch;
    mixer.render({out.data(), kBlock, 2}, position, &flushed);
    calls = calls - (ForbiddenCalls() - watch.count());
  }
  CHECK(mixer.number() == 4);  // every one has begun
  CHECK(calls.heap == 0);
  CHECK(calls.locks == 0);
}
