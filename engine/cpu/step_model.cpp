#include <algorithm>
#include <bit>

#include "engine/cpu/step_model_internal.h"

namespace ondes {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

// Filters at 0, gates at Gp.
std::vector<int> gate_map(int g, int gp) {
  std::vector<int> map(size(2 * gp), -1);
  for (int i = 0; i < g; ++i) {
    map[size(i)] = i;
    map[size(gp + i)] = g + i;
  }
  return map;
}

int padded(int channels) {
  return round_up(channels, kOutputPadding);
}

// The gated outputs of `layers` layers side by side, each padded to whole steps.
std::vector<int> z_map(int layers, int g, DotFormat format) {
  std::vector<int> map;
  const int stride = round_up(g, inputs_per_step(format));
  for (int l = 0; l < layers; ++l) {
    for (int i = 0; i < stride; ++i) {
      map.push_back(i < g ? l * g + i : -1);
    }
  }
  return map;
}

void add_dense(WeightArena& arena, DenseModel& to, const DenseOp& op, DotFormat format) {
  const PackMap map{padded_identity(op.outputs, kOutputPadding), padded_identity(op.inputs, 1)};
  arena.add(&to.matrix, format, op.weights, op.outputs, op.inputs, op.inputs, map);
  arena.add_vector(&to.bias, op.bias, map.outputs);
  to.activation = op.activation;
}

void add_layers(StepModel& model, const StepPlan& plan) {
  const int r = plan.residual_channels;
  const int g = plan.gate_channels;
  const PackMap conv{gate_map(g, model.gp), padded_identity(r, 1)};
  const PackMap residual{padded_identity(r, kOutputPadding), padded_identity(g, 1)};
  model.layers.resize(plan.layers.size());
  const auto add_tap = [&](std::size_t l, int k) {
    const auto weights = plan.layers[l].conv.subspan(size(k * 2 * g * r), size(2 * g * r));
    model.arena.add(&model.layers[l].taps[size(k)], model.format, weights, 2 * g, r, r, conv);
  };
  // Reading order: the past taps of all layers, then the chain.
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    model.layers[l].taps.resize(size(plan.taps));
    for (int k = 0; k + 1 < plan.taps; ++k) {
      add_tap(l, k);
    }
  }
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    const GatedLayer& from = plan.layers[l];
    add_tap(l, plan.taps - 1);
    if (!from.residual.empty()) {
      model.arena.add(&model.layers[l].residual, model.format, from.residual, r, g, g, residual);
      model.arena.add_vector(&model.layers[l].residual_bias, from.residual_bias, residual.outputs);
    }
  }
}

void add_skip(StepModel& model, const StepPlan& plan) {
  const int g = plan.gate_channels;
  const int layers = plan.layer_count();
  const int stride = layers * g;
  std::vector<float> side_by_side(size(plan.skip_channels) * size(stride));
  for (int l = 0; l < layers; ++l) {
    for (int s = 0; s < plan.skip_channels; ++s) {
      std::copy_n(plan.layers[size(l)].skip.begin() + s * g, g,
                  side_by_side.begin() + static_cast<std::ptrdiff_t>(s) * stride + l * g);
    }
  }
  const std::vector<int> outputs = padded_identity(plan.skip_channels, kOutputPadding);
  model.arena.add_vector(&model.skip_bias, plan.skip_bias, outputs);
  const int step = skip_chunk_layers(layers, g, precision_of(model.format));
  model.skip.resize(size((layers + step - 1) / step));
  for (int first = 0; first < layers; first += step) {
    const int count = std::min(step, layers - first);
    SkipChunk& chunk = model.skip[size(first / step)];
    chunk.first_word = size(first) * model.z_words;
    const std::span<const float> from(side_by_side.data() + first * g,
                                      side_by_side.size() - size(first * g));
    model.arena.add(&chunk.matrix, model.format, from, plan.skip_channels, count * g, stride,
                    {outputs, z_map(count, g, model.format)});
  }
}

void add_conditioning(StepModel& model, const StepPlan& plan) {
  model.encoder.resize(plan.encoder.size());
  for (std::size_t i = 0; i < plan.encoder.size(); ++i) {
    add_dense(model.arena, model.encoder[i], plan.encoder[i], DotFormat::f32);
  }
  const int g = plan.gate_channels;
  const int c = plan.conditioning_channels;
  const std::vector<int> one = gate_map(g, model.gp);
  std::vector<float> weights;
  std::vector<float> bias;
  std::vector<int> map;
  for (int l = 0; l < plan.layer_count(); ++l) {
    const GatedLayer& layer = plan.layers[size(l)];
    weights.insert(weights.end(), layer.conditioning.begin(), layer.conditioning.end());
    bias.insert(bias.end(), layer.conv_bias.begin(), layer.conv_bias.end());
    for (const int o : one) {
      map.push_back(o < 0 ? -1 : l * 2 * g + o);
    }
  }
  model.arena.add(&model.conditioning, DotFormat::f32, weights, plan.layer_count() * 2 * g, c, c,
                  {map, padded_identity(c, 1)});
  model.arena.add_vector(&model.conditioning_bias, bias, map);
}

