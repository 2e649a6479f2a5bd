// The inner loops of the spectral analyses, over whole vectors of the widest instruction set that the
// machine has.
//
// A frame's values never depend on its neighbours, nor on where a block ends: an element's answer is
// the same in a full vector and in the last, partial one. Sums go in an order that depends on the
// instruction set alone (`bands`: on nothing), so the same machine always finds the same features.
//
// Any thread; nothing allocates. Pointers need no alignment; none may overlap unless it says so.
#pragma once
#include <complex>
#include <cstddef>

namespace ondes {
struct MelBand;
}

namespace ondes::spectral {

// Tables that `add_rows` and `envelope_ratio` read have rows of whole steps of that many values.
inline constexpr int kTableStep = 16;

constexpr int padded_to_step(int count) {
  return (count + kTableStep - 1) / kTableStep * kTableStep;
}

struct Kernels {
  // out[n] = a[n] b[n]; out may be a or b.
  void (*multiply)(const float* a, const float* b, float* out, std::size_t n);
  // out[k] = |x[k]|^2
  void (*power)(const std::complex<float>* x, float* out, std::size_t n);
  // out[k] = sqrt(|x[k]|^2 + epsilon)
  void (*amplitude)(const std::complex<float>* x, float epsilon, float* out, std::size_t n);
  // y[n] = scale ln(max(y[n], floor)), floor at least the least normal float; within 3e-7 of
  // itself, and 3e-7 where it is below 1. NaN and infinity stay what they are.
  void (*limited_logarithm)(float* y, float floor, float scale, std::size_t n);
  // out[m] = sum over the band's bins of weight times spectrum. Eight partial sums, added in the
  // order of MelFilterbank's judge; no fused multiply-add.
  void (*bands)(const MelBand* bands,
                std::size_t count,
                const float* weights,
                const float* spectrum,
                float* out);
  // out[i] = sum over k of values[k] table[k * width + i], i < width, a multiple of kTableStep.
  void (*add_rows)(
      const float* values, std::size_t count, const float* table, std::size_t width, float* out);
  // out[k] = exp(min(start[k] + sum over m of values[m] table[m * width + k], 80))
  void (*envelope_ratio)(const float* start,
                         const float* values,
                         std::size_t count,
                         const float* table,
                         std::size_t width,
                         float* out);
  // Solves the symmetric system whose upper triangle and right side stand in `rows` (n rows of
  // `stride` values, the right side in column n), by elimination without pivoting, in place.
  // stride >= n + 1 and a multiple of 8. False where a pivot is not positive.
  bool (*solve)(double* rows, std::size_t n, std::size_t stride, double* solution);
};

// Chosen once, for this machine.
const Kernels& kernels();
// Chosen anew: for tests, which go through all.
Kernels kernels_of_chosen_target();

}  // namespace ondes::spectral
