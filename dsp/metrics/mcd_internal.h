// What the files of mel-cepstral distortion share: two sequences of cepstra, a choice of
// coefficients, a way of aligning and the figures that follow; the profiles' analyses.
//
// Any thread; allocates. Throws what dsp/dtw.h throws.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dsp/mel_cepstrum.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "engine/views.h"

namespace ondes {

inline constexpr double kMcdDecibels = 6.141851463713754;  // 10 sqrt(2) / ln 10

struct McdRules {
  enum class Alignment { exact, fast, fast_generated_first };
  int first_cost_column = 1;
  int last_cost_column = 0;  // 0: all from the first on
  int first_alignment_column = 1;
  Alignment alignment = Alignment::exact;
  int radius = 1;  // of the fast ones
  std::int64_t band_frames = 0;
  double scale_db = kMcdDecibels;
};

struct McdFeatures {
  ConstFrames reference;
  ConstFrames generated;
};

// Aligns `alignment`, measures `cost` (the same frames, perhaps the same features).
void compare_aligned(const McdFeatures& alignment,
                     const McdFeatures& cost,
                     const McdRules& rules,
                     MelCepstralDistortion& result);
// Frame by frame, over the frames that both have; one frame or more on both sides.
void compare_synchronous(const McdFeatures& cost,
                         const McdRules& rules,
                         MelCepstralDistortion& result);

const std::string& mcd_profile_name(McdProfile profile);
// Throw Error{usage} for a rate the profile does not have.
MelCepstrumConfig mcd_standard_config(int sample_rate_hz);
MelCepstrumConfig mcd_espnet_config(int sample_rate_hz);

// The features of the `kubichek` profile: log10 of mel bands, and the cosines over them.
struct MelBandCepstra {
  static constexpr int kBands = 20;
  static constexpr int kFirst = 1;  // columns 1 .. 15 of the cosines count
  static constexpr int kLast = 16;
  int frames = 0;
  int hop_samples = 0;
  std::vector<float> bands;    // (T, 20)
  std::vector<float> cepstra;  // (T, 20)
  ConstFrames bands_view() const { return {bands.data(), frames, kBands}; }
  ConstFrames cepstra_view() const { return {cepstra.data(), frames, kBands}; }
};
MelBandCepstra mel_band_cepstra(std::span<const float> x, int sample_rate_hz);

}  // namespace ondes
