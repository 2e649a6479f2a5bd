// Sound files as training takes them in: what a folder holds, and a file as mono at a rate.
// Set-up thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace ondes {

// WAV and FLAC files in a folder and its subfolders, relative to it, sorted. Throws Error{io}.
std::vector<std::filesystem::path> sound_files(const std::filesystem::path& folder);

// The mean of all channels, resampled to `rate_hz`. Throws as read_audio_file does.
std::vector<float> read_mono(const std::filesystem::path& path,
                             int rate_hz,
                             std::int64_t max_frames);

}  // namespace ondes
