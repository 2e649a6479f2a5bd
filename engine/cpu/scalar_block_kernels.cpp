// The kernels of block plans as plain loops: what runs where there are no vectors, and what a reader
// should read before the vector ones.
#include <array>
#include <cmath>

#include "engine/cpu/block_kernels_internal.h"
#include "engine/deterministic_math.h"
#include "engine/ops/block_map.h"
#include "engine/ops/norm_sums.h"

namespace ondes {
namespace {

constexpr int kLanes = 8;

float map_packed(const PackedMap& map, float x, int channel) noexcept {
  BlockMap one;
  one.kind = map.kind;
  one.slope = map.slope;
  if (map.alpha != nullptr) {
    one.alpha = {map.alpha + channel, 1};
    one.inverse_beta = {map.inverse_beta + channel, 1};
  }
  return map_value(one, x, 0);
}

std::uint8_t quantised(const QuantisedCall& call, float x, int channel) noexcept {
  float v = exact::fma(x, call.inverse[channel], call.zero[channel]);
  v = v < 0.0F ? 0.0F : (v > 255.0F ? 255.0F : v);
  return static_cast<std::uint8_t>((v + 12582912.0F) - 12582912.0F);  // to the nearest, then even
}

void finish(const FinishCall& call, int frame, int channel, float y) noexcept {
  const float sum =
      call.residual == nullptr ? y : y + call.residual[frame * call.residual_step + channel];
  const float z = call.scale * sum;
  if (call.output != nullptr) {
    call.output[frame * call.output_step + channel] = z;
  }
  if (call.output_bytes.to != nullptr) {
    call.output_bytes.to[frame * call.output_bytes.step + channel] =
        quantised(call.output_bytes, z, channel);
  }
  if (call.mapped == nullptr && call.mapped_bytes.to == nullptr) {
    return;
  }
  const float mapped = map_packed(call.map, z, channel);
  if (call.mapped != nullptr) {
    call.mapped[frame * call.mapped_step + channel] = mapped;
  }
  if (call.mapped_bytes.to != nullptr) {
    call.mapped_bytes.to[frame * call.mapped_bytes.step + channel] =
        quantised(call.mapped_bytes, mapped, channel);
  }
}

void conv(const ConvCall& call) noexcept {
  const int outputs = call.vectors * kLanes;
  for (int t = 0; t < call.frames; ++t) {
    for (int o = 0; o < outputs; ++o) {
      float sum = call.bias[o];
      const float* w = call.weights + o;
      for (int k = 0; k < call.taps; ++k) {
        const float* x = call.x + t * call.x_step + k * call.tap_step;
        for (int i = 0; i < call.inputs; ++i) {
          sum = exact::fma(*w, x[i], sum);
          w += outputs;
        }
      }
      finish(call.finish, t, o, sum);
    }
  }
}

void depthwise(const ConvCall& call) noexcept {
  const int channels = call.vectors * kLanes;
  for (int t = 0; t < call.frames; ++t) {
    for (int c = 0; c < channels; ++c) {
      float sum = call.bias[c];
      for (int k = 0; k < call.taps; ++k) {
        sum = exact::fma(call.weights[k * channels + c],
                         call.x[t * call.x_step + k * call.tap_step + c], sum);
      }
      finish(call.finish, t, c, sum);
    }
  }
}

void narrow(const NarrowCall& call) noexcept {
  for (int t = 0; t < call.frames; ++t) {
    const float* w = call.weights;
    for (int o = 0; o < call.outputs; ++o) {
      float sum = call.bias[o];
      for (int k = 0; k < call.taps; ++k) {
        const float* x = call.x + (t + k * call.dilation) * call.x_step;
        for (int i = 0; i < call.inputs; ++i) {
          sum = exact::fma(*w++, x[i], sum);
        }
      }
      finish(call.finish, t, o, sum);
    }
  }
}

void sum(const SumCall& call) noexcept {
  for (int t = 0; t < call.frames; ++t) {
    for (int c = 0; c < call.channels; ++c) {
      float total = call.inputs[0][t * call.width + c];
      for (int i = 1; i < call.count; ++i) {
        total = total + call.inputs[i][t * call.width + c];
      }
      finish(call.finish, t, c, total);
    }
  }
}

void gate(const GateCall& call) noexcept {
  for (int t = 0; t < call.frames; ++t) {
    const float* x = call.x + t * call.x_width;
    for (int c = 0; c < call.channels; ++c) {
      call.output[t * call.output_width + c] =
          map_packed(call.first, x[c], c) * map_packed(call.second, x[call.channels + c], c);
    }
  }
}

void norm(const NormCall& call) noexcept {
  for (int t = 0; t < call.frames; ++t) {
    const float* x = call.x + t * call.width;
    const NormSums sums = norm_sums({x, static_cast<std::size_t>(call.channels)}, call.epsilon);
    for (int c = 0; c < call.channels; ++c) {
      call.output[t * call.width + c] =
          exact::fma((x[c] - sums.mean) * sums.inverse_deviation, call.gain[c], call.bias[c]);
    }
  }
}

void cell(const CellCall& call) noexcept {
  const float* g = call.gates;
  for (int c = 0; c < call.width; ++c) {
    const float added = exact::sigmoid(g[c]) * exact::tanh(g[2 * call.width + c]);
    call.cell[c] = exact::fma(exact::sigmoid(g[call.width + c]), call.cell[c], added);
    call.hidden[c] = exact::sigmoid(g[3 * call.width + c]) * exact::tanh(call.cell[c]);
  }
}

void conv_i8(const ConvI8Call& call) noexcept {
  const int outputs = call.vectors * kLanes;
  for (int t = 0; t < call.frames; ++t) {
    for (int o = 0; o < outputs; ++o) {
      std::int32_t sum = call.start[o];
      const std::int8_t* w = call.weights + 4 * o;
      for (int k = 0; k < call.taps; ++k) {
        const std::uint8_t* x = call.x + t * call.x_step + k * call.tap_step;
        for (int q = 0; q < call.quads; ++q, w += 4 * outputs) {
          for (int i = 0; i < 4; ++i) {
            sum += w[i] * x[4 * q + i];
          }
        }
      }
      finish(call.finish, t, o, exact::fma(static_cast<float>(sum), call.scales[o], call.bias[o]));
    }
  }
}

void quantise(const QuantiseCall& call) noexcept {
  for (int t = 0; t < call.frames; ++t) {
    for (int c = 0; c < call.channels; ++c) {
      call.bytes.to[t * call.bytes.step + c] = quantised(call.bytes, call.x[t * call.width + c], c);
    }
  }
}

}  // namespace

const BlockKernels* scalar_block_kernels() {
  static constexpr BlockKernels kKernels{"scalar", kLanes, &conv, &depthwise, &narrow,  &sum,
                                         &gate,    &norm,  &cell, &conv_i8,   &quantise};
  return &kKernels;
}

}  // namespace ondes
