// One note as scores, transcriptions and their measures see it. Plain data.
#pragma once

namespace ondes {

struct NoteEvent {
  double onset_s = 0.0;
  double offset_s = 0.0;  // of a score: key up
  double hz = 440.0;
  double level_db = 0.0;  // re a full-scale sine; only where it was measured
};

}  // namespace ondes
