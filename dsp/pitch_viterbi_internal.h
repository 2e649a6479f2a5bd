// The most probable way through pitch bins that are each voiced or unvoiced: the hidden Markov model
// of pYIN (dsp/pyin.h), with the transitions of librosa.pyin.
//
//   from bin i to bin j of the same voicing     (1 - switch) w(j - i) / n(i)
//   to the other voicing                        switch w(j - i) / n(i)
//   w(o) = 1 - |o| / (reach + 1) for |o| <= reach, n(i) = sum of w over the bins there are
//
// What is impossible has the probability `tiny` (2.2e-308), not 0, as there: a jump beyond the reach
// is taken where every other way is impossible too. Exact all the same in reach * bins steps a
// frame, because such a jump is best from the best state of all.
//
// Keeps 2 * bins indices of 2 bytes a frame. One thread at a time.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ondes::pitch_internal {

struct ViterbiOptions {
  int bins = 0;  // up to 16000
  int reach_bins = 0;
  double switch_probability = 0.01;
};

struct BinProbability {
  int bin = 0;
  double probability = 0.0;
};

class PitchViterbi {
 public:
  explicit PitchViterbi(const ViterbiOptions& options);

  // The next frame: what its voiced bins have; every unvoiced bin has `unvoiced`.
  void add(std::span<const BinProbability> voiced, double unvoiced);

  // The bin of each frame, -1 where the way is unvoiced.
  std::vector<int> way() const;

 private:
  // best_[v], from_[v]: of the way to each bin that comes from voicing v (0 voiced).
  void reach_from(int voicing);

  int bins_;
  int reach_;
  int stride_;  // of a voicing's values, padded by the reach on both sides
  double log_stay_;
  double log_switch_;
  std::vector<double> log_weight_;  // 2 reach + 1
  std::vector<double> log_norm_;    // bins
  std::vector<double> value_;       // (2, stride) log-probabilities of the last frame
  std::vector<double> shifted_;     // stride, scratch
  std::vector<double> best_[2];
  std::vector<double> from_[2];      // whole numbers in doubles: they move through vectors
  std::vector<double> observed_;     // 2 * bins
  std::vector<std::uint16_t> back_;  // 2 * bins a frame
  std::int64_t frames_ = 0;
};

}  // namespace ondes::pitch_internal
