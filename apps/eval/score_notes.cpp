#include "apps/eval/score_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/error.h"
#include "engine/score/perform.h"

namespace ondes {
namespace {

constexpr double kShortestNoteS = 0.01;
constexpr float kPedalDown = 0.5F;

// When the pedal that is down at `time_s` comes up; `time_s` where it is up.
double pedal_up_s(const Performance& performance, int channel, double time_s) {
  bool down = false;
  for (const PerformanceControl& control : performance.controls) {
    if (control.channel != channel ||
        (control.kind != ControlKind::sustain && control.kind != ControlKind::reset)) {
      continue;
    }
    if (control.time_s > time_s && !down) {
      return time_s;
    }
    down = control.kind == ControlKind::sustain && control.value >= kPedalDown;
    if (control.time_s > time_s && !down) {
      return control.time_s;
    }
  }
  return down ? std::max(time_s, performance.duration_s) : time_s;
}

double bend_semitones(const Performance& performance, int channel, double time_s) {
  double bend = 0.0;
  for (const PerformanceControl& control : performance.controls) {
    if (control.time_s > time_s) {
      break;
    }
    if (control.channel == channel && control.kind == ControlKind::bend) {
      bend = static_cast<double>(control.value);
    } else if (control.channel == channel && control.kind == ControlKind::reset) {
      bend = 0.0;
    }
  }
  return bend;
}

}  // namespace

ScoreNotes read_score_notes(const std::string& path) {
  const Performance performance = read_performance(path);
  ScoreNotes score;
  for (const PerformanceNote& note : performance.notes) {
    const double semitones =
        note.key - 69 + bend_semitones(performance, note.channel, note.onset_s);
    NoteEvent event;
    event.onset_s = note.onset_s;
    event.offset_s = std::max(pedal_up_s(performance, note.channel, note.release_s),
                              note.onset_s + kShortestNoteS);
    event.hz = 440.0 * std::exp2(semitones / 12.0);
    score.notes.push_back(event);
  }
  if (score.notes.empty()) {
    throw Error(ErrorCode::bad_input, path + ": expected notes, found none");
  }
  if (performance.percussion_notes > 0) {
    score.remarks.push_back(
        fmt::format("score: {} percussion notes are not measured", performance.percussion_notes));
  }
  return score;
}

}  // namespace ondes
