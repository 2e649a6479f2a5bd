#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/note_metrics.h"
#include "dsp/metrics/programme_loudness.h"
#include "dsp/metrics/signal_health.h"
#include "dsp/metrics/statistics.h"
#include "dsp/note_transcription.h"

namespace ondes {
namespace {

enum Row {
  kOnsetF,
  kOnsetPrecision,
  kOnsetRecall,
  kNoteF,
  kNotePrecision,
  kNoteRecall,
  kNoteOffsetF,
  kUnheard,
  kMasked,
  kHeardShare,
  kTimingMedian,
  kTimingHigh,
  kTimingBias,
  kPitchMedian,
  kPitchHigh,
  kPitchBias,
  kLoudness,
  kTruePeak,
  kClipped,
};

std::vector<MetricRow> rows(const MetricSetting&) {
  const NoteMatchOptions match;
  const NoteMeasuringOptions informed;
  const std::string blind = fmt::format(
      "our own blind transcription against the score, mir_eval's matching: onsets within "
      "{:.0f} ms",
      1000.0 * match.onset_tolerance_s);
  const std::string pitch =
      fmt::format("{}, pitch within {:.0f} cents", blind, match.pitch_tolerance_cents);
  const std::string known = fmt::format(
      "the score's notes looked for at their partials, {:.0f} ms early to {:.0f} ms late, heard "
      "from {:.0f} dB above the level between partials",
      1000.0 * informed.search_before_s, 1000.0 * informed.search_after_s, informed.heard_db);
  const std::string heard = known + "; over the notes heard";
  return {
      must_row("onset_f1", "Onset F-measure", "", Better::higher, 4, blind),
      must_row("onset_precision", "Onset precision", "", Better::higher, 4, blind),
      must_row("onset_recall", "Onset recall", "", Better::higher, 4, blind),
      must_row("note_f1", "Note F-measure (onset, pitch)", "", Better::higher, 4, pitch),
      must_row("note_precision", "Note precision", "", Better::higher, 4, pitch),
      must_row("note_recall", "Note recall", "", Better::higher, 4, pitch),
      must_row(
          "note_offset_f1", "Note F-measure (onset, pitch, offset)", "", Better::higher, 4,
          pitch + fmt::format(", offset within {:.0f} ms or {:.0f} %",
                              1000.0 * match.offset_min_tolerance_s, 100.0 * match.offset_ratio)),
      must_row("notes_unheard", "Notes of the score not heard", "", Better::lower, 1, known),
      must_row("notes_masked", "Notes hidden by others that sound with them", "", Better::neither,
               1, known + "; no partial of its own stands clear: neither heard nor missed"),
      must_row("notes_heard", "Share of the notes heard or masked", "", Better::higher, 4, known),
      must_row("timing_error_median_ms", "Timing error, median of |error|", "ms", Better::lower, 2,
               heard),
      must_row("timing_error_p95_ms", "Timing error, 95th percentile", "ms", Better::lower, 2,
               heard),
      must_row("timing_bias_ms", "Lateness, median", "ms", Better::neither, 2, heard),
      must_row("pitch_error_median_cents", "Pitch error, median of |error|", "cents", Better::lower,
               2, heard),
      must_row("pitch_error_p95_cents", "Pitch error, 95th percentile", "cents", Better::lower, 2,
               heard),
      must_row("pitch_bias_cents", "Pitch, median of measured - score", "cents", Better::neither, 2,
               heard),
      must_row("loudness_lufs", "Loudness", "LUFS", Better::neither, 2,
               "integrated, ITU-R BS.1770-4, of the mono mix"),
      must_row("true_peak_dbtp", "True peak", "dBTP", Better::neither, 2, kTruePeakParameters),
      must_row("clipped_samples", "Clipped samples", "", Better::lower, 1, kClippedParameters),
  };
}

void measure_blind(const MetricInput& input, std::span<MetricValue> values) {
  const std::vector<NoteEvent> found =
      transcribe_notes(input.sounds.generated, input.sounds.rate_hz);
  const NoteMetrics notes = note_metrics(input.score, found);
  values[kOnsetF] = notes.onset.f_measure;
  values[kOnsetPrecision] = notes.onset.precision;
  values[kOnsetRecall] = notes.onset.recall;
  values[kNoteF] = notes.onset_pitch.f_measure;
  values[kNotePrecision] = notes.onset_pitch.precision;
  values[kNoteRecall] = notes.onset_pitch.recall;
  values[kNoteOffsetF] = notes.note.f_measure;
}

struct ErrorRows {
  Row median;
  Row high;
  Row bias;
};

void put_errors(const std::vector<double>& errors,
                const ErrorRows& rows_of,
                const std::string& why_none,
                std::span<MetricValue> values) {
  if (errors.empty()) {
    for (const Row row_of : {rows_of.median, rows_of.high, rows_of.bias}) {
      values[row_of] = MetricValue::none(why_none);
    }
    return;
  }
  std::vector<double> magnitudes(errors.size());
  std::transform(errors.begin(), errors.end(), magnitudes.begin(),
                 [](double error) { return std::abs(error); });
  values[rows_of.median] = *median(magnitudes);
  values[rows_of.high] = *percentile(magnitudes, 95.0);
  values[rows_of.bias] = *median(errors);
}

void measure_informed(const MetricInput& input, std::span<MetricValue> values) {
  const std::vector<MeasuredNote> notes =
      measure_notes(input.sounds.generated, input.sounds.rate_hz, input.score);
  std::vector<double> timing_ms;
  std::vector<double> pitch_cents;
  std::int64_t unheard = 0;
  std::int64_t masked = 0;
  for (const MeasuredNote& note : notes) {
    unheard += note.heard ? 0 : 1;
    masked += note.masked ? 1 : 0;
    if (note.onset_error_ms) {
      timing_ms.push_back(*note.onset_error_ms);
    }
    if (note.pitch_error_cents) {
      pitch_cents.push_back(*note.pitch_error_cents);
    }
  }
  values[kUnheard] = static_cast<double>(unheard);
  values[kMasked] = static_cast<double>(masked);
  values[kHeardShare] = 1.0 - static_cast<double>(unheard) / static_cast<double>(notes.size());
  const std::string why_none = fmt::format(
      "it takes notes whose partials stand clear of others': of {} notes {} were heard, {} not, "
      "{} are masked",
      notes.size(), std::ssize(notes) - unheard - masked, unheard, masked);
  put_errors(timing_ms, {kTimingMedian, kTimingHigh, kTimingBias}, why_none, values);
  put_errors(pitch_cents, {kPitchMedian, kPitchHigh, kPitchBias}, why_none, values);
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  measure_rows(
      input,
      {kOnsetF, kOnsetPrecision, kOnsetRecall, kNoteF, kNotePrecision, kNoteRecall, kNoteOffsetF},
      values, [&] { measure_blind(input, values); });
  measure_rows(input,
               {kUnheard, kMasked, kHeardShare, kTimingMedian, kTimingHigh, kTimingBias,
                kPitchMedian, kPitchHigh, kPitchBias},
               values, [&] { measure_informed(input, values); });
  measure_rows(input, {kLoudness, kTruePeak}, values, [&] {
    const ProgrammeLoudness loudness = programme_loudness(sounds.generated, sounds.rate_hz);
    values[kLoudness] = loudness.integrated_lufs;
    values[kTruePeak] = loudness.true_peak_dbtp;
  });
  measure_rows(input, {kClipped}, values, [&] {
    values[kClipped] =
        static_cast<double>(signal_health(sounds.generated, sounds.rate_hz).clipped_samples);
  });
}

}  // namespace

const MetricGroup kScoreMetrics{rows, measure};

}  // namespace ondes
