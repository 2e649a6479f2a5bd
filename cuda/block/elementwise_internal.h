// Operations of block plans where a thread makes one number: depthwise convolutions, sums, gates,
// overlap-add, and the copies that begin and end a call. Neighbouring threads make neighbouring
// channels. Every number takes its operands in the CPU's order. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/block/conv_internal.h"
#include "engine/ops/spectral_frame.h"

namespace ondes::gpu {

inline constexpr int kElementThreads = 128;

// Calls f(rel, channel) for every number of the new frames of `to`.
template <typename Block, typename F>
ONDES_HOST_DEVICE void for_numbers(Block& block, const RingView& to, int channels, const F& f) {
  block.phase([&](int thread) {
    const std::int64_t n = static_cast<std::int64_t>(block.index()) * block.threads() + thread;
    if (n < std::int64_t{channels} * to.count()) {
      const auto number = static_cast<std::uint32_t>(n);
      const auto width = static_cast<std::uint32_t>(channels);
      f(static_cast<int>(number / width), static_cast<int>(number % width));
    }
  });
}

// One input and one output a group: y[t][c] = bias[c] + sum over k of w[k][c] x[...][c]. Weights
// [tap][C], bias [C].
template <typename Block>
ONDES_HOST_DEVICE void run_depthwise(Block& block, const BlockMemory& memory, const ConvOp& op) {
  const EpilogueView to(memory, op.to);
  const RingView input = view_of(memory, op.input);
  for_numbers(block, to.frames(), op.groups, [&](int rel, int c) {
    const RingView& output = to.frames();
    int number = 0;
    if (op.phases > 0) {
      number = static_cast<int>((output.made + op.trim_left + rel) % op.phases);
    }
    const PhaseView phase = phase_view(op, input, output, number);
    const int q = (rel - phase.first_output) / phase.output_step;
    float sum = in_image<float>(memory, op.bias)[c];
    const float* weights =
        in_image<float>(memory, op.weights) +
        static_cast<std::size_t>(phase.first_tap) * static_cast<std::size_t>(op.groups) + c;
    for (int k = 0; k < phase.taps; ++k, weights += op.groups) {
      const int from =
          padded_rel(op, input, phase.first_read + q * phase.read_step + k * phase.tap_step);
      sum = exact::fma(*weights, from == kNoFrame ? 0.0F : input.load(from, c), sum);
    }
    to.finish(rel, c, sum);
  });
}

template <typename Block>
ONDES_HOST_DEVICE void run_sum(Block& block, const BlockMemory& memory, const SumOp& op) {
  const EpilogueView to(memory, op.to);
  const Ring* inputs = in_image<Ring>(memory, op.inputs);
  if (op.octets != 0) {
    for_numbers(block, to.frames(), inputs[0].channels / 8, [&](int rel, int octet) {
      float sums[8];
      for (int i = 0; i < op.count; ++i) {
        const RingView next = view_of(memory, inputs[i]);
        const std::byte* frame = next.frame(rel + shift_between(to.frames(), next));
        const EightHalves x = reinterpret_cast<const EightHalves*>(frame)[octet];
        ONDES_UNROLL
        for (int n = 0; n < 8; ++n) {
          const float value = n % 2 == 0 ? first_half(x.words[n / 2]) : second_half(x.words[n / 2]);
          sums[n] = i == 0 ? value : sums[n] + value;
        }
      }
      to.template finish_run<8>(rel, 8 * octet, sums);
    });
    return;
  }
  for_numbers(block, to.frames(), inputs[0].channels, [&](int rel, int c) {
    const RingView first = view_of(memory, inputs[0]);
    float sum = first.load(rel + shift_between(to.frames(), first), c);
    for (int i = 1; i < op.count; ++i) {
      const RingView next = view_of(memory, inputs[i]);
      sum = sum + next.load(rel + shift_between(to.frames(), next), c);
    }
    to.finish(rel, c, sum);
  });
}

template <typename Block>
ONDES_HOST_DEVICE void run_gate(Block& block, const BlockMemory& memory, const GateOp& op) {
  const RingView input = view_of(memory, op.input);
  const RingView output = view_of(memory, op.output);
  const int shift = shift_between(output, input);
  for_numbers(block, output, op.output.channels, [&](int rel, int c) {
    const float a = mapped_value(memory, op.first, c, input.load(rel + shift, c));
    const float b =
        mapped_value(memory, op.second, c, input.load(rel + shift, op.output.channels + c));
    output.store(rel, c, a * b);
  });
}

// Sample t of an inverse STFT: the windowed spectra's samples at t in ascending order of frames, by
// the sum of their squared windows, in the same order.
template <typename Block>
ONDES_HOST_DEVICE void run_overlap(Block& block, const BlockMemory& memory, const OverlapOp& op) {
  const RingView input = view_of(memory, op.input);
  const RingView output = view_of(memory, op.output);
  const float* window = in_image<float>(memory, op.window);
  for_numbers(block, output, 1, [&](int rel, int) {
    const std::int64_t sample = output.made + rel + op.cut;
    const std::int64_t before = sample - op.size;  // frames that begin there or earlier are over
    std::int64_t frame = before < 0 ? 0 : before / op.hop + 1;
    float sum = 0.0F;
    float envelope = 0.0F;
    for (; frame < input.end && frame * op.hop <= sample; ++frame) {
      const auto n = static_cast<int>(sample - frame * op.hop);
      const float w = window[n];
      sum = exact::fma(w, input.load(static_cast<int>(frame - input.made), n), sum);
      envelope = exact::fma(w, w, envelope);
    }
    output.store(rel, 0, envelope < kSmallestEnvelope ? 0.0F : sum / envelope);
  });
}

template <typename Block>
ONDES_HOST_DEVICE void run_append(Block& block, const BlockMemory& memory, const AppendOp& op) {
  const RingView output = view_of(memory, op.output);
  const int channels = op.output.channels;
  const auto* from = reinterpret_cast<const float*>(memory.call + op.from);
  for_numbers(block, output, channels, [&](int rel, int c) {
    output.store(rel, c, from[static_cast<std::int64_t>(rel) * channels + c]);
  });
}

template <typename Block>
ONDES_HOST_DEVICE void run_deliver(Block& block, const BlockMemory& memory, const DeliverOp& op) {
  const RingView input = view_of(memory, op.input);
  const int channels = op.input.channels;
  auto* to = reinterpret_cast<float*>(memory.output);
  for_numbers(block, input, channels, [&](int rel, int c) {
    to[static_cast<std::int64_t>(rel) * channels + c] = input.load(rel, c);
  });
}

}  // namespace ondes::gpu
