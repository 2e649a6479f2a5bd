// Mel-cepstral distortion, by the rules of whoever is quoted.
//
//   d(a, b) = K sqrt(sum over m = first .. order of (a[m] - b[m])^2),   K = 10 sqrt(2) / ln 10 dB
//   synchronous_db = mean of d over the frames that both have
//   dtw_db         = mean of d over the pairs of the alignment's path
//
// | profile    | analysis                                              | c0  | alignment         |
// | `default`  | SPTK mcep of 25 ms, 5 ms hop, Hamming, all-pass alpha | out | exact DTW         |
// | `espnet`   | int16 scale, Hamming 1024/256, mcep, eps 1e-6         | in  | fastdtw, radius 1 |
// | `versa`    | imported WORLD envelopes, order 39, alpha .466        | in  | see below         |
// | `pymcd`    | imported WORLD envelopes, order 13, alpha .65         | in* | fastdtw, radius 1 |
// | `kubichek` | log10 of 20 mel bands, 15 cosines, K = 1              | out | fastdtw of bands  |
//
// value_db is what the tool prints (mode "plain" or "dtw" where it has both: `aligned`).
//
// `default`: an integer delay is taken out first and reported. Orders 23 (to 16 kHz), 34 (to 24
//   kHz), 39. The epsilon on the periodogram is 1e-12 of the louder recording's mean square, so
//   that a common gain changes nothing and digital silence has a spectrum; for the same reason
//   SPTK's first comparison is left out (dsp/mel_cepstrum.h). Symmetric.
// `espnet`: evaluate_mcd.py (rates 16, 22.05, 24, 44.1, 48 kHz only), SPTK's first comparison
//   included. Not symmetric: fastdtw.
// `versa`: mcd_f0.py; plain: the shorter length; aligned: frames within 20 dB of each recording's
//   mean power, fastdtw of radius 1.
// `pymcd`: pymcd 0.2.1; * c0 is left out of the alignment and is in the cost; the power envelope
//   goes in as an amplitude, as there. Its mode "dtw_sl" is value_db times length_ratio.
// `kubichek`: mel-cepstral-distance 0.0.4 with its defaults (radius 10); a number without K, called
//   dB here as there. Its penalty is in the result. Its coefficients are cos(i (n - 1/2) pi / 20)
//   for i = 2 .. 16.
//
// Nothing is cut silently: frames of both sides and the pairs compared are in the result.
// Self-distance is 0 in every profile. `default` aligns within 10 s where all cells would be more
// than 2^30 (pairs longer than 2.7 minutes), and says so among its parameters.
//
// Shapes: T frames, K bins, M order.   envelopes (T,K)   cepstra (T,M+1)
// Throws Error{usage} for a rate that a profile does not have and for profiles that need WORLD,
// Error{bad_input} for NaN, infinity and samples beyond 1e6. Too short for one frame: no value,
// with a reason. Any thread; allocates per call.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/dtw.h"
#include "dsp/metrics/measured.h"
#include "engine/views.h"

namespace ondes {

enum class McdProfile { standard, espnet, versa, pymcd, kubichek };

// Nothing for other names; `standard` is called "default".
std::optional<McdProfile> mcd_profile(std::string_view name);
const std::vector<std::string>& mcd_profile_names();
bool mcd_profile_needs_envelopes(McdProfile profile);  // of WORLD, made elsewhere

struct McdOptions {
  McdProfile profile = McdProfile::standard;
  bool aligned = true;           // value_db is dtw_db; else synchronous_db
  bool compensate_delay = true;  // `default` only
  double max_delay_s = 0.1;      // of the compensation
  std::int64_t band_frames = 0;  // Sakoe-Chiba, `default` only; 0: all cells of pairs up to 2.7 min
};

struct MelCepstralDistortion {
  Measured value_db;
  Measured dtw_db;
  Measured synchronous_db;
  std::int64_t reference_frames = 0;
  std::int64_t generated_frames = 0;
  std::int64_t synchronous_frames = 0;  // that both have; the rest has no partner there
  std::int64_t aligned_pairs = 0;       // steps of the path
  std::int64_t delay_samples = 0;       // taken out: > 0, the generated sound was late
  double delay_correlation = 0.0;
  double length_ratio = 1.0;       // longer / shorter, in frames
  double alignment_penalty = 0.0;  // 2 - (reference + generated frames) / pairs, in 0 .. 1
  double hop_s = 0.0;
  std::vector<DtwStep> path;    // a: reference frame, b: generated frame
  std::vector<double> path_db;  // d along the path
  std::string parameters;       // everything the number depends on, in one line
};

// Of recordings. Profiles `default`, `espnet`, `kubichek`.
MelCepstralDistortion mel_cepstral_distortion(std::span<const float> reference,
                                              std::span<const float> generated,
                                              int sample_rate_hz,
                                              const McdOptions& options = {});

// Of power envelopes as WORLD's CheapTrick makes them (5 ms apart): profiles `versa`, `pymcd`.
MelCepstralDistortion mel_cepstral_distortion_of_envelopes(ConstFrames reference,
                                                           ConstFrames generated,
                                                           const McdOptions& options);

// Of mel-cepstra (c0 first) by the profile's alignment and choice of coefficients; there are no
// envelopes here, so `versa` aligned keeps all frames. Not `kubichek`.
MelCepstralDistortion mel_cepstral_distortion_of_cepstra(ConstFrames reference,
                                                         ConstFrames generated,
                                                         const McdOptions& options);

// The parameter string alone, for tables of a corpus.
std::string mcd_parameters(int sample_rate_hz, const McdOptions& options);

}  // namespace ondes
