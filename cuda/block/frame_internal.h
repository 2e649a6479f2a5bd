// Operations of block plans where a block of threads makes whole frames: layer norms, LSTMs, spectra
// to samples. Partial results lie in shared memory; their orders are the engine's. Any thread.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cuda/block/call_internal.h"
#include "engine/deterministic_math.h"
#include "engine/ops/norm_sums.h"
#include "engine/ops/spectral_frame.h"

namespace ondes::gpu {

// --- layer norm: kNormFrames frames a block, as many threads a frame as there are partial sums -----

inline constexpr int kNormLanes = static_cast<int>(kPartialSums);
inline constexpr int kNormFrames = 8;
inline constexpr int kNormThreads = kNormFrames * kNormLanes;
inline constexpr std::size_t kNormSharedBytes =
    kNormFrames * (kNormLanes + 2) * sizeof(float);  // partial sums, mean, inverse deviation

ONDES_HOST_DEVICE inline float folded_sums(const float* partial) {
  std::array<float, kPartialSums> sums{};
  for (std::size_t i = 0; i < kPartialSums; ++i) {
    sums[i] = partial[i];
  }
  return folded(sums);
}

template <typename Block>
ONDES_HOST_DEVICE void run_norm(Block& block, const BlockMemory& memory, const NormOp& op) {
  const RingView input = view_of(memory, op.input);
  const RingView output = view_of(memory, op.output);
  const int shift = shift_between(output, input);
  const int channels = op.input.channels;
  auto* partial = reinterpret_cast<float*>(block.shared());
  float* means = partial + kNormThreads;
  float* scales = means + kNormFrames;
  // Threads beyond the last frame take part in the barriers only.
  const auto rel_of = [&](int thread) { return block.index() * kNormFrames + thread / kNormLanes; };
  const auto there = [&](int thread) { return rel_of(thread) < output.count(); };
  const auto first_of_frame = [&](int thread) { return thread % kNormLanes == 0; };
  const auto count = static_cast<float>(channels);
  block.phase([&](int thread) {
    float sum = 0.0F;
    for (int c = thread % kNormLanes; there(thread) && c < channels; c += kNormLanes) {
      sum = sum + input.load(rel_of(thread) + shift, c);
    }
    partial[thread] = sum;
  });
  block.phase([&](int thread) {
    if (first_of_frame(thread)) {
      means[thread / kNormLanes] = folded_sums(partial + thread) / count;
    }
  });
  block.phase([&](int thread) {
    const float mean = means[thread / kNormLanes];
    float sum = 0.0F;
    for (int c = thread % kNormLanes; there(thread) && c < channels; c += kNormLanes) {
      const float x = input.load(rel_of(thread) + shift, c) - mean;
      sum = exact::fma(x, x, sum);
    }
    partial[thread] = sum;
  });
  block.phase([&](int thread) {
    if (first_of_frame(thread)) {
      scales[thread / kNormLanes] =
          1.0F / std::sqrt(folded_sums(partial + thread) / count + op.epsilon);
    }
  });
  block.phase([&](int thread) {
    const float* gain = in_image<float>(memory, op.gain);
    const float* bias = in_image<float>(memory, op.bias);
    const float mean = means[thread / kNormLanes];
    const float scale = scales[thread / kNormLanes];
    for (int c = thread % kNormLanes; there(thread) && c < channels; c += kNormLanes) {
      const float x = input.load(rel_of(thread) + shift, c);
      output.store(rel_of(thread), c, exact::fma((x - mean) * scale, gain[c], bias[c]));
    }
  });
}

// --- LSTM: one block, frame after frame; the gates of a layer in shared memory -----------------------

inline constexpr int kLstmThreads = 256;

template <typename Block>
ONDES_HOST_DEVICE void run_lstm(Block& block, const BlockMemory& memory, const LstmOp& op) {
  const RingView input = view_of(memory, op.input);
  const RingView output = view_of(memory, op.output);
  const int shift = shift_between(output, input);
  const auto* layers = in_image<LstmLayer>(memory, op.layers);
  auto* gates = reinterpret_cast<float*>(block.shared());
  const auto hidden_of = [&](const LstmLayer& layer) {
    return reinterpret_cast<float*>(stream_of(memory) + layer.state_at);
  };
  if (output.made == 0) {
    block.phase([&](int thread) {
      for (int l = 0; l < op.count; ++l) {
        const float* initial = in_image<float>(memory, layers[l].initial);
        for (int i = thread; i < 2 * layers[l].hidden; i += block.threads()) {
          hidden_of(layers[l])[i] = initial[i];
        }
      }
    });
  }
  for (int rel = 0; rel < output.count(); ++rel) {
    for (int l = 0; l < op.count; ++l) {
      const LstmLayer layer = layers[l];
      const int rows = 4 * layer.hidden;
      float* const hidden = hidden_of(layer);
      block.phase([&](int thread) {
        const float* below = l == 0 ? nullptr : hidden_of(layers[l - 1]);
        for (int row = thread; row < rows; row += block.threads()) {
          float sum = in_image<float>(memory, layer.bias)[row];
          const float* weights = in_image<float>(memory, layer.weights) + row;
          for (int i = 0; i < layer.inputs; ++i, weights += rows) {
            sum = exact::fma(*weights, l == 0 ? input.load(rel + shift, i) : below[i], sum);
          }
          for (int i = 0; i < layer.hidden; ++i, weights += rows) {
            sum = exact::fma(*weights, hidden[i], sum);
          }
          gates[row] = sum;
        }
      });
      block.phase([&](int thread) {
        const int h = layer.hidden;
        float* const cell = hidden + h;
        for (int c = thread; c < h; c += block.threads()) {
          const float added = exact::sigmoid(gates[c]) * exact::tanh(gates[2 * h + c]);
          cell[c] = exact::fma(exact::sigmoid(gates[h + c]), cell[c], added);
          hidden[c] = exact::sigmoid(gates[3 * h + c]) * exact::tanh(cell[c]);
          if (l + 1 == op.count) {
            output.store(rel, c, hidden[c]);
          }
        }
      });
    }
  }
}

// --- spectra to windowless samples: a block a frame ---------------------------------------------------

inline constexpr int kSpectrumThreads = 128;

// re and im of N/2 + 1 bins, then of N/2 points.
inline std::size_t spectrum_shared_bytes(int size) {
  return static_cast<std::size_t>(2 * (size / 2 + 1) + size) * sizeof(float);
}

template <typename Block>
ONDES_HOST_DEVICE void run_spectrum(Block& block, const BlockMemory& memory, const SpectrumOp& op) {
  const RingView input = view_of(memory, op.input);
  const RingView output = view_of(memory, op.output);
  const int rel = block.index();
  const int from = rel + shift_between(output, input);
  const int half = op.size / 2;
  auto* re = reinterpret_cast<float*>(block.shared());
  float* im = re + half + 1;
  float* points_re = im + half + 1;
  float* points_im = points_re + half;
  const float* cosine = in_image<float>(memory, op.cosine);
  const float* sine = in_image<float>(memory, op.sine);
  block.phase([&](int thread) {
    for (int k = thread; k <= half; k += block.threads()) {
      spectral_bin(input.load(from, k), input.load(from, half + 1 + k), op.sine_phase != 0,
                   op.magnitude_limit, re + k, im + k);
    }
  });
  if (op.power_of_two == 0) {
    block.phase([&](int thread) {
      for (int n = thread; n < op.size; n += block.threads()) {
        output.store(rel, n, summed_sample(re, im, n, op.size, cosine, sine));
      }
    });
    return;
  }
  block.phase([&](int thread) {
    const int* reversed = in_image<int>(memory, op.reversed);
    for (int k = thread; k < half; k += block.threads()) {
      const ComplexPoint point = fold_half_spectrum(re, im, k, op.size, {cosine[k], sine[k]});
      points_re[reversed[k]] = point.re;
      points_im[reversed[k]] = point.im;
    }
  });
  for (int width = 1; width < half; width *= 2) {
    block.phase([&](int thread) {
      for (int pair = thread; pair < half / 2; pair += block.threads()) {
        const int j = pair % width;
        const int a = pair / width * 2 * width + j;
        const int turn = j * (half / width);
        butterfly(points_re, points_im, a, a + width, {cosine[turn], sine[turn]});
      }
    });
  }
  block.phase([&](int thread) {
    for (int n = thread; n < half; n += block.threads()) {
      output.store(rel, 2 * n, points_re[n]);
      output.store(rel, 2 * n + 1, points_im[n]);
    }
  });
}

}  // namespace ondes::gpu
