// A corpus of plain recordings on disk, for generators that are fed features of the audio itself.
//
// A folder with `clips.json` (rate, one entry a clip) and `audio.f32` (all clips end to end, mono
// float32 in the machine's byte order), made once from a folder of sound files and then mapped: an
// hour at 22.05 kHz is 318 MB on disk and no memory. Files fall into training and validation each by
// dice of its own path, so that adding files moves no other to the other side.
//
// Set-up thread. Throws Error naming file and field.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/training/note_corpus.h"

namespace ondes {

struct ClipCorpusSpec {
  std::filesystem::path recordings;  // WAV and FLAC files in any depth
  int sample_rate_hz = 22050;
  bool resamples = true;  // files of another rate; else they are refused by name
  double validation_share = 0.02;
  std::uint64_t seed = 1;
};

struct Clip {
  std::string name;  // the file's path under the folder
  std::int64_t first_sample = 0;
  std::int64_t samples = 0;
  Split split = Split::train;
};

struct ClipCorpus {
  int sample_rate_hz = 0;
  std::vector<Clip> clips;
  std::span<const float> samples;       // audio.f32, mapped
  std::shared_ptr<const void> storage;  // the mapping

  std::span<const float> audio(const Clip& clip) const {
    return samples.subspan(static_cast<std::size_t>(clip.first_sample),
                           static_cast<std::size_t>(clip.samples));
  }
};

// Either side has at least one clip. Throws Error{bad_input} where there are fewer than two files.
void make_clip_corpus(const ClipCorpusSpec& spec,
                      const std::filesystem::path& folder,
                      const std::function<void(int done, int total)>& progress);

ClipCorpus open_clip_corpus(const std::filesystem::path& folder);

}  // namespace ondes
