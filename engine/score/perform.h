// From a score's events in ticks to a performance in seconds. Set-up thread.
#pragma once
#include <string>

#include "engine/score/midi_file.h"
#include "engine/score/performance.h"

namespace ondes {

// Applies the tempo map and the controller rules (performance.h). Formats 0 and 1: the tracks sound
// together. Format 2: they follow one another, each with its own tempo from 120 a minute on.
// Throws Error{bad_input} if the score would last longer than kMaxScoreSeconds.
Performance perform(const MidiFile& file);

// Reads, parses and performs. Throws Error{io} if the file cannot be read or is over 64 MiB.
Performance read_performance(const std::string& path);

}  // namespace ondes
