// Plans for the block kernels beside those of tests/support/block_rig.h, and what tests ask of their
// samples.
#pragma once
#include <cmath>
#include <list>
#include <random>
#include <span>
#include <vector>

#include "engine/plan/block_runner.h"
#include "tests/support/block_rig.h"

namespace ondes {

// Error of a signal as a part of what is expected, both as root mean squares; NaN where one is.
inline double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0.0;
  double power = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(found.at(i)) - static_cast<double>(expected[i]), 2);
    power += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / power);
}

// Builds plans by hand: random weights that keep values of order 1, kept alive by the plan.
class PlanBuilder {
 public:
  explicit PlanBuilder(unsigned seed) : random_(seed) {
    plan_.sample_rate_hz = 8000;
    plan_.storage = memory_;
  }

  BlockValueId value(int channels, BlockRate rate = {}) {
    plan_.values.push_back({channels, rate, "v" + std::to_string(plan_.values.size())});
    return static_cast<BlockValueId>(plan_.values.size()) - 1;
  }
  BlockValueId input(int channels) {
    plan_.inputs.push_back(value(channels));
    return plan_.inputs.back();
  }
  std::span<const float> numbers(int count, float size, float centre = 0.0F) {
    std::normal_distribution<float> normal(centre, size);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& x : values) {
      x = normal(random_);
    }
    return memory_->emplace_back(std::move(values));
  }
  std::span<const float> weights(int outputs, int inputs) {
    return numbers(outputs * inputs, 1.0F / std::sqrt(static_cast<float>(inputs)));
  }
  // Padded by zeros so that frames stay as many as they are.
  BlockConv conv(BlockValueId from, int outputs, int taps, int dilation = 1) {
    BlockConv op;
    op.input = from;
    op.taps = taps;
    op.dilation = dilation;
    op.pad_left = op.pad_right = (taps - 1) / 2 * dilation;
    op.weights = weights(outputs, channels(from) * taps);
    op.bias = numbers(outputs, 0.1F);
    return op;
  }
  int channels(BlockValueId id) const {
    return plan_.values[static_cast<std::size_t>(id)].channels;
  }
  BlockRate rate(BlockValueId id) const { return plan_.values[static_cast<std::size_t>(id)].rate; }
  void push(const BlockOp& op) { plan_.ops.push_back(op); }
  BlockPlan done(BlockValueId output) {
    plan_.output = output;
    validate(plan_);
    return plan_;
  }

 private:
  std::mt19937 random_;
  std::shared_ptr<std::list<std::vector<float>>> memory_ =
      std::make_shared<std::list<std::vector<float>>>();
  BlockPlan plan_;
};

// Convolutions that fit tensor cores, one of them transposed, one with a reflected edge, a residual
// and a scale; 40 channels fill no chunk of 32, 24 no group of 32 outputs.
inline BlockPlan tensor_plan(unsigned seed) {
  PlanBuilder build(seed);
  const BlockValueId mel = build.input(40);
  BlockConv first = build.conv(mel, 64, 3);
  first.to.output = build.value(64);
  first.to.mapped = build.value(64);
  first.to.map = {MapKind::leaky_relu, 0.1F, {}, {}};
  build.push(first);
  BlockConv deep = build.conv(first.to.mapped, 64, 21);  // 42 chunks: several slices of a sum
  deep.to.residual = first.to.output;
  deep.to.mapped = build.value(64);
  deep.to.map = {MapKind::leaky_relu, 0.1F, {}, {}};
  build.push(deep);
  BlockTransposedConv up;
  up.input = deep.to.mapped;
  up.taps = 9;
  up.stride = 4;
  up.trim_left = 2;
  up.trim_right = 3;
  up.weights = build.weights(24 * 3, 64 * 3);
  up.bias = build.numbers(24, 0.1F);
  up.to.output = build.value(24, {4, 1});
  up.to.mapped = build.value(24, {4, 1});
  up.to.map = {MapKind::tanh, 0.0F, {}, {}};
  build.push(up);
  BlockConv same = build.conv(up.to.mapped, 24, 5, 3);
  same.padding = BlockPadding::reflect;
  same.to.residual = up.to.output;
  same.to.scale = 0.5F;
  same.to.output = build.value(24, {4, 1});
  build.push(same);
  BlockConv last = build.conv(same.to.output, 1, 7);
  last.to.output = build.value(1, {4, 1});
  build.push(last);
  return build.done(last.to.output);
}

