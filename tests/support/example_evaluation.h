// Made-up evaluations for tests of the report: one or two systems, file names that would break a
// page that does not escape them, a failure, values without a number, gates; and details of a
// gliding tone with noise. Seeded: the same every time.
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/pair_detail.h"
#include "dsp/stft.h"

namespace ondes {

inline constexpr const char* kHostileName = "<script>alert(\"1\")</script> & 'more' \xFF.wav";

inline MetricSummary example_summary(const System& system, std::size_t metric) {
  std::vector<double> values;
  MetricSummary sum;
  for (const PairResult& pair : system.pairs) {
    if (pair.failure.empty() && pair.values[metric].value) {
      values.push_back(*pair.values[metric].value);
    } else if (pair.failure.empty()) {
      ++sum.unmeasured;
    }
  }
  sum.count = std::ssize(values);
  if (values.empty()) {
    return sum;
  }
  std::sort(values.begin(), values.end());
  double mean = 0.0;
  for (const double value : values) {
    mean += value / static_cast<double>(values.size());
  }
  if (values.size() > 1) {
    double variance = 0.0;
    for (const double value : values) {
      variance += (value - mean) * (value - mean) / static_cast<double>(values.size() - 1);
    }
    const double half = 1.96 * std::sqrt(variance / static_cast<double>(values.size()));
    sum.sd = std::sqrt(variance);
    sum.mean_low = mean - half;
    sum.mean_high = mean + half;
  }
  sum.mean = mean;
  sum.median = values[values.size() / 2];
  sum.min = values.front();
  sum.max = values.back();
  return sum;
}

inline System example_system(const std::string& name, int pairs, double shift, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  System system;
  system.name = name;
  for (int i = 0; i < pairs; ++i) {
    PairResult pair;
    pair.id = i == 1 ? std::string(kHostileName) : "speaker/clip" + std::to_string(i);
    pair.reference = {"raw/" + pair.id + ".wav", 16000, 1, 32000, 64044, 0, "WAV, 16 bit PCM"};
    pair.generated = {name + "/" + pair.id + ".wav", 16000, 1, 32010, 64064, 0, "WAV, 16 bit PCM"};
    if (i == 3) {
      pair.failure = name + "/speaker/clip3.wav: not a sound file";
    } else {
      pair.values = {5.0 + shift + normal(random), 0.95 - 0.02 * shift + 0.01 * normal(random),
                     -23.0 + normal(random), 20.0 + 3.0 * normal(random)};
      if (i == 2) {
        pair.values[3] = MetricValue::none("no frame is voiced in both");
        pair.notes = {"generated: resampled from 24000 Hz"};
      }
    }
    system.pairs.push_back(std::move(pair));
  }
  for (std::size_t m = 0; m < 4; ++m) {
    system.summaries.push_back(example_summary(system, m));
  }
  return system;
}

// Pair 1 has the hostile name, pair 2 one value less, pair 3 failed.
inline Evaluation example_evaluation(int systems, int pairs) {
  Evaluation evaluation;
  evaluation.reference = "corpus/raw";
  evaluation.version = "9.9.9";
  evaluation.date = "2026-01-02T03:04:05Z";
  evaluation.bootstrap_seed = 1;
  evaluation.bootstrap_resamples = 10000;
  evaluation.metrics = {
      {"mcd_db", "Mel-cepstral distortion", "dB", Better::lower, "profile default; order 34", 2},
      {"stoi", "Intelligibility (STOI)", "", Better::higher, "10 kHz, 15 bands", 3},
      {"loudness_lufs", "Loudness", "LUFS", Better::neither, "BS.1770-4", 1},
      {"f0_rmse_cents", "Pitch error", "cents", Better::lower, "pYIN 60-1000 Hz", 1}};
  evaluation.systems.push_back(example_system("runs/first", pairs, 0.0, 1));
  if (systems > 1) {
    evaluation.systems.push_back(example_system("runs/second", pairs, 1.5, 2));
    evaluation.differences = {{pairs - 1, 1.5, 1.1, 1.9, 5.0, 6.5, 0},
                              {pairs - 1, -0.03, -0.04, -0.02, 0.95, 0.92, 0},
                              {pairs - 1, 0.0, -0.4, 0.4, -23.0, -23.0, -1},
                              {pairs - 2, 0.1, -1.0, 1.2, 20.0, 20.1, -1}};
  }
  evaluation.systems[0].only_in_reference = {"speaker/alone<1>"};
  evaluation.gates = {{"mcd<9", true, {}},
                      {"mean(stoi)>0.99", false, {"mean 0.950 is not above 0.99"}}};
  return evaluation;
}

inline std::vector<float> example_sound(double seconds, double noise, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, noise);
  std::vector<float> x(static_cast<std::size_t>(16000 * seconds));
  double phase = 0.0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double t = static_cast<double>(n) / 16000.0;
    phase += 2.0 * std::numbers::pi * (160.0 + 60.0 * std::sin(3.0 * t)) / 16000.0;
    double sum = 0.0;
    for (int k = 1; k < 30; ++k) {
      sum += std::sin(k * phase) / k;
    }
    const double level = 0.2 * std::fabs(std::sin(4.0 * t));
    x[n] = static_cast<float>(std::clamp(level * sum + normal(random), -1.0, 1.0));
  }
  return x;
}

inline SpectrogramImage example_image(const std::vector<float>& x) {
  Stft stft({.fft_size = 512, .hop_samples = 64});
  const auto frames = static_cast<std::size_t>(stft.frames(std::ssize(x)));
  std::vector<float> magnitudes(frames * static_cast<std::size_t>(stft.bins()));
  stft.magnitudes(x, magnitudes);
  SpectrogramImage image{static_cast<int>(frames), 256, {}, 64.0 / 16000.0, 8000.0 / 257.0};
  for (std::size_t t = 0; t < frames; ++t) {
    for (std::size_t k = 0; k < 256; ++k) {
      const float db = 20.0F * std::log10(magnitudes[t * 257 + k] / 60.0F + 1e-9F);
      image.db.push_back(std::clamp(db, -80.0F, 0.0F));
    }
  }
  return image;
}

inline PairDetail example_detail(const PairResult& pair) {
  PairDetail detail;
  detail.rate_hz = 16000;
  detail.reference = example_sound(2.0, 0.001, 1);
  detail.generated = example_sound(2.0, 0.01, static_cast<unsigned>(pair.id.size()));
  detail.reference_image = example_image(detail.reference);
  detail.generated_image = example_image(detail.generated);
  for (int i = 0; i < 200; ++i) {
    const double t = 0.01 * i;
    detail.warp.push_back({t, t + 0.006 * std::sin(9.0 * t)});
    const auto hz = static_cast<float>(160.0 + 60.0 * std::sin(3.0 * t));
    const bool voiced = std::fabs(std::sin(4.0 * t)) > 0.15;
    detail.reference_f0.hz.push_back(voiced ? hz : 0.0F);
    detail.generated_f0.hz.push_back(voiced ? 1.02F * hz : 0.0F);
    detail.mfcc_distance.push_back(static_cast<float>(5.0 + 3.0 * std::sin(20.0 * t)));
  }
  detail.reference_f0.hop_s = 0.01;
  detail.generated_f0.hop_s = 0.01;
  detail.mfcc_hop_s = 0.01;
  return detail;
}

}  // namespace ondes
