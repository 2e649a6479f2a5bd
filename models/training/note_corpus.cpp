#include "models/training/note_corpus.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr std::array<const char*, 3> kSplitNames = {"train", "validation", "test"};

[[noreturn]] void fail_io(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorCode::io, path.string() + ": " + what + ": " + std::strerror(errno));
}

Split split_from_name(const std::string& name, const std::string& file) {
  for (std::size_t i = 0; i < kSplitNames.size(); ++i) {
    if (name == kSplitNames[i]) {
      return static_cast<Split>(i);
    }
  }
  throw Error(ErrorCode::bad_input,
              file + ": notes.split: expected train, validation or test, found " + name);
}

// The whole of audio.f32, read-only.
void map_audio(const std::filesystem::path& path, NoteCorpus* corpus) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail_io(path, "cannot open");
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size <= 0) {
    ::close(fd);
    throw Error(ErrorCode::bad_input, path.string() + ": expected samples, found an empty file");
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) {
    fail_io(path, "cannot map");
  }
  corpus->storage = std::shared_ptr<const void>(memory, [bytes](void* p) { ::munmap(p, bytes); });
  corpus->samples = {static_cast<const float*>(memory), bytes / sizeof(float)};
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

}  // namespace

NoteCorpus open_note_corpus(const std::filesystem::path& folder) {
  const std::filesystem::path index = folder / "corpus.json";
  std::ifstream stream(index);
  if (!stream) {
    fail_io(index, "cannot open");
  }
  NoteCorpus corpus;
  try {
    const nlohmann::json json = nlohmann::json::parse(stream);
    corpus.sample_rate_hz = json.at("sample_rate").get<int>();
    corpus.provenance = json.at("provenance");
    for (const auto& instrument : json.at("instruments")) {
      corpus.instruments.push_back(
          {instrument.at("name").get<std::string>(), instrument.at("program").get<int>()});
    }
    for (const auto& entry : json.at("notes")) {
      CorpusNote note;
      note.instrument = entry.at("instrument").get<int>();
      note.pitch_semitones = entry.at("pitch").get<float>();
      note.velocity = entry.at("velocity").get<int>();
      note.first_sample = entry.at("first").get<std::int64_t>();
      note.samples = entry.at("samples").get<int>();
      note.release_sample = entry.at("release").get<int>();
      note.split = split_from_name(entry.at("split").get<std::string>(), index.string());
      note.neighbour = entry.value("neighbour", -1);
      note.is_neighbour = entry.value("is_neighbour", false);
      corpus.notes.push_back(note);
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_input, index.string() + ": " + e.what());
  }
  map_audio(folder / "audio.f32", &corpus);
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    check_note(corpus, corpus.notes[i], i, index.string());
  }
  return corpus;
}

NoteCorpusWriter::NoteCorpusWriter(const std::filesystem::path& folder, int sample_rate_hz)
    : folder_(folder), sample_rate_hz_(sample_rate_hz) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::remove(folder / "corpus.json", error);
  const std::filesystem::path audio = folder / "audio.f32";
  file_ = std::fopen(audio.c_str(), "wb");
  if (file_ == nullptr) {
    fail_io(audio, "cannot write");
  }
}

NoteCorpusWriter::~NoteCorpusWriter() {
  if (file_ != nullptr) {
    std::fclose(file_);
  }
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
  if (std::fwrite(audio.data(), sizeof(float), audio.size(), file_) != audio.size()) {
    fail_io(folder_ / "audio.f32", "cannot write");
  }
  written_ += note.samples;
  notes_.push_back(note);
  return static_cast<int>(notes_.size()) - 1;
}

void NoteCorpusWriter::finish(const std::vector<CorpusInstrument>& instruments,
                              const nlohmann::json& provenance) {
  const bool flushed = std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0;
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (!flushed || !closed) {
    fail_io(folder_ / "audio.f32", "cannot write");
  }
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
  const std::filesystem::path temporary = folder_ / "corpus.json.tmp";
  std::ofstream stream(temporary, std::ios::trunc);
  stream << json.dump(0) << '\n';
  stream.close();
  std::error_code error;
  if (stream.fail() ||
      (std::filesystem::rename(temporary, folder_ / "corpus.json", error), error)) {
    fail_io(temporary, "cannot write");
  }
}

}  // namespace ondes
