#include <catch2/catch.hpp>
#include <vector>

#include "apps/play/rate_source.h"
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

// The filters' memory grows while they fill, in the first tenth of a second; a stream is filled
// before its device begins.
TEST_CASE("a change of rate neither allocates nor locks once it is filled") {
  for (const int rate_hz : {44100, 96000}) {
    for (const int block : {1, 64, 1024}) {
      CountingSourceOptions options;
      options.total_frames = 200'000;
      RateSource source(counting(options), rate_hz);
      std::vector<float> out(2 * static_cast<std::size_t>(block));
      ForbiddenCalls calls;
      for (int done = 0; done < 100'000; done += block) {
        const RealtimeWatch watch;
        source.render({out.data(), block, 2}, done);
        if (done > rate_hz / 10) {
          calls = calls - (ForbiddenCalls() - watch.count());
        }
      }
      CAPTURE(rate_hz, block);
      CHECK(calls.heap == 0);
      CHECK(calls.locks == 0);
    }
  }
}