// Vocos in small (Siuzdak, arXiv:2306.00814): ConvNeXt blocks of a depthwise convolution, a layer
// norm and two pointwise convolutions with GELU between, then an inverse STFT.
inline BlockPlan vocos_plan(unsigned seed, int width, int blocks, int fft_size) {
  PlanBuilder build(seed);
  const auto norm = [&](BlockValueId from) {
    BlockLayerNorm op;
    op.input = from;
    op.gain = build.numbers(width, 0.1F, 1.0F);
    op.bias = build.numbers(width, 0.1F);
    op.output = build.value(width);
    build.push(op);
    return op.output;
  };
  BlockConv embed = build.conv(build.input(16), width, 7);
  embed.to.output = build.value(width);
  build.push(embed);
  BlockValueId x = norm(embed.to.output);
  for (int b = 0; b < blocks; ++b) {
    BlockConv depthwise;
    depthwise.input = x;
    depthwise.taps = 7;
    depthwise.pad_left = depthwise.pad_right = 3;
    depthwise.groups = width;
    depthwise.weights = build.weights(width, 7);
    depthwise.bias = build.numbers(width, 0.1F);
    depthwise.to.output = build.value(width);
    build.push(depthwise);
    BlockConv wide = build.conv(norm(depthwise.to.output), 3 * width, 1);
    wide.to.mapped = build.value(3 * width);
    wide.to.map.kind = MapKind::gelu;
    build.push(wide);
    BlockConv narrow = build.conv(wide.to.mapped, width, 1);
    narrow.to.residual = x;
    narrow.to.output = build.value(width);
    build.push(narrow);
    x = narrow.to.output;
  }
  BlockConv head = build.conv(norm(x), fft_size + 2, 1);
  head.to.output = build.value(fft_size + 2);
  build.push(head);
  BlockInverseStft inverse;
  inverse.input = head.to.output;
  inverse.fft_size = fft_size;
  inverse.hop_samples = fft_size / 4;
  inverse.magnitude_limit = 100.0F;
  inverse.window = build.numbers(fft_size, 0.1F, 1.0F);
  inverse.output = build.value(1, {fft_size / 4, 1});
  build.push(inverse);
  return build.done(inverse.output);
}

// HiFi-GAN in small: a stage of two resblocks whose branches run side by side, twice.
inline BlockPlan resblock_plan(unsigned seed, int channels) {
  PlanBuilder build(seed);
  const BlockMap leaky{MapKind::leaky_relu, 0.1F, {}, {}};
  BlockConv pre = build.conv(build.input(16), channels, 7);
  pre.to.mapped = build.value(channels);
  pre.to.map = leaky;
  build.push(pre);
  BlockValueId x = pre.to.mapped;
  for (int stage = 0; stage < 2; ++stage) {
    const int inputs = build.channels(x);
    const int outputs = inputs / 2;
    const BlockRate rate{4 * build.rate(x).up, 1};
    BlockTransposedConv up;
    up.input = x;
    up.taps = 8;
    up.stride = 4;
    up.trim_left = up.trim_right = 2;
    up.weights = build.weights(outputs * 4, inputs * 2);
    up.bias = build.numbers(outputs, 0.1F);
    up.to.output = build.value(outputs, rate);
    up.to.mapped = build.value(outputs, rate);
    up.to.map = leaky;
    build.push(up);
    BlockSum sum;
    for (const int taps : {3, 7}) {
      BlockConv one = build.conv(up.to.mapped, outputs, taps, 3);
      one.to.mapped = build.value(outputs, rate);
      one.to.map = leaky;
      build.push(one);
      BlockConv two = build.conv(one.to.mapped, outputs, taps);
      two.to.residual = up.to.output;
      two.to.output = build.value(outputs, rate);
      build.push(two);
      sum.inputs.push_back(two.to.output);
    }
    sum.scale = 0.5F;
    sum.mapped = build.value(outputs, rate);
    sum.map = leaky;
    build.push(sum);
    x = sum.mapped;
  }
  BlockConv post = build.conv(x, 1, 7);
  post.to.mapped = build.value(1, build.rate(x));
  post.to.map.kind = MapKind::tanh;
  build.push(post);
  return build.done(post.to.mapped);
}

}  // namespace ondes
