#include "apps/eval/f0_tracks.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>

#include "engine/error.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr double kHopS = 0.010;
constexpr double kShortestFrameS = 0.0465;  // so that 22.05 kHz has the 2048 samples of librosa

PitchTrack read_track(const std::string& path) {
  if (!path.ends_with(".npy")) {
    return read_f0_track(path);
  }
  const MappedFile file(path);
  const NpyArray array = parse_npy(file.bytes(), path);
  return f0_track_of_array(npy_doubles(array), array.shape, path);
}

}  // namespace

PyinOptions eval_pyin_options(int rate_hz) {
  PyinOptions options;
  options.max_hz = std::min(options.max_hz, rate_hz / 4.0);
  options.frame_samples =
      static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::floor(kShortestFrameS * rate_hz))));
  options.hop_samples = static_cast<int>(std::lround(kHopS * rate_hz));
  return options;
}

std::string eval_f0_parameters() {
  const PyinOptions options;
  return fmt::format(
      "pYIN {:.1f} to {:.0f} Hz, frames of 46 to 93 ms (2^n samples), hop {:.0f} ms, "
      "in time, unaligned",
      options.min_hz, options.max_hz, 1000.0 * kHopS);
}

PitchTrack f0_track(std::span<const float> x,
                    int rate_hz,
                    const std::string& folder,
                    const std::string& id) {
  if (folder.empty()) {
    return track_pitch_pyin(x, rate_hz, eval_pyin_options(rate_hz));
  }
  for (const char* extension : {".csv", ".txt", ".f0", ".npy"}) {
    const std::string path = (fs::path(folder) / (id + extension)).string();
    std::error_code ignored;
    if (fs::exists(path, ignored)) {
      return read_track(path);
    }
  }
  throw Error(
      ErrorCode::io,
      fmt::format("{}: expected an F0 track {}.csv, .txt, .f0 or .npy, found none", folder, id));
}

}  // namespace ondes
