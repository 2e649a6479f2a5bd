#include "models/training/recording_trim.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ondes {
namespace {

constexpr float kSilentPeak = 1e-4F;  // -80 dBFS
constexpr float kOnsetRatio = 0.01F;  // -40 dB of the peak
constexpr double kFloorDb = -60.0;    // under the loudest frame
constexpr double kQuietestDbfs = -90.0;
constexpr double kFrameS = 0.025;  // a period of the lowest notes
constexpr double kHopS = 0.005;
constexpr int kBendFrames = 20;  // 100 ms
constexpr double kSmallestFallDb = 9.0;
constexpr double kComebackDb = 6.0;
constexpr double kLeaveDb = 1.0;
constexpr double kShortestS = 0.05;

// dB under the loudest frame, at least the floor. Frame k is centred on sample k * hop.
std::vector<double> levels_db(std::span<const float> x, int hop, int frame) {
  const auto size = static_cast<std::ptrdiff_t>(x.size());
  std::vector<double> sums(x.size() + 1, 0.0);  // of squares
  for (std::size_t i = 0; i < x.size(); ++i) {
    sums[i + 1] = sums[i] + static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  std::vector<double> levels;
  for (std::ptrdiff_t centre = 0; centre < size; centre += hop) {
    const auto first = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, centre - frame / 2));
    const auto last = static_cast<std::size_t>(std::min(size, centre + frame / 2 + 1));
    const double power = (sums[last] - sums[first]) / static_cast<double>(last - first);
    levels.push_back(10.0 * std::log10(std::max(power, 1e-20)));
  }
  const double loudest = *std::max_element(levels.begin(), levels.end());
  const double floor = std::max(kFloorDb, kQuietestDbfs - loudest);
  for (double& level : levels) {
    level = std::max(floor, level - loudest);
  }
  return levels;
}

// The frame of the sharpest bend downwards, or -1.
int release_frame(const std::vector<double>& levels) {
  const int count = static_cast<int>(levels.size());
  const double floor = *std::min_element(levels.begin(), levels.end());
  const auto level = [&](int k) { return k < count ? levels[static_cast<std::size_t>(k)] : floor; };
  int sharpest = -1;
  double sharpest_bend = 0.0;
  double comeback = floor;  // loudest from k + kBendFrames on
  for (int k = count - 1; k >= kBendFrames; --k) {
    comeback = std::max(comeback, level(k + kBendFrames));
    const double before = level(k - kBendFrames) - level(k);
    const double after = level(k) - level(k + kBendFrames);
    if (after >= kSmallestFallDb && before <= 0.5 * after && comeback <= level(k) - kComebackDb &&
        after - before > sharpest_bend) {
      sharpest = k;
      sharpest_bend = after - before;
    }
  }
  if (sharpest < 0) {
    return -1;
  }
  // A release that reaches the floor within the window scores alike from any frame of the 100 ms
  // before it: it is where the level leaves the line that it followed until then.
  const double slope = (level(sharpest - kBendFrames) - level(sharpest)) / kBendFrames;
  int release = sharpest;
  for (int k = sharpest; k <= sharpest + kBendFrames && k < count; ++k) {
    if (level(k) >= level(sharpest) - slope * (k - sharpest) - kLeaveDb) {
      release = k;
    }
  }
  return release;
}

}  // namespace

std::optional<TrimmedRecording> trim_recording(std::span<const float> mono, int sample_rate_hz) {
  const double rate = sample_rate_hz;
  float peak = 0.0F;
  for (const float x : mono) {
    peak = std::max(peak, std::fabs(x));
  }
  if (peak < kSilentPeak) {
    return std::nullopt;
  }
  const auto attack = std::find_if(mono.begin(), mono.end(),
                                   [&](float x) { return std::fabs(x) >= kOnsetRatio * peak; });
  TrimmedRecording trimmed;
  trimmed.first =
      std::max(0, static_cast<int>(attack - mono.begin()) - static_cast<int>(0.001 * rate));
  const std::span<const float> note = mono.subspan(static_cast<std::size_t>(trimmed.first));
  const int hop = std::max(1, static_cast<int>(kHopS * rate));
  const std::vector<double> levels = levels_db(note, hop, static_cast<int>(kFrameS * rate));
  const double floor = *std::min_element(levels.begin(), levels.end());
  int end = static_cast<int>(levels.size());
  while (end > 0 && floor < -20.0 && levels[static_cast<std::size_t>(end - 1)] <= floor) {
    --end;
  }
  const int size = static_cast<int>(note.size());
  const int length = std::min(size, end * hop);
  trimmed.last = trimmed.first + length;
  if (length < kShortestS * rate) {
    return std::nullopt;
  }
  const int bend = release_frame(levels);
  trimmed.released = bend > 0 && bend * hop < length;
  trimmed.release = trimmed.released ? bend * hop : length;
  return trimmed;
}

}  // namespace ondes
