// Amplitudes and phases over time of partials whose frequencies are known.
//
//   z_p(t) = sum over n of w[n] x[t + n] exp(-2 pi i f_p n / rate) / (sum of w / 2)
//
// with a Hann window w of N samples centred on t, n from -N/2: a sine of amplitude 1 at f_p reads an
// amplitude of 1, and its phase advances by that of f_p itself from t to t. Any thread.
#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ondes::note_internal {

struct EnvelopeRequest {
  std::span<const double> partials_hz;
  std::int64_t first_sample = 0;  // centre of the first window
  std::int64_t step_samples = 1;
  std::int64_t steps = 0;
  int window_samples = 0;
};

// (steps, partials), zeros outside the signal.
std::vector<std::complex<float>> partial_phasors(std::span<const float> x,
                                                 double sample_rate_hz,
                                                 const EnvelopeRequest& request);

// Sum over the partials of the squares, (steps).
std::vector<double> summed_powers(std::span<const std::complex<float>> phasors,
                                  std::size_t partials);

// Long enough to tell the partials of `hz` apart, short enough to see its attack.
int envelope_window(double hz, double sample_rate_hz);

// The first partials of `hz` that stand `clear_hz` from those of the other pitches; empty where none
// does.
std::vector<double> own_partials(double hz,
                                 std::span<const double> others_hz,
                                 double clear_hz,
                                 double sample_rate_hz);
// `hz` is `clear_hz` from all partials of the pitches.
bool is_clear(double hz, std::span<const double> pitches_hz, double clear_hz);

std::vector<double> first_partials(double hz, double sample_rate_hz);

// The step, with its fraction, at which the amplitude rises through the middle between what was
// there before and the top of the powers given. 0 where nothing rises.
double half_rise(std::span<const double> powers);

}  // namespace ondes::note_internal
