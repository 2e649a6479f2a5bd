#include "engine/cpu/reference_step_runner.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/cpu/runner_options.h"
#include "engine/flush_to_zero.h"
#include "engine/ops/activation_table.h"

namespace ondes {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

std::vector<float> zeros(int n) {
  return std::vector<float>(size(n), 0.0F);
}

}  // namespace

ReferenceStepRunner::ReferenceStepRunner(const StepPlan& plan, const StepRunnerOptions& options)
    : plan_(plan), options_(options) {
  validate(plan);
  validate_options(options);
  refuse_on_cpu(options.precision);
  sampler_ = OutputSampler(plan);
  const int r = plan.residual_channels;
  const int g = plan.gate_channels;
  const int layer_count = plan.layer_count();
  const Precision precision = options.precision;
  std::vector<float> side_by_side(size(plan.skip_channels) * size(layer_count * g));
  for (int l = 0; l < layer_count; ++l) {
    const GatedLayer& from = plan.layers[size(l)];
    Layer layer;
    for (int k = 0; k < plan.taps; ++k) {
      layer.taps.push_back(make_product(from.conv.subspan(size(k * 2 * g * r), size(2 * g * r)),
                                        2 * g, r, precision));
    }
    if (!from.residual.empty()) {
      layer.residual = make_product(from.residual, r, g, precision);
    }
    layers_.push_back(std::move(layer));
    for (int s = 0; s < plan.skip_channels; ++s) {
      std::copy_n(from.skip.begin() + s * g, g,
                  side_by_side.begin() + static_cast<std::ptrdiff_t>(s) * layer_count * g + l * g);
    }
  }
  skip_ = make_product(side_by_side, plan.skip_channels, layer_count * g, precision,
                       g * skip_chunk_layers(layer_count, g, precision));
  head_ = make_product(plan.head.weights, plan.head.outputs, plan.head.inputs, precision);
  output_ = make_product(plan.output.weights, plan.output.outputs, plan.output.inputs,
                         output_precision(precision, plan.distribution));
  slots_.resize(size(options.max_lanes));
  for (Slot& slot : slots_) {
    for (const GatedLayer& layer : plan.layers) {
      slot.history.push_back(zeros(((plan.taps - 1) * layer.dilation_samples + 1) * r));
    }
    slot.conditioning = zeros(layer_count * 2 * g);
  }
  int widest = plan.row_features;
  for (const DenseOp& op : plan.encoder) {
    widest = std::max(widest, op.outputs);
  }
  encoded_ = zeros(2 * widest);
  h_ = zeros(r);
  h_all_ = zeros(layer_count * r);
  update_ = zeros(r);
  a_ = zeros(2 * g);
  z_ = zeros(layer_count * g);
  skip_sum_ = zeros(plan.skip_channels);
  hidden_ = zeros(plan.head_channels);
  out_ = zeros(plan.output.outputs);
  scratch_ = zeros(plan.output.outputs);
  q_.resize(size(std::max({r, layer_count * g, plan.skip_channels, plan.head_channels})));
}

ReferenceStepRunner::Product ReferenceStepRunner::make_product(std::span<const float> weights,
                                                               int outputs,
                                                               int inputs,
                                                               Precision precision,
                                                               int chunk_inputs) const {
  Product product;
  product.inputs = inputs;
  product.outputs = outputs;
  product.precision = precision;
  if (precision == Precision::f32) {
    product.weights.assign(weights.begin(), weights.end());
    return product;
  }
  const int step = chunk_inputs > 0 ? chunk_inputs : inputs;
  for (int first = 0; first < inputs; first += step) {
    product.chunks.push_back(quantize_rows(weights.subspan(size(first)), outputs,
                                           std::min(step, inputs - first), inputs, precision));
  }
  return product;
}

