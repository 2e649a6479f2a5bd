#include "models/training/note_corpus.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/weights/voice_file.h"

namespace ondes {
namespace {

constexpr std::array<const char*, 3> kSplitNames = {"train", "validation", "test"};

// The whole of audio.f32, read-only.
void map_audio(const std::string& path, NoteCorpus* corpus) {
  const auto file = std::make_shared<const MappedFile>(path);
  const std::span<const std::byte> bytes = file->bytes();
  if (bytes.size() < sizeof(float)) {
    throw Error(ErrorCode::bad_input, path + ": expected samples, found an empty file");
  }
  corpus->storage = file;
  corpus->samples = {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

void check_note(const NoteCorpus& corpus,
                const CorpusNote& note,
                std::size_t index,
                const std::string& file) {
  const auto total = static_cast<std::int64_t>(corpus.samples.size());
  const bool inside =
      note.first_sample >= 0 && note.samples > 0 && note.first_sample <= total - note.samples;
  const bool sane = note.instrument >= 0 &&
                    note.instrument < static_cast<int>(corpus.instruments.size()) &&
                    note.velocity >= 1 && note.velocity <= 127 && note.release_sample > 0 &&
                    note.neighbour < static_cast<int>(corpus.notes.size());
  if (!inside || !sane) {
    throw Error(ErrorCode::bad_input, file + ": notes[" + std::to_string(index) +
                                          "]: expected a note inside audio.f32 (" +
                                          std::to_string(total) +
                                          " samples) with known instrument, found otherwise");
  }
}

// The folder, which is there afterwards, or what is to be written in it says why not.
std::filesystem::path made(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return folder;
}

CorpusNote note_from_json(const nlohmann::json& entry, const std::string& where) {
  JsonFields fields(entry, where);
  constexpr double kMostSamples = 1e15;
  constexpr int kMost = std::numeric_limits<int>::max();
  CorpusNote note;
  note.instrument = fields.integer("instrument", 0, kMost);
  note.pitch_semitones = static_cast<float>(fields.number("pitch", -128.0, 256.0));
  note.velocity = fields.integer("velocity", 1, 127);
  const double first = fields.number("first", 0.0, kMostSamples);
  note.first_sample = static_cast<std::int64_t>(first);
  if (static_cast<double>(note.first_sample) != first) {
    fields.refuse("first", "a whole number", std::to_string(first));
  }
  note.samples = fields.integer("samples", 1, kMost);
  note.release_sample = fields.integer("release", 1, kMost);
  note.split = static_cast<Split>(fields.choice("split", {kSplitNames.begin(), kSplitNames.end()}));
  note.neighbour = fields.integer("neighbour", -1, kMost, -1);
  note.is_neighbour = fields.boolean("is_neighbour", false);
  fields.refuse_unknown();
  return note;
}

}  // namespace

NoteCorpus open_note_corpus(const std::filesystem::path& folder) {
  const std::string index = (folder / "corpus.json").string();
  const nlohmann::json json = read_json_file(index);
  JsonFields fields(json, index);
  NoteCorpus corpus;
  corpus.sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  corpus.provenance = fields.object("provenance");
  for (const auto& entry : fields.objects("instruments", {1, 256})) {
    JsonFields instrument(entry, index + ": instruments");
    corpus.instruments.push_back({instrument.text("name"), instrument.integer("program", 0, 127)});
    instrument.refuse_unknown();
  }
  for (const auto& entry : fields.objects("notes", {})) {
    corpus.notes.push_back(
        note_from_json(entry, index + ": notes[" + std::to_string(corpus.notes.size()) + "]"));
  }
  fields.refuse_unknown();
  map_audio((folder / "audio.f32").string(), &corpus);
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    check_note(corpus, corpus.notes[i], i, index);
  }
  return corpus;
}

NoteCorpusWriter::NoteCorpusWriter(const std::filesystem::path& folder, int sample_rate_hz)
    : folder_(made(folder)),
      sample_rate_hz_(sample_rate_hz),
      audio_((folder / "audio.f32").string()) {
  std::error_code absent;
  std::filesystem::remove(folder / "corpus.json", absent);
}

int NoteCorpusWriter::add(CorpusNote note, std::span<const float> audio) {
  for (std::size_t i = 0; i < audio.size(); ++i) {
    if (!std::isfinite(audio[i])) {
      throw Error(ErrorCode::bad_input, folder_.string() + ": note " +
                                            std::to_string(notes_.size()) + ", sample " +
                                            std::to_string(i) + ": expected a finite number");
    }
  }
  note.first_sample = written_;
  note.samples = static_cast<int>(audio.size());
  audio_.write(std::as_bytes(audio));
  written_ += note.samples;
  notes_.push_back(note);
  return static_cast<int>(notes_.size()) - 1;
}

void NoteCorpusWriter::finish(const std::vector<CorpusInstrument>& instruments,
                              const nlohmann::json& provenance) {
  audio_.commit();
  nlohmann::json json;
  json["sample_rate"] = sample_rate_hz_;
  json["provenance"] = provenance;
  json["instruments"] = nlohmann::json::array();
  for (const CorpusInstrument& instrument : instruments) {
    json["instruments"].push_back({{"name", instrument.name}, {"program", instrument.program}});
  }
  json["notes"] = nlohmann::json::array();
  for (const CorpusNote& note : notes_) {
    nlohmann::json entry = {{"instrument", note.instrument},
                            {"pitch", note.pitch_semitones},
                            {"velocity", note.velocity},
                            {"first", note.first_sample},
                            {"samples", note.samples},
                            {"release", note.release_sample},
                            {"split", kSplitNames[static_cast<std::size_t>(note.split)]}};
    if (note.neighbour >= 0) {
      entry["neighbour"] = note.neighbour;
    }
    if (note.is_neighbour) {
      entry["is_neighbour"] = true;
    }
    json["notes"].push_back(std::move(entry));
  }
  const std::string text = json.dump(0) + "\n";
  write_file_atomically((folder_ / "corpus.json").string(), std::as_bytes(std::span(text)));
}

}  // namespace ondes
