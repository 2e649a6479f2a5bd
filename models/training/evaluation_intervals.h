// How sure one can be of an evaluation's figures: means with bootstrap intervals, over notes or over
// folds (dsp/metrics/statistics.h).
//
//   over notes  the notes are what might have been others; the voice is this one
//   over folds  each fold's own figure counts once: it varies with the notes and with the training,
//               as another corpus of the kind would make it vary. Of few folds such an interval is
//               narrow: 5 values say little of their spread.
//
// Any thread.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsp/metrics/statistics.h"
#include "models/training/note_evaluation.h"

namespace ondes {

struct FigureInterval {
  std::string name;   // "pitch_within_20_cents": the key in JSON
  std::string label;  // "pitch within 20 cents"
  std::string unit;
  int decimals = 2;
  double scale = 1.0;  // from the number to the unit: 100 for per cent
  int count = 0;       // notes or folds that have the figure
  std::optional<double> mean;
  std::optional<Interval> interval;  // of the mean; empty below two values
};

// Means over notes: where a summary has medians these are the means of the same absolute errors.
std::vector<FigureInterval> intervals_over_notes(std::span<const NoteFigures> figures,
                                                 const BootstrapOptions& options = {});

// Means over folds of each fold's summary of all instruments.
std::vector<FigureInterval> intervals_over_folds(std::span<const InstrumentSummary> folds,
                                                 const BootstrapOptions& options = {});

}  // namespace ondes
