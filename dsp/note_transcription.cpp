// The blind half of dsp/note_transcription.h: frames of pitches, linked to notes.
#include "dsp/note_transcription.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "dsp/multi_pitch_internal.h"
#include "dsp/note_checks_internal.h"
#include "dsp/partial_envelope_internal.h"
#include "engine/error.h"

namespace ondes {

namespace {

using note_internal::FramePitch;
using note_internal::MultiPitch;

constexpr double kHopS = 0.01;
constexpr double kLinkSemitones = 0.6;
constexpr int kGapFrames = 8;
constexpr double kShortestTrackS = 0.05;

struct TrackFrame {
  int t = 0;
  FramePitch pitch;
};

struct Track {
  std::vector<TrackFrame> frames;

  double first_s() const { return frames.front().t * kHopS; }
  double last_s() const { return frames.back().t * kHopS; }
  double top_power() const {
    double top = 0.0;
    for (const TrackFrame& frame : frames) {
      top = std::max(top, frame.pitch.power);
    }
    return top;
  }
  double hz() const {  // of the middle, weighted by salience
    double sum = 0.0;
    double weights = 0.0;
    for (const TrackFrame& frame : frames) {
      sum += frame.pitch.salience * std::log2(frame.pitch.hz);
      weights += frame.pitch.salience;
    }
    return std::exp2(sum / weights);
  }
};

double semitones_between(double a_hz, double b_hz) {
  return 12.0 * std::abs(std::log2(a_hz / b_hz));
}

// Tracks of pitches that follow each other within a gap; the strongest pitch chooses first.
class Linker {
 public:
  void add(int t, std::span<const FramePitch> pitches) {
    std::vector<bool> fed(open_.size(), false);
    for (const FramePitch& pitch : pitches) {
      std::size_t nearest = open_.size();
      double distance = kLinkSemitones;
      for (std::size_t i = 0; i < open_.size(); ++i) {
        const double d = semitones_between(open_[i].frames.back().pitch.hz, pitch.hz);
        if (i < fed.size() && !fed[i] && d < distance) {
          distance = d;
          nearest = i;
        }
      }
      if (nearest == open_.size()) {
        open_.push_back({});
        fed.push_back(true);
      } else {
        fed[nearest] = true;
      }
      open_[nearest].frames.push_back({t, pitch});
    }
    for (std::size_t i = 0; i < open_.size();) {
      if (t - open_[i].frames.back().t > kGapFrames) {
        closed_.push_back(std::move(open_[i]));
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
  std::vector<Track> finish() {
    std::move(open_.begin(), open_.end(), std::back_inserter(closed_));
    return std::move(closed_);
  }

 private:
  std::vector<Track> open_;
  std::vector<Track> closed_;
};

std::vector<double> window_levels(std::span<const float> x,
                                  std::int64_t hop,
                                  int window,
                                  int frames) {
  std::vector<double> before = {0.0};
  before.reserve(x.size() + 1);
  for (const float sample : x) {
    before.push_back(before.back() + static_cast<double>(sample) * static_cast<double>(sample));
  }
  std::vector<double> levels;
  for (int t = 0; t < frames; ++t) {
    const std::int64_t from = std::max<std::int64_t>(t * hop - window / 2, 0);
    const std::int64_t to = std::min<std::int64_t>(t * hop + window / 2, std::ssize(x));
    const double sum =
        before[static_cast<std::size_t>(to)] - before[static_cast<std::size_t>(from)];
    levels.push_back(std::sqrt(std::max(0.0, sum) / window));
  }
  return levels;
}

// Where a note begins or ends within the window its lobes widen, and what stands beside them looks
// like short notes next to it.
void drop_skirts(std::vector<Track>* tracks) {
  constexpr double kSkirtS = 0.12;
  constexpr double kSkirtSemitones = 1.6;
  std::vector<Track> kept;
  for (const Track& track : *tracks) {
    const double length_s = track.last_s() - track.first_s();
    const bool skirt = std::any_of(tracks->begin(), tracks->end(), [&](const Track& other) {
      return length_s < kSkirtS && other.last_s() - other.first_s() > length_s &&
             other.top_power() > track.top_power() && other.first_s() <= track.last_s() &&
             other.last_s() >= track.first_s() &&
             semitones_between(other.hz(), track.hz()) < kSkirtSemitones;
    });
    if (!skirt) {
      kept.push_back(track);
    }
  }
  *tracks = std::move(kept);
}

// Power of a track's own partials every kStepS, from kLeadS before its first frame to kLeadS after
// its last.
constexpr double kStepS = 0.005;
// What has no partial of its own is an octave if it lasts, else the beginning or end of another note
// that looks like its subharmonic.
constexpr double kLeastUnownedS = 0.15;
constexpr double kLeastOwnShare = 0.03;  // of all partials' power: less is their leakage
constexpr double kLeadS = 0.1;
constexpr double kClearBins = 1.2;  // of the window: what is nearer cannot be told apart

class TrackEnvelope {
 public:
  TrackEnvelope(std::span<const float> x,
                double sample_rate_hz,
                const Track& track,
                std::span<const double> others_hz)
      : first_s_(track.first_s() - kLeadS) {
    const int window = note_internal::envelope_window(track.hz(), sample_rate_hz);
    note_internal::EnvelopeRequest request;
    request.window_samples = window;
    request.first_sample = std::llround(first_s_ * sample_rate_hz);
    request.step_samples = std::llround(kStepS * sample_rate_hz);
    request.steps = std::llround((track.last_s() + kLeadS - first_s_) / kStepS) + 1;
    step_s_ = static_cast<double>(request.step_samples) / sample_rate_hz;
    const auto powers_of = [&](const std::vector<double>& partials) {
      request.partials_hz = partials;
      return note_internal::summed_powers(
          note_internal::partial_phasors(x, sample_rate_hz, request), partials.size());
    };
    const auto top_of = [](const std::vector<double>& powers) {
      return powers.empty() ? 0.0 : *std::max_element(powers.begin(), powers.end());
    };
    const std::vector<double> own = note_internal::own_partials(
        track.hz(), others_hz, kClearBins * sample_rate_hz / window, sample_rate_hz);
    powers_ = powers_of(note_internal::first_partials(track.hz(), sample_rate_hz));
    if (!own.empty()) {
      std::vector<double> own_powers = powers_of(own);
      owned_ = top_of(own_powers) >= kLeastOwnShare * top_of(powers_);
      if (owned_) {
        powers_ = std::move(own_powers);
      }
    }
  }

  int size() const { return static_cast<int>(powers_.size()); }
  double power(int i) const { return powers_[static_cast<std::size_t>(i)]; }
  double db(int i) const { return 10.0 * std::log10(power(i) + 1e-14); }
  double time_s(double i) const { return first_s_ + i * step_s_; }
  std::span<const double> powers() const { return powers_; }
  bool owned() const { return owned_; }  // by partials that no other track has

 private:
  double first_s_;
  double step_s_ = kStepS;
  bool owned_ = false;
  std::vector<double> powers_;
};

// Where the release begins: the first step after which, kFallSteps on, the level stays kFallDb lower
// for good. `end` where it never does.
int release_start(const TrackEnvelope& envelope, int from, int end) {
  constexpr double kFallDb = 6.0;
  constexpr int kFallSteps = 10;
  int start = end;
  double later_db = -300.0;
  for (int i = end - kFallSteps; i > from + kFallSteps; --i) {
    later_db = std::max(later_db, envelope.db(i + kFallSteps));
    if (envelope.db(i) - later_db >= kFallDb) {
      start =
          i + kFallSteps / 3;  // a release of 10 dB in that time reaches kFallDb before it begins
    }
  }
  return start;
}

void add_notes_of(std::span<const float> x,
                  double sample_rate_hz,
                  const Track& track,
                  std::span<const double> others_hz,
                  const NoteTranscriptionOptions& options,
                  std::vector<NoteEvent>* notes) {
  const TrackEnvelope envelope(x, sample_rate_hz, track, others_hz);
  constexpr int kSearch = 40;  // steps in which an attack reaches its top
  constexpr double kRiseDb = 6.0;
  constexpr int kRiseSteps = 10;
  constexpr double kDeadDb = 26.0;  // below the note's top
  int from = 0;
  while (from < envelope.size()) {
    const int search_end = std::min(envelope.size(), from + kSearch);
    const auto onset = note_internal::half_rise(envelope.powers().subspan(
        static_cast<std::size_t>(from), static_cast<std::size_t>(search_end - from)));
    const int first = from + static_cast<int>(onset);
    double top_db = envelope.db(first);
    int end = first;
    int next = envelope.size();
    for (int i = first; i < envelope.size(); ++i) {
      top_db = std::max(top_db, envelope.db(i));
      if (envelope.db(i) < top_db - kDeadDb) {
        break;
      }
      end = i;
      const int ahead = std::min(i + kRiseSteps, envelope.size() - 1);
      const bool lowest = i > first && i + 1 < envelope.size() &&
                          envelope.db(i) <= envelope.db(i - 1) &&
                          envelope.db(i) <= envelope.db(i + 1);
      if (lowest && i - first > kRiseSteps && envelope.db(ahead) - envelope.db(i) >= kRiseDb &&
          envelope.db(ahead) > top_db - 9.0) {
        next = i;
        break;
      }
    }
    NoteEvent note;
    note.onset_s = envelope.time_s(from + onset);
    note.offset_s = envelope.time_s(release_start(envelope, first, end));
    note.hz = track.hz();
    note.level_db = top_db;
    const double least_s =
        envelope.owned() ? options.min_note_s : std::max(options.min_note_s, kLeastUnownedS);
    if (note.offset_s - note.onset_s >= least_s) {
      notes->push_back(note);
    }
    from = next;
  }
}

}  // namespace

std::vector<NoteEvent> transcribe_notes(std::span<const float> x,
                                        double sample_rate_hz,
                                        const NoteTranscriptionOptions& options) {
  const double max_hz = std::min(options.max_hz, 0.45 * sample_rate_hz);
  note_internal::check_sound(x, sample_rate_hz, options.min_hz, max_hz);
  std::vector<NoteEvent> notes;
  if (x.empty()) {
    return notes;
  }
  MultiPitch multi_pitch(sample_rate_hz, {options.min_hz, max_hz, options.max_polyphony});
  const auto hop = static_cast<std::int64_t>(std::lround(kHopS * sample_rate_hz));
  const int frames = static_cast<int>(1 + std::ssize(x) / hop);
  const std::vector<double> levels = window_levels(x, hop, multi_pitch.window_samples(), frames);
  const double loudest = *std::max_element(levels.begin(), levels.end());
  if (loudest <= 0.0) {
    return notes;
  }
  const double gate = loudest * std::pow(10.0, -options.floor_db / 20.0);
  const double floor = 0.1 * gate;
  Linker linker;
  for (int t = 0; t < frames; ++t) {
    if (levels[static_cast<std::size_t>(t)] < gate) {
      linker.add(t, {});
      continue;
    }
    multi_pitch.analyse(x, t * hop);
    linker.add(t, multi_pitch.find(floor));
  }
  std::vector<Track> tracks = linker.finish();
  double top_power = 0.0;
  for (const Track& track : tracks) {
    top_power = std::max(top_power, track.top_power());
  }
  std::erase_if(tracks, [&](const Track& track) {
    return track.last_s() - track.first_s() + kHopS < kShortestTrackS ||
           track.top_power() < top_power * std::pow(10.0, -options.floor_db / 10.0);
  });
  drop_skirts(&tracks);
  for (const Track& track : tracks) {
    std::vector<double> others_hz;
    for (const Track& other : tracks) {
      if (&other != &track && other.first_s() < track.last_s() + 0.1 &&
          other.last_s() > track.first_s() - 0.1) {
        others_hz.push_back(other.hz());
      }
    }
    add_notes_of(x, sample_rate_hz, track, others_hz, options, &notes);
  }
  std::sort(notes.begin(), notes.end(), [](const NoteEvent& a, const NoteEvent& b) {
    return a.onset_s != b.onset_s ? a.onset_s < b.onset_s : a.hz < b.hz;
  });
  return notes;
}

}  // namespace ondes
