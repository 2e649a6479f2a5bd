// The half of dsp/note_transcription.h that is told what to look for.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>

#include "dsp/note_checks_internal.h"
#include "dsp/note_transcription.h"
#include "dsp/partial_envelope_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr double kStepS = 0.002;
constexpr double kLeastRiseDb = 3.0;
constexpr double kSilentPower = 1e-14;  // -140 dB

double decibels(double power) {
  return 10.0 * std::log10(std::max(power, kSilentPower));
}

void check_score(std::span<const NoteEvent> score) {
  for (std::size_t i = 0; i < score.size(); ++i) {
    const NoteEvent& note = score[i];
    if (!(note.onset_s >= 0.0) || !std::isfinite(note.offset_s) ||
        !(note.offset_s > note.onset_s) || !(note.hz > 0.0) || !std::isfinite(note.hz)) {
      throw Error(ErrorCode::bad_input,
                  "score note " + std::to_string(i) +
                      ": expected an offset after the onset and a positive frequency, found " +
                      std::to_string(note.onset_s) + ".." + std::to_string(note.offset_s) +
                      " s at " + std::to_string(note.hz) + " Hz");
    }
  }
}

class NoteMeasurer {
 public:
  NoteMeasurer(std::span<const float> x,
               double sample_rate_hz,
               std::span<const NoteEvent> score,
               const NoteMeasuringOptions& options)
      : x_(x), rate_hz_(sample_rate_hz), score_(score), options_(options) {}

  MeasuredNote measure(const NoteEvent& note) const {
    MeasuredNote result;
    if (note.hz >= 0.45 * rate_hz_) {
      result.reason = "its pitch is above what the rate can hold";
      return result;
    }
    if (note.onset_s * rate_hz_ >= static_cast<double>(x_.size())) {
      result.reason = "the sound ends before it";
      return result;
    }
    const std::vector<double> others_hz = sounding_with(note);
    const Standing standing = stands_out(note, others_hz);
    if (standing == Standing::masked) {
      result.heard = true;
      result.masked = true;
      result.reason = "none of its partials is clear of the notes that sound with it";
      return result;
    }
    if (standing == Standing::missing) {
      result.reason = "nothing stands out at its partials";
      return result;
    }
    result.heard = true;
    // Outside the main lobes of others: what is nearer beats with them and moves the onset.
    const double bin_hz = rate_hz_ / note_internal::envelope_window(note.hz, rate_hz_);
    const std::vector<double> partials =
        note_internal::own_partials(note.hz, others_hz, 2.0 * bin_hz, rate_hz_);
    if (partials.empty()) {
      result.reason = "its partials are too near those of other notes to see it begin";
      return result;
    }
    measure_onset(note, partials, &result);
    measure_pitch(note, partials, &result);
    return result;
  }

 private:
  // A note rings on for a moment after its key is up.
  static constexpr double kRingS = 0.1;

  std::vector<double> sounding_with(const NoteEvent& note) const {
    std::vector<double> others_hz;
    const double from_s = note.onset_s - options_.search_before_s - kRingS;
    const double to_s = std::min(note.offset_s, note.onset_s + 0.5) + 0.05;
    for (const NoteEvent& other : score_) {
      // The same key struck before is the note's own past, not another note.
      const bool same_pitch = std::abs(std::log2(other.hz / note.hz)) < 0.5 / 12.0;
      if (!same_pitch && other.offset_s > from_s && other.onset_s < to_s) {
        others_hz.push_back(other.hz);
      }
    }
    return others_hz;
  }

  std::vector<std::complex<float>> phasors(std::span<const double> partials,
                                           double from_s,
                                           std::int64_t step_samples,
                                           std::int64_t steps,
                                           double window_s) const {
    note_internal::EnvelopeRequest request;
    request.partials_hz = partials;
    request.first_sample = std::llround(from_s * rate_hz_);
    request.step_samples = step_samples;
    request.steps = steps;
    request.window_samples = 2 * static_cast<int>(std::lround(0.5 * window_s * rate_hz_));
    return note_internal::partial_phasors(x_, rate_hz_, request);
  }

  enum class Standing { heard, missing, masked };

  // Its clear partials against the level half-way between partials, in as long a window as the note
  // has room for.
  Standing stands_out(const NoteEvent& note, std::span<const double> others_hz) const {
    const double window_s = std::clamp(note.offset_s - note.onset_s - 0.02, 0.05, 0.2);
    const double clear_hz = 3.0 / window_s;  // outside a Hann window's main lobe
    const std::vector<double> partials =
        note_internal::own_partials(note.hz, others_hz, clear_hz, rate_hz_);
    if (partials.empty()) {
      return Standing::masked;
    }
    std::vector<double> between;
    for (const double partial : note_internal::first_partials(note.hz, rate_hz_)) {
      const double hz = partial + 0.5 * note.hz;
      if (hz < 0.48 * rate_hz_ && note_internal::is_clear(hz, others_hz, clear_hz)) {
        between.push_back(hz);
      }
    }
    const double centre_s = note.onset_s + 0.02 + 0.5 * window_s;
    const auto mean_power = [&](std::span<const double> hz) {
      const auto z = phasors(hz, centre_s, 1, 1, window_s);
      return hz.empty() ? 0.0
                        : note_internal::summed_powers(z, z.size()).front() /
                              static_cast<double>(hz.size());
    };
    const double at = mean_power(partials);
    const bool heard =
        at > kSilentPower && decibels(at) - decibels(mean_power(between)) >= options_.heard_db;
    return heard ? Standing::heard : Standing::missing;
  }

