// The details of one pair: players, spectrograms, their difference, pitch, time warp, distances.
//
// Any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/pair_detail.h"
#include "apps/eval/report/pair_rows.h"

namespace ondes::report {

// How much sound the page may still take; what does not fit is named instead.
struct SoundBudget {
  double longest_s = 30.0;                          // of each sound, its beginning
  std::size_t bytes_left = std::size_t{48} << 20U;  // of all, as WAV
};

// A mono PCM16 WAV file of the first `longest_s` seconds, rounded without dither: a 16-bit file that
// no policy touched keeps its samples. |x| > 1 is clamped.
std::vector<std::byte> wav_bytes(const std::vector<float>& samples, int rate_hz, double longest_s);

// HTML of one row of the table: two systems share their plots. `details` runs parallel to
// row.results; where the result is null or failed, its detail is not looked at. Takes from the
// budget what it uses.
std::string pair_html(const Evaluation& evaluation,
                      const PairRow& row,
                      std::size_t index,
                      const std::vector<PairDetail>& details,
                      SoundBudget& budget);

}  // namespace ondes::report
