// The pitches that sound in one frame: harmonic summation and subtraction, after A. Klapuri,
// "Multiple fundamental frequency estimation by summing harmonic amplitudes" (ISMIR 2006), with
// the smoothness rule of his 2003 paper for what is subtracted. One thread at a time.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/fft.h"

namespace ondes::note_internal {

struct FramePitch {
  double hz = 0.0;
  double salience = 0.0;  // sum of whitened, weighted partials
  double power = 0.0;     // sum of squares of its partials' amplitudes, full-scale sine: 1
};

struct MultiPitchOptions {
  double min_hz = 60.0;
  double max_hz = 2100.0;
  int max_polyphony = 6;
};

class MultiPitch {
 public:
  MultiPitch(double sample_rate_hz, const MultiPitchOptions& options);

  int window_samples() const noexcept { return window_samples_; }

  // Sum of squares of all bins, so that quiet frames can be passed over. Leaves the spectrum for
  // find().
  double analyse(std::span<const float> x, std::int64_t centre_sample);
  // The pitches in the frame analysed last, the strongest first. `floor` is the amplitude that
  // counts as nothing.
  std::span<const FramePitch> find(double floor);
  // Sum of squares of the partials of `hz` in the frame analysed last.
  double partial_power(double hz) const;

 private:
  struct Partial {
    int low = 0;  // bins
    int high = 0;
    float weight = 0.0F;
  };
  struct Candidate {
    double hz = 0.0;
    std::size_t first_partial = 0;
    int partials = 0;
  };

  void whiten(double floor);
  double salience(const Candidate& candidate) const;
  bool is_rooted(const Candidate& candidate) const;
  FramePitch take(const Candidate& candidate);
  int peak_in(int low, int high) const;
  double bin_of_peak(int bin) const;
  void subtract(double bin, float amplitude);

  double sample_rate_hz_;
  MultiPitchOptions options_;
  int window_samples_;
  RealFft fft_;
  double bin_hz_;
  double bins_per_lobe_unit_;  // FFT bins to one bin of an unpadded transform
  double full_scale_;
  std::vector<float> window_;
  std::vector<float> magnitude_;  // full-scale sine: 1
  std::vector<float> gain_;       // whitening
  std::vector<float> residual_;   // whitened, less what was taken
  std::vector<double> band_hz_;
  std::vector<Candidate> candidates_;
  std::vector<Partial> partials_;
  std::vector<FramePitch> found_;
};

}  // namespace ondes::note_internal
