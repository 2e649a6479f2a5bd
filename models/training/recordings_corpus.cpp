#include "models/training/recordings_corpus.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <tuple>

#include "dsp/pitch.h"
#include "engine/error.h"
#include "models/training/recording_names.h"
#include "models/training/recording_trim.h"
#include "models/training/sfz_file.h"
#include "models/training/sound_files.h"

namespace ondes {
namespace {

constexpr std::int64_t kMaxFrames = std::int64_t{1} << 25;  // three minutes at 192 kHz
constexpr double kTuningWarningCents = 30.0;
constexpr double kPitchSpan = 2.2;  // searched from pitch / span to pitch * span: octaves show
constexpr double kPitchSeconds = 1.5;

// The notes that names in a folder promise, in the order of their paths.
std::vector<RecordedNote> notes_in_folder(const std::filesystem::path& folder,
                                          RecordingsReport* report) {
  std::vector<RecordedNote> notes;
  for (const auto& file : sound_files(folder)) {
    if (auto note = recorded_note_from_name(file)) {
      notes.push_back(*std::move(note));
    } else {
      report->left_out.push_back(
          {file.string(), "its name is not <instrument>_<key>_<velocity>, like flute_C#4_100"});
    }
  }
  return notes;
}

std::vector<RecordedNote> notes_of_sfz(const RecordingsCorpusSpec& spec, RecordingsReport* report) {
  if (spec.instruments.size() != 1) {
    throw Error(ErrorCode::usage, spec.recordings.string() +
                                      ": an SFZ is one instrument: expected one in the list, "
                                      "found " +
                                      std::to_string(spec.instruments.size()));
  }
  SfzFile sfz = read_sfz(spec.recordings);
  for (const SfzFile::LeftOut& region : sfz.left_out) {
    report->left_out.push_back({region.region, region.reason});
  }
  report->ignored.assign(sfz.ignored.begin(), sfz.ignored.end());
  for (RecordedNote& note : sfz.notes) {
    note.instrument = spec.instruments.front().name;
  }
  return std::move(sfz.notes);
}

// Cents between the recording and the pitch it is said to have; nothing where that cannot be told.
std::optional<double> mistuning_cents(std::span<const float> held, double rate, double nominal_hz) {
  PitchOptions options;
  options.min_hz = nominal_hz / kPitchSpan;
  options.max_hz = std::min(nominal_hz * kPitchSpan, 0.49 * rate);
  if (options.max_hz <= nominal_hz) {
    return std::nullopt;  // too high to be judged at this rate
  }
  const auto size = std::min(held.size(), static_cast<std::size_t>(kPitchSeconds * rate));
  std::vector<double> cents;
  for (const PitchFrame& frame : track_pitch(held.first(size), rate, options)) {
    if (frame.hz > 0.0 && frame.aperiodicity < 0.2) {
      cents.push_back(1200.0 * std::log2(frame.hz / nominal_hz));
    }
  }
  if (cents.empty()) {
    return std::nullopt;
  }
  const auto middle = cents.begin() + static_cast<std::ptrdiff_t>(cents.size() / 2);
  std::nth_element(cents.begin(), middle, cents.end());
  return *middle;
}

std::string tuning_remark(double cents) {
  std::string text = std::to_string(std::lround(std::fabs(cents))) + " cents " +
                     (cents > 0.0 ? "above" : "below") + " the pitch its name gives";
  if (std::fabs(std::fabs(cents) - 1200.0) < 100.0) {
    text += " (an octave: middle C is C4 = 60 here)";
  }
  return text;
}

// Its place in the list: by the name in the file's name, else by that of the folder it lies in.
int instrument_of(const RecordingsCorpusSpec& spec, const RecordedNote& note) {
  for (const std::string& name : {note.instrument, note.file.parent_path().filename().string()}) {
    for (std::size_t i = 0; i < spec.instruments.size(); ++i) {
      if (spec.instruments[i].name == name) {
        return static_cast<int>(i);
      }
    }
  }
  return -1;
}

// Reads, trims and adds one file, or returns the reason why it cannot be used. Throws Error where
// the corpus cannot be written.
std::string add_recording(const RecordingsCorpusSpec& spec,
                          const std::filesystem::path& root,
                          const RecordedNote& recorded,
                          NoteCorpusWriter* writer,
                          RecordingsReport* report) {
  const int instrument = instrument_of(spec, recorded);
  if (instrument < 0) {
    return "its instrument " + recorded.instrument + " is not in the list";
  }
  std::vector<float> mono;
  try {
    mono = read_mono(root / recorded.file, spec.sample_rate_hz, kMaxFrames);
  } catch (const Error& e) {
    return e.what();  // this file's trouble, not the end
  }
  const auto trimmed = trim_recording(mono, spec.sample_rate_hz);
  if (!trimmed) {
    return "silent, or shorter than 50 ms";
  }
  const int longest = static_cast<int>(spec.longest_s * spec.sample_rate_hz);
  const int samples = std::min(trimmed->last - trimmed->first, longest);
  CorpusNote note;
  note.instrument = instrument;
  note.pitch_semitones = static_cast<float>(recorded.pitch_semitones);
  note.velocity = recorded.velocity;
  note.release_sample = std::min(trimmed->release, samples);
  const std::span<const float> audio = std::span(mono).subspan(
      static_cast<std::size_t>(trimmed->first), static_cast<std::size_t>(samples));
  const double nominal_hz = 440.0 * std::pow(2.0, (recorded.pitch_semitones - 69.0) / 12.0);
  const auto cents = mistuning_cents(audio.first(static_cast<std::size_t>(note.release_sample)),
                                     spec.sample_rate_hz, nominal_hz);
  if (cents && std::fabs(*cents) > kTuningWarningCents) {
    report->warnings.push_back({recorded.file.string(), tuning_remark(*cents)});
  }
  writer->add(note, audio);
  ++report->notes;
  return "";
}

// What makes two recordings takes of one note.
using NoteIdentity = std::tuple<int, float, int>;

NoteIdentity identity_of(const CorpusNote& note) {
  return {note.instrument, note.pitch_semitones, note.velocity};
}

std::map<NoteIdentity, Split> draw_splits(const RecordingsCorpusSpec& spec,
                                          NoteCorpusWriter* writer,
                                          int count) {
  std::map<NoteIdentity, double> fates;
  for (int i = 0; i < count; ++i) {
    const CorpusNote& note = writer->note(i);
    const auto index =
        (static_cast<std::uint64_t>(note.instrument) << 40U) |
        (static_cast<std::uint64_t>(std::lround(100.0F * note.pitch_semitones)) << 8U) |
        static_cast<std::uint64_t>(note.velocity);
    fates[identity_of(note)] = NoteDice(spec.seed, index).uniform();
  }
  std::map<NoteIdentity, Split> splits;
  for (const auto& [identity, fate] : fates) {
    splits[identity] = split_of(fate, spec.shares);
  }
  // Small sets: the training note nearest to the border crosses it.
  const std::vector<std::pair<Split, double>> wanted = {
      {Split::test, spec.shares.test}, {Split::validation, spec.shares.validation}};
  for (const auto& [split, share] : wanted) {
    const bool has = std::any_of(splits.begin(), splits.end(),
                                 [s = split](const auto& entry) { return entry.second == s; });
    const NoteIdentity* nearest = nullptr;
    for (const auto& [identity, fate] : fates) {
      if (splits[identity] == Split::train && (nearest == nullptr || fate < fates[*nearest])) {
        nearest = &identity;
      }
    }
    if (share > 0.0 && !has && fates.size() >= 3 && nearest != nullptr) {
      splits[*nearest] = split;
    }
  }
  return splits;
}

void set_splits_and_neighbours(const RecordingsCorpusSpec& spec,
                               NoteCorpusWriter* writer,
                               int count) {
  const auto splits = draw_splits(spec, writer, count);
  for (int i = 0; i < count; ++i) {
    writer->note(i).split = splits.at(identity_of(writer->note(i)));
  }
  for (int i = 0; i < count; ++i) {
    const CorpusNote& test = writer->note(i);
    if (test.split != Split::test || test.is_neighbour) {
      continue;
    }
    int nearest = -1;
    const auto distance = [&](int k) { return std::abs(writer->note(k).velocity - test.velocity); };
    for (int k = 0; k < count; ++k) {
      const CorpusNote& other = writer->note(k);
      const bool fits = other.instrument == test.instrument &&
                        other.pitch_semitones == test.pitch_semitones &&
                        other.velocity != test.velocity;
      if (fits && (nearest < 0 || distance(k) < distance(nearest))) {
        nearest = k;
      }
    }
    if (nearest >= 0) {
      writer->set_neighbour(i, nearest);
      if (writer->note(nearest).split == Split::train) {
        writer->note(nearest).split = Split::test;
        writer->note(nearest).is_neighbour = true;
      }
    }
  }
}

nlohmann::json remarks_json(const std::vector<RecordingsReport::Remark>& remarks) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& remark : remarks) {
    list.push_back(remark.file + ": " + remark.text);
  }
  return list;
}

}  // namespace

