#include "dsp/metrics/mfcc_distance.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "dsp/metrics/finite_internal.h"
#include "dsp/metrics/long_pair_internal.h"
#include "dsp/mfcc.h"

namespace ondes {

namespace {

double distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t n = 1; n < a.size(); ++n) {
    const double difference = static_cast<double>(a[n]) - static_cast<double>(b[n]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

double mean_of(std::span<const double> x) {
  double sum = 0.0;
  for (const double value : x) {
    sum += value;
  }
  return sum / static_cast<double>(x.size());
}

}  // namespace

MfccDistance mfcc_distance(std::span<const float> reference,
                           std::span<const float> generated,
                           int sample_rate_hz) {
  require_sounds(reference, generated, "MFCC distance");
  Mfcc mfcc(mfcc_profile("librosa", sample_rate_hz).value());
  MfccDistance result;
  result.parameters = mfcc_distance_parameters(sample_rate_hz);
  result.hop_samples = mfcc.config().mel.hop_samples;
  if (reference.empty() || generated.empty()) {
    result.dtw_db = Measured::none("no samples");
    result.synchronous_db = result.dtw_db;
    return result;
  }
  const std::vector<float> a = mfcc.analyze(reference);
  const std::vector<float> b = mfcc.analyze(generated);
  const ConstFrames a_frames(a.data(), static_cast<int>(a.size()) / mfcc.coefficients(),
                             mfcc.coefficients());
  const ConstFrames b_frames(b.data(), static_cast<int>(b.size()) / mfcc.coefficients(),
                             mfcc.coefficients());
  result.reference_frames = a_frames.frames();
  result.generated_frames = b_frames.frames();
  result.synchronous_frames = std::min(result.reference_frames, result.generated_frames);
  for (int t = 0; t < static_cast<int>(result.synchronous_frames); ++t) {
    result.synchronous_by_frame_db.push_back(distance(a_frames[t], b_frames[t]));
  }
  result.synchronous_db = mean_of(result.synchronous_by_frame_db);
  DtwOptions options{.first_column = 1};
  options.band_frames =
      long_pair_band_frames(result.reference_frames, result.generated_frames,
                            static_cast<double>(result.hop_samples) / sample_rate_hz);
  if (options.band_frames > 0) {
    result.parameters += " within " + std::to_string(options.band_frames) + " frames: a long pair";
  }
  result.path = dtw(a_frames, b_frames, options).path;
  for (const DtwStep step : result.path) {
    result.path_db.push_back(distance(a_frames[step.a], b_frames[step.b]));
  }
  result.dtw_db = mean_of(result.path_db);
  return result;
}

std::string mfcc_distance_parameters(int sample_rate_hz) {
  std::ostringstream out;
  out << "librosa mfcc at " << sample_rate_hz
      << " Hz: 20 coefficients of 128 power mels in dB, top_db 80, window 2048 hop 512; c0 out; "
         "euclidean; exact dtw";
  return out.str();
}

}  // namespace ondes