  void measure_onset(const NoteEvent& note,
                     std::span<const double> partials,
                     MeasuredNote* result) const {
    const double window_s = note_internal::envelope_window(note.hz, rate_hz_) / rate_hz_;
    const double from_s = note.onset_s - options_.search_before_s - 0.5 * window_s;
    const double to_s = note.onset_s + options_.search_after_s + 0.5 * window_s;
    const std::int64_t step = std::max<std::int64_t>(1, std::llround(kStepS * rate_hz_));
    const double step_s = static_cast<double>(step) / rate_hz_;
    const auto steps = static_cast<std::int64_t>((to_s - from_s) / step_s) + 1;
    const std::vector<double> powers = note_internal::summed_powers(
        phasors(partials, from_s, step, steps, window_s), partials.size());
    const auto top = std::max_element(powers.begin(), powers.end());
    result->level_db = decibels(*top);
    const double before = *std::min_element(powers.begin(), top + 1);
    if (decibels(*top) - decibels(before) < kLeastRiseDb) {
      result->reason = "its energy does not rise";
      return;
    }
    const double rise_s = static_cast<double>(std::llround(from_s * rate_hz_)) / rate_hz_ +
                          note_internal::half_rise(powers) * step_s;
    result->onset_error_ms = 1000.0 * (rise_s - note.onset_s);
  }

  // The phase that each partial gains over its nominal one, from window to window.
  void measure_pitch(const NoteEvent& note,
                     std::span<const double> partials,
                     MeasuredNote* result) const {
    constexpr double kWidestCents = 150.0;
    const double window_s = note_internal::envelope_window(note.hz, rate_hz_) / rate_hz_;
    const double from_s = note.onset_s + 0.03 + 0.5 * window_s;
    const double to_s = std::max(from_s + 0.02, std::min(note.offset_s, note.onset_s + 1.0));
    double sum = 0.0;
    double weights = 0.0;
    for (const double partial : partials) {
      // Half a turn is then more than the widest error.
      const double widest_hz = partial * (std::exp2(kWidestCents / 1200.0) - 1.0);
      const auto step = std::max<std::int64_t>(
          1, static_cast<std::int64_t>(std::min(0.01, 0.4 / widest_hz) * rate_hz_));
      const double step_s = static_cast<double>(step) / rate_hz_;
      const auto steps =
          std::min<std::int64_t>(60, static_cast<std::int64_t>((to_s - from_s) / step_s)) + 2;
      const auto z = phasors(std::span(&partial, 1), from_s, step, steps, window_s);
      std::complex<double> turn = 0.0;
      for (std::size_t s = 1; s < z.size(); ++s) {
        turn += std::complex<double>(z[s]) * std::conj(std::complex<double>(z[s - 1]));
      }
      turn *= std::polar(1.0, -2.0 * std::numbers::pi * std::fmod(partial * step_s, 1.0));
      const double error_hz = std::arg(turn) / (2.0 * std::numbers::pi * step_s);
      const double cents = 1200.0 * std::log2(1.0 + error_hz / partial);
      // A phase error is worth less in cents the higher the partial.
      const double weight = std::abs(turn) * partial * partial;
      sum += weight * cents;
      weights += weight;
    }
    if (weights > 0.0) {
      result->pitch_error_cents = sum / weights;
    } else {
      result->reason = "its partials hold no energy after the attack";
    }
  }

  std::span<const float> x_;
  double rate_hz_;
  std::span<const NoteEvent> score_;
  NoteMeasuringOptions options_;
};

}  // namespace

std::vector<MeasuredNote> measure_notes(std::span<const float> x,
                                        double sample_rate_hz,
                                        std::span<const NoteEvent> score,
                                        const NoteMeasuringOptions& options) {
  note_internal::check_sound(x, sample_rate_hz, 20.0, 0.45 * sample_rate_hz);
  check_score(score);
  if (!(options.search_before_s >= 0.0) || !(options.search_after_s > 0.0)) {
    throw Error(ErrorCode::usage,
                "notes: expected a search of 0 or more seconds before an onset "
                "and more than 0 after it");
  }
  const NoteMeasurer measurer(x, sample_rate_hz, score, options);
  std::vector<MeasuredNote> measured;
  double loudest_db = -300.0;
  for (const NoteEvent& note : score) {
    measured.push_back(measurer.measure(note));
    loudest_db = std::max(loudest_db, measured.back().level_db.value_or(-300.0));
  }
  for (MeasuredNote& note : measured) {
    if (note.level_db && *note.level_db < loudest_db - options.floor_db) {
      note = MeasuredNote();
      note.reason = "its partials are more than " +
                    std::to_string(static_cast<int>(options.floor_db)) +
                    " dB below the loudest note's";
    }
  }
  return measured;
}

}  // namespace ondes
