#include "cuda/step/pack.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "cuda/step/tile_pack.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/half.h"
#include "engine/ops/activation_table.h"
#include "engine/ops/quantization.h"
#include "engine/ops/sampling.h"

namespace ondes::gpu {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

// A matrix to be packed: rows of inputs gathered from wherever the plan has them.
struct Rows {
  std::vector<float> values;  // (outputs, inputs)
  int outputs = 0;
  int inputs = 0;
};

class Packer {
 public:
  Packer(const StepPlan& plan, Precision precision) : plan_(plan), precision_(precision) {}

  PackedStepModel pack() {
    StepModelView& view = model_.view;
    sizes(view);
    chain(view);
    past_taps(view);
    input(view);
    conditioning(view);
    if (precision_ == Precision::f16) {
      view.tiles = append_tiles(plan_, model_.image);
    }
    if (model_.image.size() > 0xFFFFFFF0U) {
      throw Error(ErrorCode::usage, "cuda: the plan's weights exceed 4 GB");
    }
    return std::move(model_);
  }

 private:
  void sizes(StepModelView& view) {
    view.residual = plan_.residual_channels;
    view.gate = plan_.gate_channels;
    view.skip = plan_.skip_channels;
    view.head = plan_.head_channels;
    view.outputs = plan_.output.outputs;
    view.layers = plan_.layer_count();
    view.taps = plan_.taps;
    view.sample_features = plan_.sample_features;
    view.row_features = plan_.row_features;
    view.conditioning = plan_.conditioning_channels;
    view.embedded = plan_.input == InputKind::embedding;
    const Precision last = output_precision(precision_, plan_.distribution);
    view.wide_output = last != precision_;
    const int per_quad = values_per_quad(precision_);
    view.quads_r = quads_of(view.residual, per_quad);
    view.quads_g = quads_of(view.gate, per_quad);
    view.quads_s = quads_of(view.skip, per_quad);
    view.quads_a = quads_of(view.head, values_per_quad(last));
    view.levels = static_cast<float>(activation_levels(precision_));
    view.output_levels = static_cast<float>(activation_levels(last));
  }

  // What a sample's chain reads, in its order of heat.
  void chain(StepModelView& view) {
    const int r = view.residual;
    const int g = view.gate;
    const int newest = (view.taps - 1) * 2 * g * r;
    std::vector<Rows> taps;
    std::vector<Rows> residuals;
    std::vector<float> residual_bias;
    for (const GatedLayer& layer : plan_.layers) {
      taps.push_back(rows_of(layer.conv.subspan(size(newest), size(2 * g * r)), 2 * g, r));
      const std::vector<float> zeros(size(r) * size(g), 0.0F);
      const bool has = !layer.residual.empty();
      residuals.push_back(rows_of(has ? layer.residual : std::span<const float>(zeros), r, g));
      residual_bias.resize(residual_bias.size() + size(r), 0.0F);
      if (has) {
        std::copy(layer.residual_bias.begin(), layer.residual_bias.end(), residual_bias.end() - r);
      }
    }
    view.current = add_layers(taps, 1);
    view.update = add_layers(residuals, 1);
    view.skip_product = add_skip();
    view.head_product = add_layers({rows_of(plan_.head.weights, view.head, view.skip)}, 1);
    view.output_product = add_layers({rows_of(plan_.output.weights, view.outputs, view.head)}, 1,
                                     output_precision(precision_, plan_.distribution));
    view.residual_bias = add(std::span<const float>(residual_bias));
    view.skip_bias = add(plan_.skip_bias);
    view.head_bias = add(plan_.head.bias);
    view.output_bias = add(plan_.output.bias);
    const TanhTable& table = tanh_table();
    std::vector<float> pieces;
    for (const float* row : {table.c0, table.c1, table.c2, table.c3}) {
      pieces.insert(pieces.end(), row, row + kTanhPieces);
    }
    view.tanh_table = add(std::span<const float>(pieces));
  }

  void past_taps(StepModelView& view) {
    const int r = view.residual;
    const int g = view.gate;
    std::vector<int> dilations;
    std::vector<int> first;
    std::vector<int> mask;
    std::vector<Rows> taps;
    for (const GatedLayer& layer : plan_.layers) {
      for (int k = 0; k + 1 < view.taps; ++k) {
        taps.push_back(rows_of(layer.conv.subspan(size(k * 2 * g * r), size(2 * g * r)), 2 * g, r));
      }
      // A sample's past is read before the sample itself is written: (K-1) d vectors are enough.
      const int length = static_cast<int>(std::bit_ceil(
          static_cast<unsigned>(std::max((view.taps - 1) * layer.dilation_samples, 1))));
      dilations.push_back(layer.dilation_samples);
      first.push_back(view.ring_vectors);
      mask.push_back(length - 1);
      view.ring_vectors += length;
    }
    if (!taps.empty()) {
      view.past = add_layers(taps, view.taps - 1);
    }
    view.past.outputs = 2 * g;
    view.past.segment_quads = view.quads_r;
    view.past.quads = (view.taps - 1) * view.quads_r;
    view.dilations = add(std::span<const int>(dilations));
    view.ring_first = add(std::span<const int>(first));
    view.ring_mask = add(std::span<const int>(mask));
  }