void ReferenceStepRunner::multiply(
    const Product& product, const float* x, const float* init, float* y, float maximum) noexcept {
  if (product.precision == Precision::f32) {
    for (int o = 0; o < product.outputs; ++o) {
      float sum = init[o];
      for (int i = 0; i < product.inputs; ++i) {
        sum = exact::fma(product.weights[size(o) * size(product.inputs) + size(i)], x[i], sum);
      }
      y[o] = sum;
    }
    return;
  }
  if (maximum == 0.0F) {
    maximum = kSmallestMaximum;
    for (int i = 0; i < product.inputs; ++i) {
      maximum = std::max(maximum, std::fabs(x[i]));
    }
  }
  const auto levels = static_cast<float>(activation_levels(product.precision));
  const float inverse = levels / maximum;
  const float scale = maximum * (1.0F / levels);
  for (int i = 0; i < product.inputs; ++i) {
    q_[size(i)] = static_cast<std::int32_t>(round_even(x[i] * inverse));
  }
  for (int o = 0; o < product.outputs; ++o) {
    float value = init[o];
    int first = 0;
    for (const QuantizedRows& chunk : product.chunks) {
      std::int32_t sum = 0;
      for (int i = 0; i < chunk.inputs; ++i) {
        sum += chunk.values[size(o) * size(chunk.inputs) + size(i)] * q_[size(first + i)];
      }
      value = exact::fma(static_cast<float>(sum), chunk.scales[size(o)] * scale, value);
      first += chunk.inputs;
    }
    y[o] = value;
  }
}

void ReferenceStepRunner::start(int slot) noexcept {
  Slot& state = slots_[size(slot)];
  for (std::vector<float>& history : state.history) {
    std::fill(history.begin(), history.end(), 0.0F);
  }
  state.sample = 0;
  state.last = 0.0F;
}

void ReferenceStepRunner::process(std::span<const StepLane> lanes, int samples) noexcept {
  assert(samples <= options_.max_block_samples);
  const FlushToZeroScope flush;
  for (const StepLane& lane : lanes) {
    Slot& slot = slots_[size(lane.slot)];
    std::size_t row = 0;
    for (int t = 0; t < samples; ++t) {
      for (; row < lane.row_starts.size() && lane.row_starts[row] <= t; ++row) {
        set_row(slot, lane.rows[static_cast<int>(row)]);
      }
      step(lane, t);
    }
  }
}

// c = encoder(row); conditioning of a layer = b_l + V_l c.
void ReferenceStepRunner::set_row(Slot& slot, std::span<const float> row) noexcept {
  float* x = encoded_.data();
  float* y = encoded_.data() + encoded_.size() / 2;
  std::copy(row.begin(), row.end(), x);
  for (const DenseOp& op : plan_.encoder) {
    for (int o = 0; o < op.outputs; ++o) {
      float sum = op.bias[size(o)];
      for (int i = 0; i < op.inputs; ++i) {
        sum = exact::fma(op.weights[size(o) * size(op.inputs) + size(i)], x[i], sum);
      }
      y[o] = op.activation == Activation::relu   ? std::max(sum, 0.0F)
             : op.activation == Activation::tanh ? exact::tanh(sum)
                                                 : sum;
    }
    std::swap(x, y);
  }
  const int c = plan_.conditioning_channels;
  const int rows = 2 * plan_.gate_channels;
  for (int l = 0; l < plan_.layer_count(); ++l) {
    const GatedLayer& layer = plan_.layers[size(l)];
    for (int o = 0; o < rows; ++o) {
      float sum = layer.conv_bias[size(o)];
      for (int i = 0; i < c; ++i) {
        sum = exact::fma(layer.conditioning[size(o) * size(c) + size(i)], x[i], sum);
      }
      slot.conditioning[size(l * rows + o)] = sum;
    }
  }
}

// The features come first: they are known before the last sample is.
void ReferenceStepRunner::input_layer(const Slot& slot, std::span<const float> features) noexcept {
  const bool embedded = plan_.input == InputKind::embedding;
  const std::size_t before = embedded ? 0 : 1;
  const std::size_t columns = before + features.size();
  const int index = embedded ? sampler_.class_of(slot.last) : 0;
  for (int r = 0; r < plan_.residual_channels; ++r) {
    const float* row = plan_.input_weights.data() + size(r) * columns;
    float sum = plan_.input_bias[size(r)];
    for (std::size_t p = 0; p < features.size(); ++p) {
      sum = exact::fma(row[before + p], features[p], sum);
    }
    if (embedded) {
      sum += plan_.input_embedding[size(index) * size(plan_.residual_channels) + size(r)];
    } else {
      sum = exact::fma(row[0], slot.last, sum);
    }
    h_[size(r)] = sum;
  }
}

