// What two sounds are compared by when one is searched for in a corpus: features to align, landmarks
// to look up, waveforms to lay over each other. All at 16 kHz.
//
// Features, a frame every 32 ms (Hann, 1024): MFCC 1 to 12 of 40 mel bands, each divided by its
// standard deviation over the corpus and by sqrt(12), then the 12 chroma as a vector of length 1.
// A frame's distance is Euclidean over both:
//
//   d = sqrt(m^2 + 2 (1 - cos)),   m the MFCCs' distance in standard deviations, cos of the chroma
//
// c0 is left out and chroma is normalised, so that a gain changes nothing. What lies more than 60 dB
// below the loudest frame at either end is cut off before.
//
// Waveform correlation: both sounds through one filter that makes the spectrum of the second flat
// (its power in a window of 200 Hz, limited to 30 dB below its greatest), then the greatest
// normalised cross-correlation over all lags with half of the shorter and 80 % of its flattened
// energy overlapping. Flat, so that all partials and noises must agree, not only the loudest. A copy comes near 1 whatever
// was done to its level; the same note played anew has other phases.
//
// Any thread; everything allocates. Throws Error{bad_input} for NaN.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/spectral_fingerprint.h"
#include "engine/views.h"

namespace ondes {

inline constexpr int kSearchHopSamples = 512;
inline constexpr int kSearchCepstra = 12;
inline constexpr int kSearchChroma = 12;
inline constexpr int kSearchColumns = kSearchCepstra + kSearchChroma;
inline constexpr int kMinSearchFrames = 4;  // less is no shape that could be aligned

struct SearchFeatures {
  std::vector<float> values;  // (T, kSearchColumns)
  int first_frame = 0;        // of the sound, that values begin with
  std::vector<Landmark> landmarks;
  std::int64_t samples = 0;

  int frames() const { return static_cast<int>(values.size()) / kSearchColumns; }
  int fingerprint_frames() const { return static_cast<int>(1 + samples / kFingerprintHopSamples); }
  ConstFrames view() const { return {values.data(), frames(), kSearchColumns}; }
};

// MFCCs are not scaled yet.
SearchFeatures search_features(std::span<const float> x);

using CepstralScale = std::array<float, kSearchCepstra>;  // what MFCCs are multiplied by
CepstralScale cepstral_scale(std::span<const SearchFeatures> corpus);
void scale_cepstra(const CepstralScale& scale, SearchFeatures& features);

// The shorter sound where it fits best into the longer one. Places are in seconds of either sound.
struct SearchAlignment {
  double distance = 0.0;  // mean of d over the shorter's frames
  double from_s = 0.0;    // in the sound that was asked for
  double to_s = 0.0;
  double clip_from_s = 0.0;
  double clip_to_s = 0.0;
};
SearchAlignment align(const SearchFeatures& sound, const SearchFeatures& clip);

// Means over the exact alignment of the matched pieces: m and 1 - cos.
struct SearchDistances {
  double mfcc_sd = 0.0;
  double chroma = 0.0;
};
SearchDistances distances(const SearchFeatures& sound,
                          const SearchFeatures& clip,
                          const SearchAlignment& place);

struct WaveformMatch {
  double correlation = 0.0;  // 0 to 1; an inverted copy is a copy
  std::int64_t lag = 0;      // sound sample = clip sample + lag
};
WaveformMatch waveform_match(std::span<const float> sound, std::span<const float> clip);

}  // namespace ondes
