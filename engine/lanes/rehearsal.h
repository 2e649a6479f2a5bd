// Plays a performance without its network: how long it sounds, how many lanes it takes.
//
// When a lane ends depends on its conditioning and its level alone, never on the network's samples,
// so a rehearsal knows the exact length of the real thing for a small part of its cost. A renderer
// sizes its runner, its progress and its file by it.
// Where only the length is asked for, the notes that have surely ended before the score does need no
// rehearsal: a lane lives for at most kMaximalReleaseS after its release, and no lane changes how
// long another one sounds. So a player learns the length of half an hour in the time that its last
// seconds take.
// Set-up thread.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "engine/lanes/synth.h"

namespace ondes {

struct Rehearsal {
  std::int64_t samples = 0;  // to the end of the tail
  SynthStats stats;
};

// `tail_samples`: how much follows the score's last event; nothing: until the last lane has ended
// (at most the 20 s of the longest release), rounded up to 256 samples. `keep_going` is asked now
// and then; when it says no, Error{interrupted}.
Rehearsal rehearse(const Performance& performance,
                   const NotePlan& plan,
                   const NoteContract& contract,
                   const SynthOptions& options,
                   int max_lanes,
                   std::optional<std::int64_t> tail_samples,
                   const std::function<bool()>& keep_going = {});

// rehearse().samples with the tail that the lanes need. Where a piece has more notes than lanes it
// may differ, by a part of that tail: an early note that was stolen cannot be known to be gone.
std::int64_t sounding_samples(const Performance& performance,
                              const NotePlan& plan,
                              const NoteContract& contract,
                              const SynthOptions& options,
                              int max_lanes,
                              const std::function<bool()>& keep_going = {});

}  // namespace ondes
