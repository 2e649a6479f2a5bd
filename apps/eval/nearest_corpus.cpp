#include "apps/eval/nearest_corpus.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "apps/eval/pairing.h"
#include "dsp/resample.h"
#include "dsp/spectral_fingerprint.h"
#include "engine/error.h"
#include "models/training/clip_corpus.h"
#include "models/training/note_corpus.h"
#include "models/training/sound_files.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMaxFrames = std::int64_t{1} << 28;

std::vector<float> at_search_rate(std::span<const float> x, int rate_hz) {
  if (rate_hz == kFingerprintRateHz) {
    return {x.begin(), x.end()};
  }
  Resampler resampler(rate_hz, kFingerprintRateHz, 1);
  std::vector<float> out;
  resampler.process(ConstFrames(x.data(), static_cast<int>(x.size()), 1), out);
  resampler.finish(out);
  return out;
}

std::string note_name(const NoteCorpus& corpus, std::size_t index) {
  const CorpusNote& note = corpus.notes[index];
  return fmt::format("{} key {:.4g} velocity {}, held {:.2f} s (note {})",
                     corpus.instruments[static_cast<std::size_t>(note.instrument)].name,
                     note.pitch_semitones, note.velocity,
                     static_cast<double>(note.release_sample) / corpus.sample_rate_hz, index);
}

void add_notes(SearchCorpus& search) {
  const auto corpus = std::make_shared<const NoteCorpus>(open_note_corpus(search.path));
  search.kind = "training notes";
  for (std::size_t i = 0; i < corpus->notes.size(); ++i) {
    const CorpusNote& note = corpus->notes[i];
    if (note.split == Split::train && !note.is_neighbour) {
      search.clips.push_back(
          {note_name(*corpus, i), static_cast<double>(note.samples) / corpus->sample_rate_hz,
           [corpus, i] {
             return at_search_rate(corpus->audio(corpus->notes[i]), corpus->sample_rate_hz);
           }});
    }
  }
}

void add_clips(SearchCorpus& search) {
  const auto corpus = std::make_shared<const ClipCorpus>(open_clip_corpus(search.path));
  search.kind = "training clips";
  for (std::size_t i = 0; i < corpus->clips.size(); ++i) {
    const Clip& clip = corpus->clips[i];
    if (clip.split == Split::train) {
      search.clips.push_back(
          {clip.name, static_cast<double>(clip.samples) / corpus->sample_rate_hz, [corpus, i] {
             return at_search_rate(corpus->audio(corpus->clips[i]), corpus->sample_rate_hz);
           }});
    }
  }
}

void add_sounds(SearchCorpus& search) {
  search.kind = "sounds";
  for (const std::string& path : sounds_at(search.path)) {
    const std::string name =
        path == search.path ? path : fs::path(path).lexically_relative(search.path).string();
    search.clips.push_back(
        {name, 0.0, [path] { return read_mono(path, kFingerprintRateHz, kMaxFrames); }});
  }
}

}  // namespace

SearchCorpus open_search_corpus(const std::string& path) {
  SearchCorpus search;
  search.path = path;
  if (fs::exists(fs::path(path) / "corpus.json")) {
    add_notes(search);
  } else if (fs::exists(fs::path(path) / "clips.json")) {
    add_clips(search);
  } else {
    add_sounds(search);
  }
  if (search.clips.empty()) {
    throw Error(ErrorCode::bad_input, path + ": expected " + search.kind + ", found none");
  }
  return search;
}

}  // namespace ondes