  void input(StepModelView& view) {
    const int r = view.residual;
    const int p = view.sample_features;
    const int before = view.embedded ? 0 : 1;
    std::vector<float> features(size(p) * size(r));
    std::vector<float> sample(size(r), 0.0F);
    for (int i = 0; i < r; ++i) {
      const float* row = plan_.input_weights.data() + i * (before + p);
      sample[size(i)] = before == 1 ? row[0] : 0.0F;
      for (int c = 0; c < p; ++c) {
        features[size(c * r + i)] = row[before + c];
      }
    }
    view.sample_weights = add(std::span<const float>(sample));
    view.feature_weights = add(std::span<const float>(features));
    view.input_bias = add(plan_.input_bias);
    std::vector<float> embedding(plan_.input_embedding.begin(), plan_.input_embedding.end());
    view.embedding = add(std::span<const float>(embedding));
    const OutputSampler sampler(plan_);
    view.sampler = sampler.view();
    view.sampler.decoded = nullptr;
    view.sampler.log_class_bins = nullptr;
    view.decoded = add(sampler.decoded());
    view.log_class_bins = add(sampler.log_class_bins());
  }

  void conditioning(StepModelView& view) {
    if (plan_.encoder.size() > size(kMostEncoderLayers)) {
      throw Error(ErrorCode::usage, "cuda: encoder: expected at most " +
                                        std::to_string(kMostEncoderLayers) + " layers, found " +
                                        std::to_string(plan_.encoder.size()));
    }
    for (const DenseOp& op : plan_.encoder) {
      view.encoder[view.encoder_layers++] =
          add_dense(op.weights, op.bias, op.outputs, op.inputs, op.activation);
    }
    std::vector<float> weights;
    std::vector<float> bias;
    for (const GatedLayer& layer : plan_.layers) {
      weights.insert(weights.end(), layer.conditioning.begin(), layer.conditioning.end());
      bias.insert(bias.end(), layer.conv_bias.begin(), layer.conv_bias.end());
    }
    view.projection =
        add_dense(weights, bias, view.layers * 2 * view.gate, view.conditioning, Activation::none);
  }

  DenseView add_dense(std::span<const float> weights,
                      std::span<const float> bias,
                      int outputs,
                      int inputs,
                      Activation activation) {
    std::vector<float> turned(weights.size());
    for (int o = 0; o < outputs; ++o) {
      for (int i = 0; i < inputs; ++i) {
        turned[size(i) * size(outputs) + size(o)] = weights[size(o) * size(inputs) + size(i)];
      }
    }
    DenseView view;
    view.inputs = inputs;
    view.outputs = outputs;
    view.activation = static_cast<int>(activation);
    view.weights = add(std::span<const float>(turned));
    view.bias = add(bias);
    return view;
  }

  static Rows rows_of(std::span<const float> values, int outputs, int inputs) {
    return {{values.begin(), values.end()}, outputs, inputs};
  }

  // Chunks of layers side by side; each layer's gates are padded to whole quads.
  MatrixView add_skip() {
    const int l = plan_.layer_count();
    const int g = plan_.gate_channels;
    const int chunk = skip_chunk_layers(l, g, precision_);
    std::vector<std::vector<float>> scales;
    MatrixView view;
    view.outputs = plan_.skip_channels;
    view.segment_quads = chunk * model_.view.quads_g;
    view.quads = l * model_.view.quads_g;
    std::vector<Quad> quads(size(view.quads) * size(view.outputs));
    for (int first = 0; first < l; first += chunk) {
      const int count = std::min(chunk, l - first);
      Rows rows{std::vector<float>(size(view.outputs) * size(count * g)), view.outputs, count * g};
      for (int s = 0; s < view.outputs; ++s) {
        for (int n = 0; n < count; ++n) {
          std::copy_n(plan_.layers[size(first + n)].skip.begin() + s * g, g,
                      rows.values.begin() + s * count * g + n * g);
        }
      }
      scales.push_back(
          place(rows, g, precision_,
                quads.data() + size(first) * size(model_.view.quads_g) * size(view.outputs)));
    }
    view.weights = add(std::span<const Quad>(quads));
    std::vector<float> all;
    for (const std::vector<float>& part : scales) {
      all.insert(all.end(), part.begin(), part.end());
    }
    view.scales = add(std::span<const float>(all));
    return view;
  }

  // Matrices of one shape, `segments` to a product.
  MatrixView add_layers(const std::vector<Rows>& matrices, int segments) {
    return add_layers(matrices, segments, precision_);
  }
  MatrixView add_layers(const std::vector<Rows>& matrices, int segments, Precision precision) {
    const Rows& shape = matrices.front();
    MatrixView view;
    view.outputs = shape.outputs;
    view.segment_quads = quads_of(shape.inputs, values_per_quad(precision));
    view.quads = segments * view.segment_quads;
    const std::size_t each = size(view.segment_quads) * size(view.outputs);
    std::vector<Quad> quads(each * matrices.size());
    std::vector<float> scales;
    for (std::size_t m = 0; m < matrices.size(); ++m) {
      const std::vector<float> own =
          place(matrices[m], shape.inputs, precision, quads.data() + m * each);
      scales.insert(scales.end(), own.begin(), own.end());
    }
    const std::size_t first = model_.image.size();
    for (std::size_t m = 1; m * size(segments) < matrices.size(); ++m) {
      model_.boundaries.push_back(
          static_cast<std::uint32_t>(first + m * size(segments) * each * sizeof(Quad)));
    }
    view.weights = add(std::span<const Quad>(quads));
    view.scales = add(std::span<const float>(scales));
    return view;
  }

