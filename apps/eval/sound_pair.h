// Two files as measurements want them: mono, at one rate, trimmed and aligned as the policies say.
// What was done is said in words.
//
//   channels  the mean of all, as librosa takes it
//   rate      the generated sound goes to the reference's (soxr, dsp/resample.h)
//   trimming  frames of 20 ms every 5 ms whose RMS lies more than `trim_below_peak_db` below the
//             loudest frame of that sound are silence; what stands before the first frame that is
//             none and after the last is cut. A silent sound stays whole.
//   delay     the integer delay within `max_delay_s` that dsp/metrics/delay.h finds; the sound that
//             is late loses its first samples
//
// Lengths are never made equal: what compares sample by sample takes the common length
// (common_reference(), common_generated()) and the difference is noted.
//
// Any thread; memory grows with the sounds.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"

namespace ondes {

inline constexpr int kMinEvalRateHz = 4000;
inline constexpr int kMaxEvalRateHz = 384000;

// A sound as it was found, mixed down.
struct MonoSound {
  SoundInfo info;
  std::vector<float> samples;
};

struct SoundPair {
  int rate_hz = 0;
  std::vector<float> reference;
  std::vector<float> generated;
  std::vector<std::string> notes;

  std::size_t common_samples() const { return std::min(reference.size(), generated.size()); }
  std::span<const float> common_reference() const { return {reference.data(), common_samples()}; }
  std::span<const float> common_generated() const { return {generated.data(), common_samples()}; }
};

// Path, size and time of change; the rest as it is in the file's header. Throws Error{io}.
SoundInfo file_identity(const std::string& path);

// Throws Error{io} or Error{bad_input}: unreadable, empty, broken, not finite, or more channels than
// one where the policy refuses them.
MonoSound read_mono(const std::string& path, EvaluationPolicies::Channels policy);

// Consumes both. Throws Error{bad_input} where the rates differ and the policy refuses that.
SoundPair fit_sounds(MonoSound reference, MonoSound generated, const EvaluationPolicies& policies);

}  // namespace ondes
