// Spectral fingerprints: which recording of many is this one a piece of, and from where on?
//
// A peak is a cell of the spectrogram (Hann, N = 1024, hop 256) that no cell within 4 frames and 3
// bins exceeds, at most 45 dB below the loudest and among the 6 strongest of its frame. A landmark is
// a pair of peaks, hashed as (f1, f2, dt):
//
//   dt = 0          f2 above f1: the next 3 peaks of the same frame (an isolated decaying note has
//                   all its peaks at its onset)
//   4 <= dt <= 63   the next 6 peaks after the anchor
//
// Two sounds that share a recording share landmarks at one time offset. A match counts the landmarks
// of the best offset (two neighbouring offsets count together: a shift is seldom whole hops) and says
// what chance gives: the hits at all other offsets, spread evenly over them, make lambda an offset;
//
//   p = 1 - (1 - P(Poisson(lambda) >= agreeing))^offsets
//
// That takes landmarks for independent, which those of one note are not: two melodies that share one
// pitch agree in all landmarks of that note. So p orders matches and alone proves nothing; the share
// of agreeing landmarks must be looked at too.
//
// Agreement says: the same pitches begin at the same times. Two performances of one note have that
// too, so that agreement alone is no proof of a copy; the waveform is (apps/eval/nearest).
//
// Hashes depend on bins: all sounds must have the same sample rate; 16 kHz is meant.
//
// Shapes: S samples, T = 1 + S / 256 frames.
// spectral_landmarks(): any thread, allocates. FingerprintIndex: add() and finish() on one thread,
// then matches() on any.
// Source: A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003; the code is our own.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace ondes {

inline constexpr int kFingerprintRateHz = 16000;
inline constexpr int kFingerprintHopSamples = 256;

struct Landmark {
  std::uint32_t hash = 0;
  std::int32_t frame = 0;  // of the anchor
};

// In the order of their anchors. Empty for silence.
std::vector<Landmark> spectral_landmarks(std::span<const float> x);

struct FingerprintMatch {
  int clip = 0;
  std::int64_t hits = 0;       // equal hashes at any offset
  std::int64_t agreeing = 0;   // at the best offset
  std::int64_t landmarks = 0;  // of the sound that was asked for
  int offset_frames = 0;       // clip frame = frame of the sound + offset
  int first_frame = 0;         // of the agreeing landmarks, in the sound that was asked for
  int last_frame = 0;
  double expected_by_chance = 0.0;  // agreeing landmarks at an offset: lambda
  double p = 1.0;                   // that chance gives as many at any offset
};

class FingerprintIndex {
 public:
  // Clips are numbered in the order of their coming.
  void add(std::span<const Landmark> landmarks, int frames);
  void finish();

  // Clips with at least one hit, the least likely by chance first. `frames` of the sound asked for.
  std::vector<FingerprintMatch> matches(std::span<const Landmark> landmarks, int frames) const;

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::int32_t clip = 0;
    std::int32_t frame = 0;
  };

  std::vector<Entry> entries_;  // by hash after finish()
  std::vector<int> clip_frames_;
};

}  // namespace ondes
