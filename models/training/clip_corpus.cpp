#include "models/training/clip_corpus.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dsp/audio_file.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/sha256.h"
#include "engine/weights/voice_file.h"
#include "models/training/note_split.h"
#include "models/training/sound_files.h"

namespace ondes {
namespace {

constexpr std::int64_t kMaxFrames = std::int64_t{1} << 29;  // 46 minutes at 192 kHz
constexpr double kMostSamples = 9007199254740992.0;         // 2^53: exact in JSON's numbers

// A uniform number that depends on the file's path alone.
double fate_of(const std::string& name, std::uint64_t seed) {
  const std::string hash = sha256_hex(std::as_bytes(std::span(name.data(), name.size())));
  NoteDice dice(seed, std::stoull(hash.substr(0, 16), nullptr, 16));
  return dice.uniform();
}

void split_clips(const ClipCorpusSpec& spec, std::vector<Clip>* clips) {
  std::vector<double> fates;
  for (const Clip& clip : *clips) {
    fates.push_back(fate_of(clip.name, spec.seed));
  }
  for (std::size_t i = 0; i < clips->size(); ++i) {
    (*clips)[i].split = fates[i] < spec.validation_share ? Split::validation : Split::train;
  }
  const auto lowest = std::min_element(fates.begin(), fates.end()) - fates.begin();
  const auto highest = std::max_element(fates.begin(), fates.end()) - fates.begin();
  (*clips)[static_cast<std::size_t>(lowest)].split = Split::validation;
  (*clips)[static_cast<std::size_t>(highest)].split = Split::train;
}

std::int64_t whole(JsonFields* fields, const std::string& key) {
  const double value = fields->number(key, 0.0, kMostSamples);
  const auto result = static_cast<std::int64_t>(value);
  if (static_cast<double>(result) != value) {
    fields->refuse(key, "a whole number", std::to_string(value));
  }
  return result;
}

}  // namespace

void make_clip_corpus(const ClipCorpusSpec& spec,
                      const std::filesystem::path& folder,
                      const std::function<void(int done, int total)>& progress) {
  const std::vector<std::filesystem::path> files = sound_files(spec.recordings);
  if (files.size() < 2) {
    throw Error(ErrorCode::bad_input,
                spec.recordings.string() +
                    ": expected at least two WAV or FLAC files, one of them to validate with, "
                    "found " +
                    std::to_string(files.size()));
  }
  std::filesystem::create_directories(folder);
  std::filesystem::remove(folder / "clips.json");  // until the new one is complete
  AtomicFileWriter audio((folder / "audio.f32").string());
  std::vector<Clip> clips;
  std::int64_t written = 0;
  for (const std::filesystem::path& file : files) {
    const std::filesystem::path path = spec.recordings / file;
    const int rate_hz = AudioFileReader(path.string()).info().sample_rate_hz;
    if (!spec.resamples && rate_hz != spec.sample_rate_hz) {
      throw Error(ErrorCode::bad_input, path.string() + ": sample rate: expected " +
                                            std::to_string(spec.sample_rate_hz) + ", found " +
                                            std::to_string(rate_hz));
    }
    const std::vector<float> mono = read_mono(path, spec.sample_rate_hz, kMaxFrames);
    audio.write(std::as_bytes(std::span(mono)));
    const auto samples = static_cast<std::int64_t>(mono.size());
    clips.push_back({file.generic_string(), written, samples});
    written += samples;
    progress(static_cast<int>(clips.size()), static_cast<int>(files.size()));
  }
  audio.commit();
  split_clips(spec, &clips);
  nlohmann::json json = {{"sample_rate", spec.sample_rate_hz}};
  json["clips"] = nlohmann::json::array();
  for (const Clip& clip : clips) {
    json["clips"].push_back({{"name", clip.name},
                             {"first", clip.first_sample},
                             {"samples", clip.samples},
                             {"validation", clip.split == Split::validation}});
  }
  const std::string text = json.dump(0) + "\n";
  write_file_atomically((folder / "clips.json").string(), std::as_bytes(std::span(text)));
}

ClipCorpus open_clip_corpus(const std::filesystem::path& folder) {
  const std::string index = (folder / "clips.json").string();
  const nlohmann::json json = read_json_file(index);
  JsonFields fields(json, index);
  ClipCorpus corpus;
  corpus.sample_rate_hz = fields.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  const auto mapping = std::make_shared<MappedFile>((folder / "audio.f32").string());
  const std::span<const std::byte> bytes = mapping->bytes();
  corpus.samples = {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  corpus.storage = mapping;
  for (const auto& entry : fields.objects("clips", {2, std::size_t{1} << 24U})) {
    JsonFields f(entry, index + ": clips[" + std::to_string(corpus.clips.size()) + "]");
    Clip clip{f.text("name"), whole(&f, "first"), whole(&f, "samples")};
    clip.split = f.boolean("validation", false) ? Split::validation : Split::train;
    f.refuse_unknown();
    if (clip.first_sample + clip.samples > static_cast<std::int64_t>(corpus.samples.size())) {
      f.refuse("samples", "a clip inside audio.f32", std::to_string(clip.samples));
    }
    corpus.clips.push_back(std::move(clip));
  }
  fields.refuse_unknown();
  return corpus;
}

}  // namespace ondes
