// How exact alignments are kept within memory: all cells of pairs up to 2^30 cells (256 MB of back
// pointers; 2.7 minutes at 5 ms), a band of 10 s on either side for longer ones. The measure adds
// the band to its parameters.
#pragma once
#include <cmath>
#include <cstdint>

namespace ondes {

// For DtwOptions::band_frames; 0: no band.
inline std::int64_t long_pair_band_frames(std::int64_t reference_frames,
                                          std::int64_t generated_frames,
                                          double hop_s) {
  constexpr std::int64_t kMostCells = std::int64_t{1} << 30;
  constexpr double kBand_s = 10.0;
  return reference_frames * generated_frames > kMostCells ? std::llround(kBand_s / hop_s) : 0;
}

}  // namespace ondes
