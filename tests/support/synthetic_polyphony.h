// Random chords of additive notes with the list of what sounds: for transcription and its measures.
#pragma once
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/note_event.h"

namespace ondes {

struct SyntheticPolyphony {
  std::vector<NoteEvent> notes;
  std::vector<float> samples;
};

struct SyntheticPolyphonyOptions {
  double rate_hz = 24000.0;
  int chords = 12;
  int max_voices = 4;
  int low_key = 43;   // G2
  int high_key = 84;  // C6
  bool decaying = false;
  double noise_db = -60.0;  // white, rms re full scale
};

// 12 partials that fall by 4 to 9 dB an octave, random phases; attacks of 3 to 20 ms, releases of
// 40 ms; levels within 9 dB; a chord every 0.3 to 0.6 s that lasts 60 to 120 % of that.
inline SyntheticPolyphony make_polyphony(unsigned seed,
                                         const SyntheticPolyphonyOptions& options = {}) {
  std::mt19937 generator(seed);
  const auto between = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(generator()) * 0x1p-32);
  };
  SyntheticPolyphony result;
  double now_s = 0.2;
  for (int c = 0; c < options.chords; ++c) {
    const double step_s = between(0.3, 0.6);
    const int voices = 1 + static_cast<int>(between(0.0, options.max_voices));
    std::vector<int> keys;
    while (static_cast<int>(keys.size()) < voices) {
      const int key =
          options.low_key + static_cast<int>(between(0.0, options.high_key - options.low_key + 1));
      bool free = true;
      for (const int other : keys) {
        free = free && other != key;
      }
      if (free) {
        keys.push_back(key);
        NoteEvent note;
        note.onset_s = now_s;
        note.offset_s = now_s + step_s * between(0.6, 1.2);
        note.hz = 440.0 * std::exp2((key - 69 + between(-0.1, 0.1)) / 12.0);
        note.level_db = between(-24.0, -15.0);
        // A key that still sounds is lifted before it is struck again.
        for (NoteEvent& before : result.notes) {
          if (std::abs(std::log2(before.hz / note.hz)) < 0.5 / 12.0 &&
              before.offset_s > now_s - 0.05) {
            before.offset_s = now_s - 0.05;
          }
        }
        result.notes.push_back(note);
      }
    }
    now_s += step_s;
  }
  result.samples.assign(static_cast<std::size_t>((now_s + 1.0) * options.rate_hz), 0.0F);
  for (const NoteEvent& note : result.notes) {
    const double slope = between(0.7, 1.5);
    const double attack_s = between(0.003, 0.02);
    const double decay_s = between(0.25, 0.7);
    double norm = 0.0;
    std::vector<double> phases;
    for (int h = 1; h <= 12; ++h) {
      norm += std::pow(h, -2.0 * slope);
      phases.push_back(between(0.0, 2.0 * std::numbers::pi));
    }
    const double level = std::pow(10.0, note.level_db / 20.0) / std::sqrt(norm);
    const auto first = static_cast<std::size_t>(note.onset_s * options.rate_hz);
    const auto last = static_cast<std::size_t>((note.offset_s + 0.3) * options.rate_hz);
    for (std::size_t n = first; n < std::min(last, result.samples.size()); ++n) {
      const double t = static_cast<double>(n) / options.rate_hz - note.onset_s;
      double envelope = std::min(1.0, t / attack_s);
      if (options.decaying) {
        envelope *= std::exp(-t / decay_s);
      }
      const double released_s = t - (note.offset_s - note.onset_s);
      if (released_s > 0.0) {
        envelope *= std::exp(-released_s / 0.04);
      }
      double sum = 0.0;
      for (int h = 1; h <= 12 && h * note.hz < 0.45 * options.rate_hz; ++h) {
        sum += std::pow(h, -slope) * std::sin(2.0 * std::numbers::pi * h * note.hz * t +
                                              phases[static_cast<std::size_t>(h - 1)]);
      }
      result.samples[n] += static_cast<float>(level * envelope * sum);
    }
  }
  const double noise = std::pow(10.0, options.noise_db / 20.0) * std::sqrt(3.0);
  for (float& sample : result.samples) {
    sample += static_cast<float>(noise * between(-1.0, 1.0));
  }
  return result;
}

}  // namespace ondes
