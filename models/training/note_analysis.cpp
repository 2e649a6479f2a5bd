#include "models/training/note_analysis.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace ondes {
namespace {

// RMS over [at - half, at + half] with a raised-cosine weight, from the onset on only: so that the
// level at an attack is the attack's, not half silence.
float weighted_rms(std::span<const float> audio, int at, int half) {
  const int first = std::max(0, at - half);
  const int last = std::min(static_cast<int>(audio.size()) - 1, at + half);
  double sum = 0.0;
  double weights = 0.0;
  for (int n = first; n <= last; ++n) {
    const double w = 0.5 + 0.5 * std::cos(std::numbers::pi * (n - at) / (half + 1));
    sum += w * audio[static_cast<std::size_t>(n)] * audio[static_cast<std::size_t>(n)];
    weights += w;
  }
  return weights > 0.0 ? static_cast<float>(std::sqrt(sum / weights)) : 0.0F;
}

std::vector<int> row_grid(int samples, int release, int hop) {
  std::vector<int> starts;
  for (int g = 0; g < std::min(release, samples); g += hop) {
    starts.push_back(g);
  }
  for (int g = release; g < samples; g += hop) {
    starts.push_back(g);
  }
  return starts;
}

// Complex amplitude of the component at f0 around `at`; the oscillator's phase counts from sample
// 0.
std::complex<double> heterodyne(std::span<const float> audio,
                                double cycles_per_sample,
                                int at,
                                int half) {
  const int first = std::max(0, at - half);
  const int last = std::min(static_cast<int>(audio.size()) - 1, at + half);
  std::complex<double> sum = 0.0;
  const std::complex<double> turn = std::polar(1.0, -2.0 * std::numbers::pi * cycles_per_sample);
  std::complex<double> oscillator =
      std::polar(1.0, -2.0 * std::numbers::pi * std::fmod(cycles_per_sample * first, 1.0));
  const double window_step = std::numbers::pi / (half + 1);
  const std::complex<double> window_turn = std::polar(1.0, window_step);
  std::complex<double> window = std::polar(1.0, window_step * (first - at));
  for (int n = first; n <= last; ++n) {
    sum += (0.5 + 0.5 * window.real()) * static_cast<double>(audio[static_cast<std::size_t>(n)]) *
           oscillator;
    oscillator *= turn;
    window *= window_turn;
  }
  return sum / (0.5 * (half + 1.0) * 2.0);
}

// Unwraps where the fundamental is strong enough to trust; elsewhere carries the last trusted slope
// on.
std::vector<float> unwrap_trusted(const std::vector<std::complex<double>>& track) {
  double strongest = 0.0;
  for (const auto& c : track) {
    strongest = std::max(strongest, std::abs(c));
  }
  // Against the local level of the fundamental itself: 40 dB under its loudest moment, or at an
  // absolute floor, its phase is other partials' leakage.
  const double weak = std::max(1e-6, 0.01 * strongest);
  std::vector<float> deviation(track.size(), 0.0F);
  double phase = 0.0;
  double slope = 0.0;
  std::size_t first_trusted = track.size();
  for (std::size_t k = 0; k < track.size(); ++k) {
    if (std::abs(track[k]) < weak) {
      phase += slope;
    } else {
      const double measured = std::arg(track[k]) / (2.0 * std::numbers::pi);
      if (first_trusted == track.size()) {
        first_trusted = k;
        phase = measured;
      } else {
        const double expected = phase + slope;
        const double step = measured - expected - std::round(measured - expected);
        const double now = expected + step;
        slope += 0.25 * (now - phase - slope);
        phase = now;
      }
    }
    deviation[k] = static_cast<float>(phase);
  }
  for (std::size_t k = 0; k < std::min(first_trusted, track.size()); ++k) {
    deviation[k] = first_trusted < track.size() ? deviation[first_trusted] : 0.0F;
  }
  return deviation;
}

}  // namespace

NoteAnalysis analyse_note(std::span<const float> audio,
                          const CorpusNote& note,
                          const NoteContract& contract) {
  const double rate = contract.sample_rate_hz;
  const double f0_hz = static_cast<double>(semitones_to_hz(note.pitch_semitones));
  const int period = static_cast<int>(std::lround(rate / f0_hz));
  const int level_half =
      std::clamp(period, static_cast<int>(0.005 * rate), static_cast<int>(0.025 * rate));
  NoteAnalysis analysis;
  analysis.row_starts = row_grid(note.samples, note.release_sample, contract.hop_samples);
  analysis.row_amplitude.reserve(analysis.row_starts.size());
  for (const int start : analysis.row_starts) {
    const float rms = weighted_rms(audio, start + contract.hop_samples, level_half);
    analysis.row_amplitude.push_back(std::max(rms, kSilenceRms) / kNetworkRms);
    if (rms > kSilenceRms) {
      analysis.audible_samples = std::min(note.samples, start + contract.hop_samples);
    }
  }
  std::vector<std::complex<double>> track;
  for (int at = 0; at < note.samples + kPhaseHopSamples; at += kPhaseHopSamples) {
    track.push_back(heterodyne(audio, f0_hz / rate, at, 2 * period));
  }
  analysis.phase_deviation = unwrap_trusted(track);
  return analysis;
}

void write_ramp(const NoteAnalysis& analysis, int hop_samples, int first, std::span<float> out) {
  // The row in force at `first`, and where the ramp stood when it opened.
  const auto& starts = analysis.row_starts;
  float from = 0.0F;
  std::size_t row = 0;
  const auto value = [&](int sample) {
    const float t = static_cast<float>(sample - starts[row]) / static_cast<float>(hop_samples);
    return from + (analysis.row_amplitude[row] - from) * t;
  };
  for (int n = 0; n < first + static_cast<int>(out.size()); ++n) {
    if (row + 1 < starts.size() && n == starts[row + 1]) {
      from = value(n);
      ++row;
    } else if (n < first && row + 1 < starts.size()) {
      n = std::min(first, starts[row + 1]) - 1;  // nothing to write before `first`
      continue;
    }
    if (n >= first) {
      out[static_cast<std::size_t>(n - first)] = value(n);
    }
  }
}

double phase_at(const NoteAnalysis& analysis, double nominal_hz, int sample_rate_hz, int sample) {
  const double position = static_cast<double>(sample) / kPhaseHopSamples;
  const auto k = std::min(static_cast<std::size_t>(position), analysis.phase_deviation.size() - 2);
  const double fraction = position - static_cast<double>(k);
  const double deviation = (1.0 - fraction) * static_cast<double>(analysis.phase_deviation[k]) +
                           fraction * static_cast<double>(analysis.phase_deviation[k + 1]);
  return nominal_hz * sample / sample_rate_hz + deviation;
}

}  // namespace ondes