RecordingsReport make_recordings_corpus(const RecordingsCorpusSpec& spec,
                                        const std::filesystem::path& folder,
                                        const std::function<void(int, int)>& progress) {
  if (!std::filesystem::exists(spec.recordings)) {
    throw Error(ErrorCode::io, spec.recordings.string() + ": no such folder or .sfz file");
  }
  const bool is_folder = std::filesystem::is_directory(spec.recordings);
  const std::filesystem::path root = is_folder ? spec.recordings : spec.recordings.parent_path();
  RecordingsReport report;
  const std::vector<RecordedNote> recorded =
      is_folder ? notes_in_folder(spec.recordings, &report) : notes_of_sfz(spec, &report);
  NoteCorpusWriter writer(folder, spec.sample_rate_hz);
  int done = 0;
  for (const RecordedNote& note : recorded) {
    const std::string reason = add_recording(spec, root, note, &writer, &report);
    if (!reason.empty()) {
      report.left_out.push_back({note.file.string(), reason});
    }
    progress(++done, static_cast<int>(recorded.size()));
  }
  if (report.notes == 0) {
    throw Error(ErrorCode::bad_input,
                spec.recordings.string() + ": no recording can be used (" +
                    std::to_string(report.left_out.size()) + " looked at" +
                    (report.left_out.empty() ? std::string()
                                             : "; " + report.left_out.front().file + ": " +
                                                   report.left_out.front().text) +
                    ")");
  }
  set_splits_and_neighbours(spec, &writer, report.notes);
  writer.finish(spec.instruments,
                {{"source", spec.recordings.filename().string()},
                 {"licence", spec.licence},
                 {"processing", "recordings, mono sum, soxr VHQ to the corpus rate, trimmed"},
                 {"seed", spec.seed},
                 {"left_out", remarks_json(report.left_out)},
                 {"warnings", remarks_json(report.warnings)}});
  return report;
}

}  // namespace ondes
