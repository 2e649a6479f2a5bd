// Zero crossings as librosa counts them (librosa.zero_crossings, feature.zero_crossing_rate).
//
//   s[n] = x[n] < 0, where |x[n]| <= 1e-10 counts as zero and zero as positive
//   a crossing stands at n > 0 where s[n] differs from s[n - 1]
//   rate of a frame = crossings inside it / its length; frame t is centred on sample t * hop and the
//   signal continues with its first and last sample; T = 1 + S / hop
//
// No state: any thread.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ondes {

// Crossings of the whole signal (the first sample is none).
std::int64_t count_zero_crossings(std::span<const float> x) noexcept;

struct ZeroCrossingOptions {
  int frame_samples = 2048;
  int hop_samples = 512;
};

// Crossings a sample, a frame each. Empty for no samples. Throws Error{usage} for sizes below 1 (a
// frame: 2, even).
std::vector<float> zero_crossing_rate(std::span<const float> x,
                                      const ZeroCrossingOptions& options = {});

}  // namespace ondes
