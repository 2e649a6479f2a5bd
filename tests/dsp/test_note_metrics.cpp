// Agreement with mir_eval: tests/golden/test_mir_eval.cpp.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/metrics/note_metrics.h"
#include "engine/error.h"

using namespace ondes;

namespace {

using Notes = std::vector<NoteEvent>;

NoteEvent note(double onset_s, double offset_s, double hz) {
  NoteEvent event;
  event.onset_s = onset_s;
  event.offset_s = offset_s;
  event.hz = hz;
  return event;
}

// The largest number of pairs by trying everything, for a handful of notes.
std::size_t most_pairs(const Notes& reference,
                       const Notes& estimate,
                       std::size_t r,
                       std::vector<bool>* used) {
  if (r == reference.size()) {
    return 0;
  }
  std::size_t best = most_pairs(reference, estimate, r + 1, used);
  for (std::size_t e = 0; e < estimate.size(); ++e) {
    if (!(*used)[e] && std::abs(reference[r].onset_s - estimate[e].onset_s) <= 0.0501) {
      (*used)[e] = true;
      best = std::max(best, 1 + most_pairs(reference, estimate, r + 1, used));
      (*used)[e] = false;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("notes against themselves are found, each with itself") {
  const Notes notes = {note(0.0, 0.5, 220.0), note(0.0, 0.5, 330.0), note(1.0, 1.2, 220.0)};
  const NoteMetrics m = note_metrics(notes, notes);
  for (const NoteScore* score : {&m.onset, &m.onset_pitch, &m.note, &m.offset}) {
    CHECK(score->precision.value == 1.0);
    CHECK(score->recall.value == 1.0);
    CHECK(score->f_measure.value == 1.0);
  }
  CHECK(m.note.average_overlap_ratio.value == 1.0);
  REQUIRE(m.note.pairs.size() == 3);
  CHECK(m.note.pairs[1].estimate == 1);
}

TEST_CASE("a case worked by hand") {
  const Notes reference = {note(0.0, 1.0, 220.0), note(1.0, 2.0, 220.0), note(2.0, 2.1, 440.0)};
  const Notes estimate = {note(0.04, 1.19, 222.0),  // all right: 0.2 s of offset are allowed
                          note(1.0, 2.0, 233.1),    // a semitone off
                          note(2.05, 2.16, 440.0),  // 50 ms late, offset 60 ms late: not allowed
                          note(3.0, 3.5, 440.0)};   // invented
  const NoteMetrics m = note_metrics(reference, estimate);
  CHECK(*m.onset.recall.value == 1.0);
  CHECK(*m.onset.precision.value == 0.75);
  CHECK(*m.onset_pitch.recall.value == Approx(2.0 / 3.0));
  CHECK(*m.note.recall.value == Approx(1.0 / 3.0));
  CHECK(*m.note.precision.value == Approx(1.0 / 4.0));
  CHECK(*m.note.f_measure.value == Approx(2.0 / 7.0));
  CHECK(*m.note.average_overlap_ratio.value == Approx(0.96 / 1.19));
}

TEST_CASE("the set of pairs is a largest one, whatever the order of the notes") {
  std::mt19937 generator(3);
  std::uniform_int_distribution<int> milliseconds(0, 300);
  for (int round = 0; round < 200; ++round) {
    Notes reference;
    Notes estimate;
    for (int i = 0; i < 6; ++i) {
      const double r = 0.001 * milliseconds(generator);
      const double e = 0.001 * milliseconds(generator);
      reference.push_back(note(r, r + 1.0, 220.0));
      estimate.push_back(note(e, e + 1.0, 220.0));
    }
    std::vector<bool> used(estimate.size(), false);
    const NoteMetrics m = note_metrics(reference, estimate);
    CHECK(m.onset.pairs.size() == most_pairs(reference, estimate, 0, &used));
    std::vector<bool> seen(estimate.size(), false);
    for (const NotePair& pair : m.onset.pairs) {
      CHECK(!seen[static_cast<std::size_t>(pair.estimate)]);
      seen[static_cast<std::size_t>(pair.estimate)] = true;
    }
  }
}

TEST_CASE("swapping the lists exchanges precision and recall where only onsets count") {
  const Notes a = {note(0.0, 0.5, 220.0), note(0.3, 0.5, 330.0)};
  const Notes b = {note(0.02, 0.5, 220.0), note(0.5, 0.7, 330.0), note(0.31, 0.6, 220.0)};
  const NoteMetrics ab = note_metrics(a, b);
  const NoteMetrics ba = note_metrics(b, a);
  CHECK(ab.onset.precision.value == ba.onset.recall.value);
  CHECK(ab.onset.f_measure.value == ba.onset.f_measure.value);
}

TEST_CASE("a long chain of pairs that must all be exchanged neither fails nor overflows") {
  // Every reference can be paired with its own estimate or the one before; given backwards.
  Notes reference;
  Notes estimate;
  for (int i = 0; i < 3000; ++i) {
    reference.push_back(note(0.09 * i, 0.09 * i + 0.05, 220.0));
    estimate.push_back(note(0.09 * i + 0.045, 0.09 * i + 0.08, 220.0));
  }
  std::reverse(estimate.begin(), estimate.end());
  CHECK(note_metrics(reference, estimate).onset.pairs.size() == 3000);
}

TEST_CASE("empty lists have reasons, and F is 0 when only one is empty") {
  const Notes some = {note(0.0, 0.5, 220.0)};
  const NoteMetrics none = note_metrics({}, {});
  CHECK(!none.note.f_measure.value);
  CHECK(none.note.recall.reason == "the reference has no notes");
  const NoteMetrics missed = note_metrics(some, {});
  CHECK(missed.note.recall.value == 0.0);
  CHECK(!missed.note.precision.value);
  CHECK(missed.note.f_measure.value == 0.0);
  const NoteMetrics invented = note_metrics({}, some);
  CHECK(invented.note.precision.value == 0.0);
  CHECK(!invented.note.recall.value);
  const Notes elsewhere = {note(5.0, 6.0, 220.0)};
  const NoteMetrics apart = note_metrics(some, elsewhere);
  CHECK(apart.note.f_measure.value == 0.0);
  CHECK(apart.note.average_overlap_ratio.reason == "no notes are paired");
}

TEST_CASE("notes without length or pitch, and negative tolerances, are refused") {
  const Notes good = {note(0.0, 0.5, 220.0)};
  for (const NoteEvent& bad : {note(1.0, 1.0, 220.0), note(0.0, 1.0, 0.0),
                               note(0.0, std::numeric_limits<double>::quiet_NaN(), 220.0),
                               note(0.0, 1.0, std::numeric_limits<double>::infinity())}) {
    const Notes notes = {good[0], bad};
    CHECK_THROWS_WITH(note_metrics(notes, good), Catch::Contains("reference note 1"));
    CHECK_THROWS_WITH(note_metrics(good, notes), Catch::Contains("estimated note 1"));
  }
  CHECK_THROWS_AS(note_metrics(good, good, {.onset_tolerance_s = -0.1}), Error);
}
