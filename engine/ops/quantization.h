// Integer forms of matrices and vectors, for the i16 and i8 precisions.
//
//   activations   q = round(x * levels / m), m = max |x| of the vector     x ~ q * (m / levels)
//   weights       q = round(w / s_o), one scale an output                  w ~ q * s_o
//   product       y_o = init_o + float(sum over i of w_q x_q) * (s_o * (m / levels))
//
// The sum is an int32 that cannot overflow: a row's scale is raised until
// sum |w_q| * levels_bound < 2^31, whatever the activations. Activations take their scale from the
// vector at hand: it is computed by one maximum and one division, exact in any order, so it is the
// same on every machine, never clips and needs no calibration. Gated outputs lie in [-1, 1] and
// have m = 1. Every float step is a plain IEEE operation, so that the integer precisions give the
// same bytes everywhere. Set-up thread: quantize_rows. Any thread: the rest.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/host_device.h"
#include "engine/plan/step_runner.h"

namespace ondes {

// Largest |q| of an activation. i16 stops at 13 bits so that weights keep about as many.
constexpr int activation_levels(Precision precision) noexcept {
  return precision == Precision::i8 ? 127 : 8191;
}

// A matrix in integers, row-major.
struct QuantizedRows {
  int outputs = 0;
  int inputs = 0;
  std::vector<std::int16_t> values;  // (outputs, inputs)
  std::vector<float> scales;         // (outputs)
};

// weights (outputs, inputs) with rows `row_stride` apart. Throws Error{bad_input} if the inputs are
// so many that a sum could overflow.
QuantizedRows quantize_rows(
    std::span<const float> weights, int outputs, int inputs, int row_stride, Precision precision);

// Inputs a sum of many layers' gated outputs spans before it is turned to float and a new one
// begins, each with weight scales of its own. One sum for i8; i16 would lose weight bits to the
// overflow bound.
int skip_chunk_layers(int layers, int gate_channels, Precision precision) noexcept;

// Nearest integer, ties to even, |x| < 2^22.
ONDES_HOST_DEVICE inline float round_even(float x) noexcept {
  return (x + 12582912.0F) - 12582912.0F;
}

// Smallest maximum a vector is given: keeps the scale a normal number in silence.
inline constexpr float kSmallestMaximum = 1e-20F;

}  // namespace ondes
