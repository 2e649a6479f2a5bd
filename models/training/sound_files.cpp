#include "models/training/sound_files.h"

#include <algorithm>
#include <cctype>

#include "dsp/audio_file.h"
#include "dsp/resample.h"
#include "engine/error.h"

namespace ondes {
namespace {

bool is_sound_file(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".wav" || extension == ".wave" || extension == ".flac";
}

}  // namespace

std::vector<std::filesystem::path> sound_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  try {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && is_sound_file(entry.path())) {
        files.push_back(entry.path().lexically_relative(folder));
      }
    }
  } catch (const std::filesystem::filesystem_error& e) {
    throw Error(ErrorCode::io, e.what());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<float> read_mono(const std::filesystem::path& path,
                             int rate_hz,
                             std::int64_t max_frames) {
  const AudioClip clip = read_audio_file(path.string(), max_frames);
  const auto channels = static_cast<std::size_t>(clip.info.channels);
  std::vector<float> mono(clip.samples.size() / channels);
  for (std::size_t i = 0; i < mono.size(); ++i) {
    float sum = 0.0F;
    for (std::size_t c = 0; c < channels; ++c) {
      sum += clip.samples[i * channels + c];
    }
    mono[i] = sum / static_cast<float>(channels);
  }
  if (mono.empty() || clip.info.sample_rate_hz == rate_hz) {
    return mono;
  }
  Resampler resampler(clip.info.sample_rate_hz, rate_hz, 1);
  std::vector<float> out;
  resampler.process(ConstFrames(mono.data(), static_cast<int>(mono.size()), 1), out);
  resampler.finish(out);
  return out;
}

}  // namespace ondes
