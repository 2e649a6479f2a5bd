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

// Vectors that share a pass over a table.
inline constexpr std::size_t kGroup = 4;
// Systems that `solve` takes at once.
inline constexpr std::size_t kLanes = 8;

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
  // The same for kGroup vectors of values at once, which share what is read of the table. The sums
  // of one do not depend on the others (but go in another order than `add_rows`).
  void (*add_rows_of_group)(const float* const values[kGroup],
                            std::size_t count,
                            const float* table,
                            std::size_t width,
                            float* const out[kGroup]);
  // out[k] = exp(min(start[k] + sum over m of values[m] table[m * width + k], 80)), for each of the
  // group alike.
  void (*envelope_ratio)(const float* const start[kGroup],
                         const float* const values[kGroup],
                         std::size_t count,
                         const float* table,
                         std::size_t width,
                         float* const out[kGroup]);
  // Solves kLanes systems at once, lane by lane: A x = b with A[i][j] = m[|i - j|] + m[i + j], by
  // elimination without pivoting. A lane's answer does not depend on the others. Returns a bit for
  // each lane whose pivots were all positive.
  //   moments (2n-1, kLanes)  right, solution (n, kLanes)  work (2 n (n+1), kLanes)
  unsigned (*solve)(
      const double* moments, const double* right, std::size_t n, double* work, double* solution);
};

// Chosen once, for this machine.
const Kernels& kernels();
// Chosen anew: for tests, which go through all.
Kernels kernels_of_chosen_target();

}  // namespace ondes::spectral
