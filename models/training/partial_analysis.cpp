#include "models/training/partial_analysis.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "dsp/fft.h"
#include "dsp/stft.h"

namespace ondes {
namespace {

constexpr int kLargestFft = 1 << 15;
constexpr double kPeriods = 8.0;
constexpr int kFrames = 4;
constexpr double kSearch = 0.25;      // of the fundamental, either side
constexpr double kProminence = 4.0;   // 12 dB
constexpr double kFaintest = 3.2e-4;  // -70 dB
constexpr double kStiffest = 0.02;    // B

struct Spectrum {
  std::vector<double> magnitudes;  // mean over frames
  double bin_hz = 0.0;
  double f0_hz = 0.0;  // the recording's own
};

// The held part without its attack, or as much of the note as there is.
Spectrum held_spectrum(std::span<const float> audio,
                       const CorpusNote& note,
                       const NoteAnalysis& analysis,
                       int rate_hz) {
  const double nominal_hz = static_cast<double>(semitones_to_hz(note.pitch_semitones));
  const int wanted = static_cast<int>(kPeriods * rate_hz / nominal_hz);
  const int window = std::clamp(wanted, 4096, kLargestFft);
  const int size =
      std::min(kLargestFft, static_cast<int>(std::bit_ceil(static_cast<unsigned>(2 * window))));
  RealFft fft(size);
  const int length = std::min(window, size);
  const std::vector<float> hann = periodic_hann(length);
  const int first = std::min(static_cast<int>(0.03 * rate_hz), note.samples / 4);
  const int last = std::max(first, std::min(note.samples, first + kFrames * length) - length);
  Spectrum s;
  s.magnitudes.assign(static_cast<std::size_t>(fft.bins()), 0.0);
  s.bin_hz = static_cast<double>(rate_hz) / size;
  int frames = 0;
  for (int at = first; at <= last && frames < kFrames;
       at += std::max(1, (last - first) / kFrames)) {
    std::fill(fft.input().begin(), fft.input().end(), 0.0F);
    for (int i = 0; i < std::min(length, note.samples - at); ++i) {
      fft.input()[static_cast<std::size_t>(i)] =
          audio[static_cast<std::size_t>(at + i)] * hann[static_cast<std::size_t>(i)];
    }
    fft.transform();
    for (std::size_t k = 0; k < s.magnitudes.size(); ++k) {
      s.magnitudes[k] += static_cast<double>(std::abs(fft.output()[k]));
    }
    ++frames;
    if (last == first) {
      break;
    }
  }
  const double from = phase_at(analysis, nominal_hz, rate_hz, first);
  const int end = std::min(note.samples - 1, last + length);
  const double cycles = phase_at(analysis, nominal_hz, rate_hz, end) - from;
  s.f0_hz = end > first ? cycles * rate_hz / (end - first) : nominal_hz;
  return s;
}

}  // namespace

PartialDetune analyse_partials(std::span<const float> audio,
                               const CorpusNote& note,
                               const NoteAnalysis& analysis,
                               int sample_rate_hz,
                               int partials) {
  const Spectrum s = held_spectrum(audio, note, analysis, sample_rate_hz);
  const double loudest = *std::max_element(s.magnitudes.begin() + 1, s.magnitudes.end());
  PartialDetune result;
  result.cents.assign(static_cast<std::size_t>(partials), 0.0F);
  result.weight.assign(static_cast<std::size_t>(partials), 0.0F);
  double stiffness = 0.0;
  double sum_yh = 0.0;
  double sum_hh = 0.0;
  for (int h = 1; h <= partials; ++h) {
    const double predicted = h * s.f0_hz * std::sqrt(std::max(0.0, 1.0 + stiffness * h * h));
    result.cents[static_cast<std::size_t>(h - 1)] =
        static_cast<float>(1200.0 * std::log2(predicted / (h * s.f0_hz)));
    const auto low = static_cast<std::ptrdiff_t>((predicted - kSearch * s.f0_hz) / s.bin_hz);
    const auto high = static_cast<std::ptrdiff_t>((predicted + kSearch * s.f0_hz) / s.bin_hz) + 1;
    if (low < 2 || high + 2 >= static_cast<std::ptrdiff_t>(s.magnitudes.size())) {
      continue;
    }
    const auto begin = s.magnitudes.begin();
    const auto peak = std::max_element(begin + low, begin + high + 1);
    const auto around = static_cast<std::ptrdiff_t>(0.5 * s.f0_hz / s.bin_hz);
    const auto left = std::max<std::ptrdiff_t>(0, peak - begin - around);
    const auto right =
        std::min(static_cast<std::ptrdiff_t>(s.magnitudes.size()), peak - begin + around);
    std::vector<double> near(begin + left, begin + right);
    const auto quarter = near.begin() + static_cast<std::ptrdiff_t>(near.size() / 4);
    std::nth_element(near.begin(), quarter, near.end());
    const bool stands_out = *peak > kProminence * *quarter && *peak > kFaintest * loudest &&
                            *peak > *(peak - 1) && *peak >= *(peak + 1);
    if (!stands_out) {
      continue;
    }
    const double a = std::log(*(peak - 1));
    const double b = std::log(*peak);
    const double c = std::log(*(peak + 1));
    const double offset = 0.5 * (a - c) / (a - 2.0 * b + c);
    const double hz = (static_cast<double>(peak - begin) + offset) * s.bin_hz;
    const double ratio = hz / (h * s.f0_hz);
    result.cents[static_cast<std::size_t>(h - 1)] = static_cast<float>(1200.0 * std::log2(ratio));
    result.weight[static_cast<std::size_t>(h - 1)] = 1.0F;
    if (h >= 2) {
      const double y = ratio * ratio - 1.0;
      sum_yh += y * h * h;
      sum_hh += static_cast<double>(h) * h * h * h;
      stiffness = std::clamp(sum_yh / sum_hh, -1e-4, kStiffest);
    }
  }
  return result;
}

}  // namespace ondes