void ReferenceStepRunner::gated_layer(Slot& slot, std::size_t l) noexcept {
  const GatedLayer& layer = plan_.layers[l];
  const std::size_t r = size(plan_.residual_channels);
  const std::size_t g = size(plan_.gate_channels);
  std::vector<float>& history = slot.history[l];
  const std::int64_t length = static_cast<std::int64_t>(history.size() / r);
  std::copy(h_.begin(), h_.end(), h_all_.begin() + static_cast<std::ptrdiff_t>(l * r));
  std::copy(h_.begin(), h_.end(),
            history.begin() + (slot.sample % length) * static_cast<std::int64_t>(r));
  const float* init = slot.conditioning.data() + l * 2 * g;
  for (int k = 0; k < plan_.taps; ++k) {
    const std::int64_t back = std::int64_t{plan_.taps - 1 - k} * layer.dilation_samples;
    const std::int64_t at = (slot.sample + length - back) % length;
    multiply(layers_[l].taps[size(k)], history.data() + at * static_cast<std::int64_t>(r), init,
             a_.data());
    init = a_.data();
  }
  const bool integer = options_.precision != Precision::f32;
  const auto levels = static_cast<float>(activation_levels(options_.precision));
  for (std::size_t i = 0; i < g; ++i) {
    float& z = z_[l * g + i];
    if (integer) {
      z = table_tanh(tanh_table(), a_[i]) * table_sigmoid(tanh_table(), a_[g + i]);
      z = round_even(z * levels) * (1.0F / levels);
    } else {
      z = exact::tanh(a_[i]) * exact::sigmoid(a_[g + i]);
    }
  }
  if (!layer.residual.empty()) {
    multiply(layers_[l].residual, z_.data() + l * g, layer.residual_bias.data(), update_.data(),
             1.0F);
    for (std::size_t i = 0; i < r; ++i) {
      h_[i] += update_[i];
    }
  }
}

void ReferenceStepRunner::step(const StepLane& lane, int t) noexcept {
  Slot& slot = slots_[size(lane.slot)];
  const std::span<const float> features =
      plan_.sample_features > 0 ? lane.sample_features[t] : std::span<const float>();
  input_layer(slot, features);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    gated_layer(slot, l);
  }
  multiply(skip_, z_.data(), plan_.skip_bias.data(), skip_sum_.data(), 1.0F);
  for (float& value : skip_sum_) {
    value = std::max(value, 0.0F);
  }
  multiply(head_, skip_sum_.data(), plan_.head.bias.data(), hidden_.data());
  for (float& value : hidden_) {
    value = std::max(value, 0.0F);
  }
  multiply(output_, hidden_.data(), plan_.output.bias.data(), out_.data());

  const std::size_t at = size(t);
  float sample = 0.0F;
  if (lane.teacher.empty()) {
    const auto index = static_cast<std::uint64_t>(lane.first_sample + t);
    sample = sampler_.draw(out_, lane.temperature, philox_draw(lane.seed, lane.identity, index),
                           scratch_);
  } else {
    sample = lane.teacher[at];
    if (!lane.log_likelihood.empty()) {
      lane.log_likelihood[at] = sampler_.log_likelihood(out_, sample);
    }
  }
  lane.output[at] = sample;
  slot.last = sample;
  ++slot.sample;
  if (probe_ != nullptr && probe_->slot == lane.slot &&
      probe_->next_frame < probe_->values.frames()) {
    float* to = probe_->values[probe_->next_frame++].data();
    to = std::copy(h_all_.begin(), h_all_.end(), to);
    to = std::copy(z_.begin(), z_.end(), to);
    std::copy(out_.begin(), out_.end(), to);
  }
}

std::string ReferenceStepRunner::description() const {
  return "cpu scalar " + precision_name(options_.precision) + ", 1 thread (reference loops)";
}

}  // namespace ondes