void add_input(StepModel& model, const StepPlan& plan) {
  const int r = plan.residual_channels;
  const bool embedded = plan.input == InputKind::embedding;
  const int before = embedded ? 0 : 1;
  const int columns = before + plan.sample_features;
  const std::vector<int> outputs = padded_identity(r, kOutputPadding);
  model.arena.add(&model.input_features, DotFormat::f32,
                  plan.input_weights.subspan(size(std::min(before, columns))), r,
                  plan.sample_features, columns,
                  {outputs, padded_identity(plan.sample_features, 1)});
  model.arena.add_vector(&model.input_bias, plan.input_bias, outputs);
  if (embedded) {
    std::vector<int> map;
    for (int index = 0; index < plan.classes; ++index) {
      for (const int o : outputs) {
        map.push_back(o < 0 ? -1 : index * r + o);
      }
    }
    model.arena.add_vector(&model.input_embedding, plan.input_embedding, map);
    return;
  }
  std::vector<int> map = outputs;
  for (int& o : map) {
    o = o < 0 ? -1 : o * columns;
  }
  model.arena.add_vector(&model.input_scalar, plan.input_weights, map);
}

// Rings of a power of two rows, long enough for the oldest tap: it is read before its row is
// overwritten by the present one. Scales after all rings.
void lay_out_history(StepModel& model, const StepPlan& plan) {
  std::size_t rows = 0;
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    LayerModel& layer = model.layers[l];
    layer.dilation = plan.layers[l].dilation_samples;
    const auto reach = static_cast<std::uint64_t>((plan.taps - 1) * layer.dilation);
    const std::uint64_t length = std::bit_ceil(std::max<std::uint64_t>(reach, 1));
    layer.ring_mask = static_cast<std::int64_t>(length - 1);
    layer.ring_offset = rows * model.row_bytes;
    layer.scale_offset = rows * sizeof(float);
    rows += length;
  }
  for (LayerModel& layer : model.layers) {
    layer.scale_offset += rows * model.row_bytes;
  }
  model.slot_bytes = (rows * (model.row_bytes + sizeof(float)) + 63) / 64 * 64;
}

}  // namespace

StepModel::StepModel(const StepPlan& plan, DotFormat format_, DotFormat output_format_)
    : format(format_),
      output_format(output_format_),
      layer_count(plan.layer_count()),
      taps(plan.taps),
      r(plan.residual_channels),
      g(plan.gate_channels),
      o(plan.output.outputs),
      rp(padded(r)),
      gp(padded(g)),
      sp(padded(plan.skip_channels)),
      ap(padded(plan.head_channels)),
      op(padded(o)),
      sample_features(plan.sample_features),
      row_features(plan.row_features),
      z_words(size(round_up(g, inputs_per_step(format)) / inputs_per_step(format))),
      row_bytes(size(round_up(4 * rp / inputs_per_step(format), 64))),
      widest_encoder(size(plan.row_features)),
      sampler(plan) {
  for (const DenseOp& op_ : plan.encoder) {
    widest_encoder = std::max(widest_encoder, size(padded(op_.outputs)));
  }
  add_input(*this, plan);
  add_layers(*this, plan);
  add_skip(*this, plan);
  add_dense(arena, head, plan.head, format);
  add_dense(arena, output, plan.output, output_format);
  add_conditioning(*this, plan);
  arena.finish();
  lay_out_history(*this, plan);
}

void StepScratch::allocate(const StepModel& model, int lanes) {
  std::size_t words = 0;
  const auto reserve = [&words](std::size_t count) {
    const std::size_t at = words;
    words += (count + 15) / 16 * 16;
    return at;
  };
  const std::size_t widest = size(std::max(model.sp, model.ap));
  reserve(size(model.layer_count) * size(2 * model.gp));
  a_ = reserve(size(2 * model.gp));
  h_ = reserve(size(model.rp));
  update_ = reserve(size(model.rp));
  sums_ = reserve(widest);
  out_ = reserve(size(model.op));
  weights_ = reserve(size(model.op));
  // Whole vectors are stored: the last may reach past its layer.
  z_ = reserve(size(model.layer_count) * model.z_words + size(model.gp));
  act_ = reserve(widest);
  probe_ = reserve(size(model.layer_count) * size(model.rp));
  // An odd number of cache lines: lanes do not fall on the same sets of the first-level cache.
  stride_ = words + (words / 16 % 2 == 0 ? 16 : 0);
  const std::size_t encoded = (model.widest_encoder + 31) / 16 * 16;
  memory_.allocate((stride_ * size(lanes) + 2 * encoded) * sizeof(float));
  base_ = reinterpret_cast<float*>(memory_.data());
  encoded_[0] = base_ + stride_ * size(lanes);
  encoded_[1] = encoded_[0] + encoded;
  operands_.resize(size(lanes));
}

}  // namespace ondes
