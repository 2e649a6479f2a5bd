#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/support/allocation_counter.h"
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

TEST_CASE("process neither allocates nor frees, whatever the block size and the events") {
  for (const int block : {1, 7, 64, 256}) {
    SynthRig rig(3, 256);
    std::vector<float> memory(512);
    long long calls = 0;
    for (std::int64_t done = 0; done < 6000; done += block) {
      // A dense stream with stealing, pedal, bends and the whole-channel messages.
      std::vector<SynthEvent> events;
      if (done % (5 * block) == 0) {
        const int key = 40 + static_cast<int>(done / block % 40);
        events = {note_on(done, key),
                  note_on(done, key + 7, 0.5F, 1),
                  note_off(done, key),
                  control(done, ControlKind::sustain, done % 2 == 0 ? 1.0F : 0.0F),
                  control(done, ControlKind::bend, 0.3F),
                  control(done, ControlKind::modulation, 1.0F),
                  control(done, ControlKind::volume, 0.5F),
                  control(done, done % 3 == 0 ? ControlKind::all_sound_off : ControlKind::reset,
                          0.0F, 1)};
      }
      const Frames out(memory.data(), block, 2);
      const AllocationCounter counter;
      rig.synth.process(events, out);
      calls += counter.count();
    }
    CHECK(calls == 0);
    CHECK(rig.synth.stats().stolen_notes > 0);
  }
}
