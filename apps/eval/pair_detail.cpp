#include "apps/eval/pair_detail.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>

#include "apps/eval/f0_tracks.h"
#include "apps/eval/score_notes.h"
#include "apps/eval/sound_pair.h"
#include "dsp/metrics/mel_cepstral_distortion.h"
#include "dsp/metrics/mfcc_distance.h"
#include "dsp/note_transcription.h"
#include "dsp/stft.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr int kFftSize = 1024;

// Amplitudes of full-scale sines in cells of the picture: of the windows and bins that fall into a
// cell the strongest, so that a thin line stays visible.
SpectrogramImage magnitudes_of(std::span<const float> x,
                               std::size_t samples,
                               int rate_hz,
                               const DetailLimits& limits) {
  const auto whole = static_cast<std::int64_t>(samples);
  StftConfig config;
  config.fft_size = kFftSize;
  // At most four windows a column: long sounds are looked at in places, a picture has no more room.
  config.hop_samples = static_cast<int>(
      std::max<std::int64_t>(kFftSize / 4, whole / (std::int64_t{4} * limits.max_columns)));
  Stft stft(config);
  const std::int64_t windows = stft.frames(whole);
  const std::int64_t per_column = (windows + limits.max_columns - 1) / limits.max_columns;
  const int per_row = (stft.bins() + limits.max_rows - 1) / limits.max_rows;
  SpectrogramImage image;
  image.columns = static_cast<int>((windows + per_column - 1) / per_column);
  image.rows = (stft.bins() + per_row - 1) / per_row;
  image.column_s =
      static_cast<double>(per_column) * static_cast<double>(config.hop_samples) / rate_hz;
  image.row_hz = static_cast<double>(per_row) * rate_hz / kFftSize;
  image.db.assign(static_cast<std::size_t>(image.columns) * static_cast<std::size_t>(image.rows),
                  0.0F);
  std::vector<float> frame(static_cast<std::size_t>(stft.bins()));
  for (std::int64_t t = 0; t < windows; ++t) {
    stft.frame_magnitudes(x, t * config.hop_samples, frame);
    const auto column = static_cast<std::size_t>(t / per_column);
    for (std::size_t k = 0; k < frame.size(); ++k) {
      float& cell = image.db[column * static_cast<std::size_t>(image.rows) +
                             k / static_cast<std::size_t>(per_row)];
      cell = std::max(cell, frame[k]);
    }
  }
  return image;
}

float greatest(const SpectrogramImage& image) {
  return image.db.empty() ? 0.0F : *std::max_element(image.db.begin(), image.db.end());
}

void to_decibels(SpectrogramImage& image, float peak, double range_db) {
  const float floor = static_cast<float>(-range_db);
  for (float& value : image.db) {
    value = value > 0.0F && peak > 0.0F ? std::max(floor, 20.0F * std::log10(value / peak)) : floor;
  }
}

void add_pictures(PairDetail& detail, const DetailLimits& limits) {
  const std::size_t samples = std::max(detail.reference.size(), detail.generated.size());
  detail.reference_image = magnitudes_of(detail.reference, samples, detail.rate_hz, limits);
  detail.generated_image = magnitudes_of(detail.generated, samples, detail.rate_hz, limits);
  const float peak = std::max(greatest(detail.reference_image), greatest(detail.generated_image));
  to_decibels(detail.reference_image, peak, detail.range_db);
  to_decibels(detail.generated_image, peak, detail.range_db);
}

// The path of the default profile, whatever profile the numbers are of: the others have paths of
// their own features, which do not read as time so well.
void add_warp(PairDetail& detail, const DetailLimits& limits) {
  const MelCepstralDistortion mcd =
      mel_cepstral_distortion(detail.reference, detail.generated, detail.rate_hz);
  const std::size_t every =
      std::max<std::size_t>(1, mcd.path.size() / static_cast<std::size_t>(limits.max_warp_points));
  const double delay_s = static_cast<double>(mcd.delay_samples) / detail.rate_hz;
  for (std::size_t i = 0; i < mcd.path.size(); ++i) {
    if (i % every == 0 || i + 1 == mcd.path.size()) {
      detail.warp.push_back({mcd.path[i].a * mcd.hop_s + std::max(0.0, -delay_s),
                             mcd.path[i].b * mcd.hop_s + std::max(0.0, delay_s)});
    }
  }
}

