#include "engine/ops/quantization.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace ondes {
namespace {

// What one activation can add to a sum, per unit of weight. The int8 instruction takes activations
// as unsigned, offset by 128.
constexpr double activation_bound(Precision precision) {
  return precision == Precision::i8 ? 255.0 : 8191.0;
}

}  // namespace

QuantizedRows quantize_rows(
    std::span<const float> weights, int outputs, int inputs, int row_stride, Precision precision) {
  const float weight_levels = precision == Precision::i8 ? 127.0F : 32767.0F;
  // Half a unit a weight is left for rounding.
  const double room = 2147483647.0 / activation_bound(precision) - 0.5 * inputs - 1.0;
  if (room < 0.5 * inputs) {
    throw Error(ErrorCode::bad_input, "step plan: a product over " + std::to_string(inputs) +
                                          " inputs could overflow an integer sum");
  }
  QuantizedRows rows;
  rows.outputs = outputs;
  rows.inputs = inputs;
  rows.values.resize(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
  rows.scales.resize(static_cast<std::size_t>(outputs));
  for (int o = 0; o < outputs; ++o) {
    const float* row = weights.data() + static_cast<std::ptrdiff_t>(o) * row_stride;
    float largest = 0.0F;
    double sum = 0.0;
    for (int i = 0; i < inputs; ++i) {
      largest = std::max(largest, std::fabs(row[i]));
      sum += std::fabs(static_cast<double>(row[i]));
    }
    const float scale =
        std::max({largest / weight_levels, static_cast<float>(sum / room), kSmallestMaximum});
    rows.scales[static_cast<std::size_t>(o)] = scale;
    for (int i = 0; i < inputs; ++i) {
      const float q = std::clamp(round_even(row[i] / scale), -weight_levels, weight_levels);
      rows.values[static_cast<std::size_t>(o) * static_cast<std::size_t>(inputs) +
                  static_cast<std::size_t>(i)] = static_cast<std::int16_t>(q);
    }
  }
  return rows;
}

int skip_chunk_layers(int layers, int gate_channels, Precision precision) noexcept {
  constexpr int kChunkInputs = 256;
  return precision == Precision::i16 ? std::clamp(kChunkInputs / gate_channels, 1, layers) : layers;
}

}  // namespace ondes