  // A weight that a half cannot hold would be infinite, and the sound of it silence or worse.
  static std::uint16_t half_of(float weight) {
    if (!(std::fabs(weight) <= kLargestHalf)) {
      throw Error(ErrorCode::usage,
                  "precision f16: a weight of the plan: expected at most 65504 in size, found " +
                      std::to_string(weight) + "; take f32");
    }
    return float_to_half(weight);
  }

  // Writes a matrix as quads, its inputs in groups that are padded each; returns its scales.
  static std::vector<float> place(const Rows& rows, int group, Precision precision, Quad* to) {
    const int per_quad = values_per_quad(precision);
    const int group_quads = quads_of(group, per_quad);
    QuantizedRows integers;
    if (is_integer(precision)) {
      integers = quantize_rows(rows.values, rows.outputs, rows.inputs, rows.inputs, precision);
    }
    for (int o = 0; o < rows.outputs; ++o) {
      for (int i = 0; i < rows.inputs; ++i) {
        const std::size_t at = size(o) * size(rows.inputs) + size(i);
        const int within = i % group;
        const int quad = (i / group) * group_quads + within / per_quad;
        auto* bytes = reinterpret_cast<std::byte*>(&to[size(quad) * size(rows.outputs) + size(o)]);
        const std::size_t value = size(within % per_quad);
        if (precision == Precision::f32) {
          std::memcpy(bytes + value * 4, &rows.values[at], 4);
        } else if (precision == Precision::f16) {
          const std::uint16_t half = half_of(rows.values[at]);
          std::memcpy(bytes + value * 2, &half, 2);
        } else if (precision == Precision::i16) {
          std::memcpy(bytes + value * 2, &integers.values[at], 2);
        } else {
          const auto byte = static_cast<std::int8_t>(integers.values[at]);
          std::memcpy(bytes + value, &byte, 1);
        }
      }
    }
    return integers.scales;
  }

  // Appends, at a multiple of 16 bytes.
  template <typename T>
  std::uint32_t add(std::span<const T> values) {
    std::vector<std::byte>& image = model_.image;
    const std::size_t at = image.size();
    image.resize(at + (values.size_bytes() + 15) / 16 * 16);
    if (!values.empty()) {
      std::memcpy(image.data() + at, values.data(), values.size_bytes());
    }
    model_.boundaries.push_back(static_cast<std::uint32_t>(image.size()));
    return static_cast<std::uint32_t>(at);
  }

  const StepPlan& plan_;
  Precision precision_;
  PackedStepModel model_;
};

// Words of partial sums that a product leaves for one lane.
int partial_words(const MatrixView& matrix, int slices) {
  const int segments = (matrix.quads + matrix.segment_quads - 1) / matrix.segment_quads;
  return segments * slices * matrix.outputs;
}

}  // namespace

PackedStepModel pack_step_model(const StepPlan& plan, Precision precision) {
  validate(plan);
  return Packer(plan, precision).pack();
}

ScratchMap map_scratch(const StepModelView& view, Precision precision, const Slicing& slicing) {
  const bool integer = is_integer(precision);
  ScratchMap map;
  const auto place = [&map](int quads) {
    const int at = map.quads;
    map.quads += quads;
    return at;
  };
  const auto floats = [](int count) { return quads_of(count, 4); };
  map.misc = place(3);
  map.x = place(view.quads_r);
  map.h = place(floats(view.residual));
  map.acc = place(floats(view.layers * 2 * view.gate));
  map.past = place(view.layers * (view.taps - 1) * view.quads_r);
  map.past_scale = place(integer ? floats(view.layers * (view.taps - 1)) : 0);
  map.z = place(view.layers * view.quads_g);
  map.skip_x = place(view.quads_s);
  map.skip = integer ? place(floats(view.skip)) : map.skip_x;
  map.head_x = place(view.quads_a);
  map.head = integer ? place(floats(view.head)) : map.head_x;
  map.out = place(floats(view.outputs));
  const int rows = quads_of(view.sampler.choices, kCdfRow);
  map.weights = place(floats(view.sampler.choices));
  map.row_max = place(floats(rows));
  map.row_sum = place(floats(rows));
  map.partials = place(floats(std::max({partial_words(view.current, slicing.current),
                                        partial_words(view.update, slicing.residual),
                                        partial_words(view.skip_product, slicing.skip),
                                        partial_words(view.head_product, slicing.head),
                                        partial_words(view.output_product, slicing.output)})));
  return map;
}

}  // namespace ondes::gpu