std::vector<float> every_nth(std::span<const double> values, std::size_t nth) {
  std::vector<float> thinned;
  for (std::size_t i = 0; i < values.size(); i += nth) {
    thinned.push_back(static_cast<float>(values[i]));
  }
  return thinned;
}

std::size_t thinning(std::size_t count, int most) {
  return (count + static_cast<std::size_t>(most) - 1) / static_cast<std::size_t>(most);
}

// On a grid of 10 ms, or as many times as thinning asks for; imported tracks are read on it too.
F0Track drawn_track(const PitchTrack& track, double duration_s, const DetailLimits& limits) {
  constexpr double kGridS = 0.010;
  std::vector<double> times;
  const auto frames = static_cast<std::size_t>(duration_s / kGridS) + 1;
  const std::size_t nth = thinning(frames, limits.max_track_points);
  for (std::size_t i = 0; i < frames; i += nth) {
    times.push_back(static_cast<double>(i) * kGridS);
  }
  F0Track drawn;
  drawn.hop_s = kGridS * static_cast<double>(nth);
  for (const double hz : pitch_track_at(track, times).hz) {
    drawn.hz.push_back(static_cast<float>(std::max(0.0, hz)));
  }
  return drawn;
}

// Everything that may be undefined for a pair leaves only its own part out.
template <class Part>
void unless_undefined(Part part) {
  try {
    part();
  } catch (const Error&) {
  }
}

void fill_render(PairDetail& detail,
                 const PairResult& pair,
                 const EvaluationPolicies& policies,
                 const DetailLimits& limits) {
  detail.score_notes = read_score_notes(pair.reference.path).notes;
  MonoSound render = read_mono(pair.generated.path, policies.channels);
  detail.rate_hz = render.info.rate_hz;
  detail.generated = std::move(render.samples);
  detail.generated_image =
      magnitudes_of(detail.generated, detail.generated.size(), detail.rate_hz, limits);
  to_decibels(detail.generated_image, greatest(detail.generated_image), detail.range_db);
  unless_undefined(
      [&] { detail.heard_notes = transcribe_notes(detail.generated, detail.rate_hz); });
}

void fill(PairDetail& detail,
          const PairResult& pair,
          const EvaluationPolicies& policies,
          const DetailLimits& limits) {
  if (pair.reference.rate_hz == 0) {
    fill_render(detail, pair, policies, limits);
    return;
  }
  SoundPair sounds = fit_sounds(read_mono(pair.reference.path, policies.channels),
                                read_mono(pair.generated.path, policies.channels), policies);
  detail.rate_hz = sounds.rate_hz;
  detail.reference = std::move(sounds.reference);
  detail.generated = std::move(sounds.generated);
  add_pictures(detail, limits);
  unless_undefined([&] { add_warp(detail, limits); });
  const auto seconds = [&](const std::vector<float>& x) {
    return static_cast<double>(x.size()) / detail.rate_hz;
  };
  unless_undefined([&] {
    detail.reference_f0 = drawn_track(
        f0_track(detail.reference, detail.rate_hz, policies.f0_reference_folder, pair.id),
        seconds(detail.reference), limits);
    detail.generated_f0 = drawn_track(
        f0_track(detail.generated, detail.rate_hz, policies.f0_generated_folder, pair.id),
        seconds(detail.generated), limits);
  });
  unless_undefined([&] {
    const MfccDistance mfcc = mfcc_distance(detail.reference, detail.generated, detail.rate_hz);
    const std::size_t nth = std::max<std::size_t>(
        1, thinning(mfcc.synchronous_by_frame_db.size(), limits.max_track_points));
    detail.mfcc_hop_s =
        static_cast<double>(mfcc.hop_samples) * static_cast<double>(nth) / detail.rate_hz;
    detail.mfcc_distance = every_nth(mfcc.synchronous_by_frame_db, nth);
  });
}

}  // namespace

PairDetail detail_of(const PairResult& pair,
                     const EvaluationPolicies& policies,
                     const DetailLimits& limits) {
  PairDetail detail;
  try {
    fill(detail, pair, policies, limits);
  } catch (const Error& error) {
    detail = {};
    detail.failure = error.what();
  } catch (const std::bad_alloc&) {
    detail = {};
    detail.failure = "not enough memory for this pair";
  }
  return detail;
}

}  // namespace ondes
