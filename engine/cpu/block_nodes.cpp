// Nodes of a block model as calls of kernels.
#include <algorithm>
#include <cstring>

#include "engine/cpu/block_stream_internal.h"
#include "engine/deterministic_math.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

int padded_channels(int channels) {
  return (channels + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

PackedMap packed(const BlockModel& model, const MapParameters& map, int channel) {
  PackedMap result;
  result.kind = map.kind;
  result.slope = map.slope;
  if (map.kind == MapKind::snake) {
    result.alpha = model.parameters() + map.alpha + channel;
    result.inverse_beta = model.parameters() + map.inverse_beta + channel;
  }
  return result;
}

// Where the results of output frames t, t + step, ... from `channel` on go.
FinishCall finish_at(
    const BlockModel& model, const NodeCall& call, std::int64_t t, int step, int channel) {
  const BlockNode& node = *call.node;
  const StreamState& stream = *call.stream;
  const auto step_of = [&](BlockValueId id) {
    return static_cast<std::ptrdiff_t>(model.values[at(id)].width) * step;
  };
  FinishCall finish;
  finish.scale = node.scale;
  if (node.residual != kNoValue) {
    finish.residual = stream.frame(model, node.residual, t) + channel;
    finish.residual_step = step_of(node.residual);
  }
  const auto bytes_of = [&](BlockValueId id) {
    const ValueLayout& layout = model.values[at(id)];
    if (!layout.bytes) {
      return QuantisedCall{};
    }
    return QuantisedCall{stream.byte_frame(model, id, t) + channel,
                         std::ptrdiff_t{layout.byte_width} * step,
                         model.parameters() + layout.inverse_at + channel,
                         model.parameters() + layout.zero_at + channel};
  };
  if (node.output != kNoValue) {
    finish.output_bytes = bytes_of(node.output);
  }
  if (node.mapped != kNoValue) {
    finish.mapped_bytes = bytes_of(node.mapped);
    finish.map = packed(model, node.map, channel);
  }
  if (node.output != kNoValue && model.values[at(node.output)].floats) {
    finish.output = stream.frame(model, node.output, t) + channel;
    finish.output_step = step_of(node.output);
  }
  if (node.mapped != kNoValue && model.values[at(node.mapped)].floats) {
    finish.mapped = stream.frame(model, node.mapped, t) + channel;
    finish.mapped_step = step_of(node.mapped);
  }
  return finish;
}

void run_lstm(const BlockModel& model, const BlockKernels& kernels, const NodeCall& call) {
  const BlockNode& node = *call.node;
  float* const state = call.stream->state;
  float* const gates = state + node.gates_at;
  for (std::int64_t t = call.first; t < call.first + call.count; ++t) {
    const float* input = call.stream->frame(model, node.inputs[0], t);
    for (const PackedLstmLayer& layer : node.layers) {
      float* const joined = state + layer.hidden_at;
      std::copy_n(input, layer.inputs, joined);
      for (const ConvPanel& panel : layer.panels) {
        ConvCall conv;
        conv.x = joined;
        conv.taps = 1;
        conv.inputs = layer.inputs + layer.hidden;
        conv.vectors = panel.vectors;
        conv.weights = model.parameters() + panel.weights;
        conv.bias = model.parameters() + layer.bias + panel.first_output;
        conv.frames = 1;
        conv.finish.output = gates + panel.first_output;
        kernels.conv(conv);
      }
      kernels.cell({gates, layer.width, state + layer.cell_at, joined + layer.inputs});
      input = joined + layer.inputs;
    }
    std::copy_n(input, node.layers.back().hidden, call.stream->frame(model, node.output, t));
  }
}

void run_inverse_stft(const BlockModel& model, const NodeCall& call) {
  const BlockNode& node = *call.node;
  const auto& op = std::get<BlockInverseStft>(node.op);
  StreamState& stream = *call.stream;
  float* const overlap = stream.state + node.overlap_at;  // begins where the last frame does
  float* const envelope = stream.state + node.envelope_at;
  float* const samples = stream.state + node.samples_at;
  const auto size = at(op.fft_size);
  const auto hop = at(op.hop_samples);
  std::int64_t& used = stream.frames_used[at(call.node - model.nodes.data())];
  const std::int64_t cut = op.centred ? op.fft_size / 2 : 0;
  const std::int64_t frames = stream.values[at(op.input)].end;
  for (std::int64_t t = call.first; t < call.first + call.count; ++t) {
    const std::int64_t sample = t + cut;
    // Everything before the start of the next frame is complete, and all of it when none follows.
    while (used < frames && sample >= used * op.hop_samples) {
      std::memmove(overlap, overlap + hop, (size - hop) * sizeof(float));
      std::memmove(envelope, envelope + hop, (size - hop) * sizeof(float));
      std::fill_n(overlap + (size - hop), hop, 0.0F);
      std::fill_n(envelope + (size - hop), hop, 0.0F);
      node.spectral.evaluate({stream.frame(model, op.input, used), size + 2}, {samples, size},
                             {stream.state + node.scratch_at, at(node.spectral.scratch_size())});
      for (std::size_t n = 0; n < size; ++n) {
        const float w = node.window[n];
        overlap[n] = exact::fma(w, samples[n], overlap[n]);
        envelope[n] = exact::fma(w, w, envelope[n]);
      }
      ++used;
    }
    const auto n = at(sample - (used - 1) * op.hop_samples);
    *stream.frame(model, node.output, t) =
        envelope[n] < kSmallestEnvelope ? 0.0F : overlap[n] / envelope[n];
  }
}

void run_pad(const BlockModel& model, const NodeCall& call) {
  const BlockNode& node = *call.node;
  const StreamState& stream = *call.stream;
  const ValueState& input = stream.values[at(node.inputs[0])];
  const int channels = model.values[at(node.inputs[0])].channels;
  for (std::int64_t t = call.first; t < call.first + call.count; ++t) {
    std::int64_t from = t - node.pad_left;
    if (from < 0 || from >= input.end) {
      // Near the start of a signal that goes on the end does not matter: a mirrored frame is there.
      from = node.padding == BlockPadding::reflect
                 ? (from < 0 && !input.over ? -from : reflected_frame(from, input.end))
                 : std::clamp<std::int64_t>(from, 0, input.end - 1);
    }
    std::copy_n(stream.frame(model, node.inputs[0], from), channels,
                stream.frame(model, node.output, t));
  }
}

}  // namespace

void run_conv_part(const BlockModel& model,
                   const BlockKernels& kernels,
                   const NodeCall& call,
                   std::int64_t from,
                   std::int64_t to,
                   int phase,
                   int panel,
                   float* scratch) noexcept {
  const BlockNode& node = *call.node;
  const BlockValueId input = node.inputs[0];
  const std::ptrdiff_t width = model.values[at(input)].width;
  const auto step = static_cast<int>(node.phases.size());
  const ConvPhase& now = node.phases[at(phase)];
  const ConvPanel& part = now.panels[at(panel)];
  std::int64_t t = from;
  std::int64_t read = 0;  // the input frame of the first tap of output t
  if (const auto* up = std::get_if<BlockTransposedConv>(&node.op)) {
    t += ((phase - (t + up->trim_left)) % step + step) % step;
    read = (t + up->trim_left - phase) / step - (now.taps - 1);
  } else {
    read = t * node.stride - std::get<BlockConv>(node.op).pad_left;
  }
  if (t >= to) {
    return;
  }
  const auto frames = static_cast<int>((to - t + step - 1) / step);
  const FinishCall finish = finish_at(model, call, t, step, part.first_output);
  if (node.integer) {
    const std::ptrdiff_t byte_width = model.values[at(input)].byte_width;
    const float* const start = model.parameters() + part.start;
    const float* const weights = model.parameters() + part.weights;
    ConvI8Call conv;
    conv.x = call.stream->byte_frame(model, input, read);
    conv.x_step = byte_width * node.stride;
    conv.tap_step = byte_width * node.dilation;
    conv.taps = now.taps;
    conv.quads = (part.inputs + 3) / 4;
    conv.vectors = part.vectors;
    conv.weights = reinterpret_cast<const std::int8_t*>(weights);
    conv.start = reinterpret_cast<const std::int32_t*>(start);
    conv.scales = model.parameters() + part.scales;
    conv.bias = model.parameters() + node.bias + part.first_output;
    conv.frames = frames;
    conv.finish = finish;
    kernels.conv_i8(conv);
    return;
  }
  const float* const x = call.stream->frame(model, input, read) + part.first_input;
  if (node.kind == NodeKind::narrow) {
    NarrowCall narrow;
    narrow.x = x;
    narrow.x_step = width;
    narrow.taps = now.taps;
    narrow.dilation = node.dilation;
    narrow.inputs = part.inputs;
    narrow.outputs = model.values[at(node.outputs[0])].channels;
    narrow.weights = model.parameters() + part.weights;
    narrow.bias = model.parameters() + node.bias;
    narrow.frames = frames;
    narrow.scratch = scratch;
    narrow.finish = finish;
    kernels.narrow(narrow);
    return;
  }
  ConvCall conv;
  conv.x = x;
  conv.x_step = width * node.stride;
  conv.tap_step = width * node.dilation;
  conv.taps = now.taps;
  conv.inputs = part.inputs;
  conv.vectors = part.vectors;
  conv.weights = model.parameters() + part.weights;
  conv.bias = model.parameters() + node.bias + part.first_output;
  conv.frames = frames;
  conv.finish = finish;
  (node.kind == NodeKind::depthwise ? kernels.depthwise : kernels.conv)(conv);
}

void run_elementwise_part(const BlockModel& model,
                          const BlockKernels& kernels,
                          const NodeCall& call,
                          std::int64_t from,
                          std::int64_t to) noexcept {
  const BlockNode& node = *call.node;
  const StreamState& stream = *call.stream;
  const auto frames = static_cast<int>(to - from);
  const ValueLayout& input = model.values[at(node.inputs[0])];
  const float* const x = stream.frame(model, node.inputs[0], from);
  if (node.kind == NodeKind::sum) {
    const float* inputs[kMostSummed];
    SumCall sum;
    sum.inputs = inputs;
    sum.frames = frames;
    sum.width = input.width;
    sum.channels = padded_channels(input.channels);
    sum.finish = finish_at(model, call, from, 1, 0);
    for (const BlockValueId id : node.inputs) {
      inputs[sum.count++] = stream.frame(model, id, from);
    }
    kernels.sum(sum);
    return;
  }
  const ValueLayout& output = model.values[at(node.output)];
  float* const y = stream.frame(model, node.output, from);
  if (node.kind == NodeKind::gate) {
    kernels.gate({x, input.width, output.channels, frames, y, output.width,
                  packed(model, node.map, 0), packed(model, node.second, 0)});
  } else {
    kernels.norm({x, input.width, input.channels, frames, node.epsilon,
                  model.parameters() + node.gain, model.parameters() + node.bias, y});
  }
}

void quantise_frames(const BlockModel& model,
                     const BlockKernels& kernels,
                     const StreamState& stream,
                     BlockValueId id,
                     std::int64_t first,
                     std::int64_t count) noexcept {
  const ValueLayout& layout = model.values[at(id)];
  QuantiseCall call;
  call.x = stream.frame(model, id, first);
  call.width = layout.width;
  call.channels = padded_channels(layout.channels);
  call.frames = static_cast<int>(count);
  call.bytes = {stream.byte_frame(model, id, first), layout.byte_width,
                model.parameters() + layout.inverse_at, model.parameters() + layout.zero_at};
  kernels.quantise(call);
}

void run_in_order(const BlockModel& model,
                  const BlockKernels& kernels,
                  const NodeCall& call) noexcept {
  if (call.node->kind == NodeKind::lstm) {
    run_lstm(model, kernels, call);
  } else if (call.node->kind == NodeKind::inverse_stft) {
    run_inverse_stft(model, call);
  } else {
    run_pad(model, call);
  }
}

}  // namespace ondes
