// Melody and note measures against those of mir_eval (tests/golden/mir_eval/make_golden.py).
#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dsp/metrics/melody_metrics.h"
#include "dsp/metrics/note_metrics.h"
#include "tests/support/golden_values.h"
#include "tests/support/npy_values.h"

using namespace ondes;

namespace {

struct Table {
  explicit Table(const std::string& name) {
    const NpyValues<double> array = read_npy_doubles(golden_path("mir_eval/" + name + ".npy"));
    rows = static_cast<std::size_t>(array.shape.at(0));
    columns = static_cast<std::size_t>(array.shape.at(1));
    values = array.values;
  }
  double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }

  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;
};

// Ratios of counts, and a mean of some dozen ratios in another order of addition.
constexpr double kTolerance = 1e-12;

// What mir_eval prints as 0 because nothing could be counted is no value here.
bool agrees(const Measured& measured, double expected) {
  return std::abs(measured.value.value_or(0.0) - expected) <= kTolerance;
}

}  // namespace

TEST_CASE("melody measures are mir_eval's") {
  const Table tracks("melody_tracks");
  const Table measures("melody_measures");
  REQUIRE(measures.rows == 40);
  for (std::size_t number = 0; number < measures.rows; ++number) {
    std::array<PitchTrack, 2> sides;
    for (std::size_t row = 0; row < tracks.rows; ++row) {
      if (tracks.at(row, 0) == static_cast<double>(number)) {
        PitchTrack& track = sides.at(static_cast<std::size_t>(tracks.at(row, 1)));
        track.times_s.push_back(tracks.at(row, 2));
        track.hz.push_back(tracks.at(row, 3));
      }
    }
    CAPTURE(number);
    const MelodyMetrics m = melody_metrics(sides[0], sides[1]);
    CHECK(agrees(m.voicing_recall, measures.at(number, 0)));
    CHECK(agrees(m.voicing_false_alarm, measures.at(number, 1)));
    CHECK(agrees(m.raw_pitch_accuracy, measures.at(number, 2)));
    CHECK(agrees(m.raw_chroma_accuracy, measures.at(number, 3)));
    CHECK(agrees(m.overall_accuracy, measures.at(number, 4)));
  }
}

TEST_CASE("note measures are mir_eval's, average overlap included") {
  const Table notes("notes");
  const Table measures("note_measures");
  REQUIRE(measures.rows == 60);
  for (std::size_t number = 0; number < measures.rows; ++number) {
    std::array<std::vector<NoteEvent>, 2> sides;
    for (std::size_t row = 0; row < notes.rows; ++row) {
      if (notes.at(row, 0) == static_cast<double>(number)) {
        NoteEvent note;
        note.onset_s = notes.at(row, 2);
        note.offset_s = notes.at(row, 3);
        note.hz = notes.at(row, 4);
        sides.at(static_cast<std::size_t>(notes.at(row, 1))).push_back(note);
      }
    }
    CAPTURE(number);
    const NoteMetrics m = note_metrics(sides[0], sides[1]);
    const std::array<const Measured*, 14> found = {&m.onset.precision,
                                                   &m.onset.recall,
                                                   &m.onset.f_measure,
                                                   &m.onset_pitch.precision,
                                                   &m.onset_pitch.recall,
                                                   &m.onset_pitch.f_measure,
                                                   &m.onset_pitch.average_overlap_ratio,
                                                   &m.note.precision,
                                                   &m.note.recall,
                                                   &m.note.f_measure,
                                                   &m.note.average_overlap_ratio,
                                                   &m.offset.precision,
                                                   &m.offset.recall,
                                                   &m.offset.f_measure};
    for (std::size_t i = 0; i < found.size(); ++i) {
      CAPTURE(i, found[i]->value.value_or(-1.0), measures.at(number, i));
      CHECK(agrees(*found[i], measures.at(number, i)));
    }
  }
}
