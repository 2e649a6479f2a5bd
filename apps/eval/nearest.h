// `ondes eval --nearest CORPUS GEN...`: what of a corpus is a sound closest to, and is it a copy?
//
// Three things are looked at (apps/eval/nearest_analysis.h, dsp/spectral_fingerprint.h):
//
//   alignment    MFCC and chroma, the shorter sound wherever it fits best into the longer: ranks
//   fingerprint  landmarks that agree at one offset, and what chance would give; p is corrected for
//                the number of clips that were searched
//   waveform     correlation of the flattened waveforms at the places that the other two name
//
// and a verdict is given:
//
//   copy    the waveforms correlate at 0.7 or more, and at least 3 landmarks agree with p < 0.01: it
//           is that recording, whatever its level. The landmarks are asked for because two tones
//           of one partial (a vibraphone's, a high flute's) correlate at some lag, whosoever they are.
//   alike   the landmarks agree far beyond chance (p < 1e-6, at least 8 of them and 10 %), the
//           waveforms do not: the same pitches at the same times, played anew
//   none    nothing aligned beyond chance; the ranking says what is least far away
//
// Calling thread: find_nearest(), which throws Error for a corpus or list that cannot be opened at
// all; single sounds that cannot be read are results with a reason.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/eval/nearest_analysis.h"
#include "apps/progress.h"

namespace ondes {

inline constexpr double kCopyCorrelation = 0.7;
inline constexpr double kCopyP = 0.01;
inline constexpr std::int64_t kCopyLandmarks = 3;
inline constexpr double kAlikeP = 1e-6;
inline constexpr std::int64_t kAlikeLandmarks = 8;
inline constexpr double kAlikeShare = 0.10;

struct NearestRequest {
  std::string corpus;
  std::vector<std::string> generated;  // files and folders
  int count = 5;                       // nearest ones listed
  int threads = 0;                     // 0: one a processor
  ProgressMode progress = ProgressMode::automatic;
};

enum class Likeness { none, alike, copy };

struct Neighbour {
  std::string clip;
  Likeness likeness = Likeness::none;
  SearchAlignment place;
  SearchDistances distances;
  std::int64_t landmarks_agreeing = 0;
  double expected_by_chance = 0.0;  // landmarks
  double p = 1.0;                   // corrected
  double fingerprint_offset_s =
      0.0;  // time in the clip less time in the sound; 0 without landmarks
  double waveform_correlation = 0.0;
  // Where the waveforms fit, seconds: this much of the clip is at that place of the sound.
  double copied_from_s = 0.0;  // in the clip
  double copied_at_s = 0.0;    // in the sound
  double copied_s = 0.0;
};

struct NearestResult {
  std::string path;
  double duration_s = 0.0;
  std::int64_t landmarks = 0;
  std::string failure;                // "" if it could be searched for
  std::vector<Neighbour> neighbours;  // copies first, then by distance

  Likeness likeness() const;  // of the first
};

struct NearestSearch {
  std::string corpus;
  std::string kind;
  std::string version;
  std::size_t clips = 0;                // searched
  double corpus_s = 0.0;                // their length
  std::size_t too_short = 0;            // clips below kMinSearchFrames frames, or silent
  std::vector<std::string> unreadable;  // clips, with the reason
  std::vector<NearestResult> results;   // in the order of the request
  double elapsed_s = 0.0;
};

NearestSearch find_nearest(const NearestRequest& request);

}  // namespace ondes
