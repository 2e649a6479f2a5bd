// Chroma: the energy of each pitch class (C, C#, ... B), as librosa.feature.chroma_stft has it.
//
//   y_t[c] = sum over k of w[c][k] |X_t[k]|^2, divided by the greatest of the frame
//   w[c][k] = exp(-(2 d / b_k)^2 / 2) with d the distance of bin k to class c in bins of an octave
//             (nearest way round), b_k the width of the bin there (at least 1); each k's weights
//             have a sum of squares of 1, times exp(-((octave of k - 5) / 2)^2 / 2)
//
// Frames are centred in zeros: T = 1 + S / hop. A frame without energy stays 0.
//
// Shapes: S samples, N fft, K = N/2 + 1 bins, C classes.  x (S)  out (T,C)
// Set-up thread: constructor. One thread at a time: everything else.
// Source: D. Ellis, "Chroma feature analysis and synthesis" (2007), as in librosa 0.10.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/stft.h"
#include "engine/views.h"

namespace ondes {

struct ChromaConfig {
  int sample_rate_hz = 22050;
  int fft_size = 2048;
  int hop_samples = 512;
  int classes = 12;
  double tuning_bins = 0.0;    // of a class, away from A = 440 Hz
  double centre_octave = 5.0;  // of the weight over octaves
  double octave_width = 2.0;   // 0: all octaves alike
};

class Chroma {
 public:
  // Throws Error{usage} for numbers that make no sense.
  explicit Chroma(const ChromaConfig& config);

  const ChromaConfig& config() const noexcept { return config_; }
  int classes() const noexcept { return config_.classes; }
  std::int64_t frames(std::int64_t samples) const noexcept { return stft_.frames(samples); }

  // The whole signal. out must be (frames(S), C); throws Error{usage} otherwise.
  void analyze(std::span<const float> x, Frames out);
  std::vector<float> analyze(std::span<const float> x);

 private:
  ChromaConfig config_;
  Stft stft_;
  std::vector<float> weights_;  // (K, C padded)
  std::vector<float> powers_;   // (K)
  std::vector<float> sums_;     // (C padded)
};

}  // namespace ondes
