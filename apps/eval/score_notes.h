// A score as a list of notes that a render of it must hold. Set-up thread or any worker.
#pragma once
#include <string>
#include <vector>

#include "dsp/note_event.h"

namespace ondes {

struct ScoreNotes {
  std::vector<NoteEvent> notes;  // in the score's order; an offset is where key and pedal are up
  std::vector<std::string> remarks;  // what of the score is not measured
};

// The performance that renders are made of (engine/score/perform.h): tempo map, sustain pedal, pitch
// bend in force at the onset; percussion left out. Throws Error{io} or Error{bad_input}, the latter
// for a score without notes too.
ScoreNotes read_score_notes(const std::string& path);

}  // namespace ondes
