#include "engine/plan/block_plan.h"

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/plan/block_geometry.h"

namespace ondes {
namespace {

// Far above any network, far below where products of two leave 64 bits.
constexpr long long kMaxChannels = 1 << 16;
constexpr long long kMaxFrames = 1 << 24;
constexpr long long kMaxRate = 1 << 20;

std::size_t index(BlockValueId id) {
  return static_cast<std::size_t>(id);
}

BlockRate reduced(long long up, long long down) {
  const long long divisor = std::gcd(up, down);
  return {static_cast<int>(std::min(up / divisor, kMaxRate + 1)),
          static_cast<int>(std::min(down / divisor, kMaxRate + 1))};
}

std::string text(const BlockRate& rate) {
  return std::to_string(rate.up) + "/" + std::to_string(rate.down);
}

// Checks one operation; messages begin with where it stands.
class OpCheck {
 public:
  OpCheck(const BlockPlan& plan, std::size_t number) : plan_(plan) {
    const BlockOp& op = plan.ops[number];
    where_ = "block plan: ops[" + std::to_string(number) + "] (" + kind_name(op) + ")";
  }

  [[noreturn]] void refuse(const std::string& field,
                           const std::string& expected,
                           const std::string& found) const {
    throw Error(ErrorCode::bad_input,
                where_ + ": " + field + ": expected " + expected + ", found " + found);
  }
  void in(const std::string& field, long long value, long long low, long long high) const {
    if (value < low || value > high) {
      refuse(field, std::to_string(low) + ".." + std::to_string(high), std::to_string(value));
    }
  }
  void size(const std::string& field, std::span<const float> values, long long expected) const {
    if (static_cast<long long>(values.size()) != expected) {
      refuse(field, std::to_string(expected) + " values", std::to_string(values.size()));
    }
  }
  void size_or_none(const std::string& field,
                    std::span<const float> values,
                    long long expected) const {
    if (!values.empty()) {
      size(field, values, expected);
    }
  }
  const BlockValue& value(const std::string& field, BlockValueId id) const {
    in(field, id, 0, static_cast<long long>(plan_.values.size()) - 1);
    return plan_.values[index(id)];
  }
  void same(const std::string& field, BlockValueId id, int channels, BlockRate rate) const {
    const BlockValue& found = value(field, id);
    if (found.channels != channels) {
      refuse(field + " ('" + found.name + "').channels", std::to_string(channels),
             std::to_string(found.channels));
    }
    if (found.rate != rate) {
      refuse(field + " ('" + found.name + "').rate", text(rate), text(found.rate));
    }
  }
  void map(const std::string& field, const BlockMap& m, int channels) const {
    const int count = m.kind == MapKind::snake ? channels : 0;
    size(field + ".alpha", m.alpha, count);
    size(field + ".inverse_beta", m.inverse_beta, count);
  }
  void epilogue(const BlockEpilogue& to, BlockRate rate) const {
    const BlockValueId any = to.output != kNoValue ? to.output : to.mapped;
    if (any == kNoValue) {
      refuse("to", "output or mapped", "neither");
    }
    outputs(to.output, to.mapped, to.map, value("to.output", any).channels, rate);
    if (to.residual != kNoValue) {
      same("to.residual", to.residual, value("to.output", any).channels, rate);
    }
  }
  void outputs(BlockValueId output,
               BlockValueId mapped,
               const BlockMap& m,
               int channels,
               BlockRate rate) const {
    if (output == kNoValue && mapped == kNoValue) {
      refuse("output", "output or mapped", "neither");
    }
    if (output != kNoValue) {
      same("output", output, channels, rate);
    }
    if (mapped != kNoValue) {
      same("mapped", mapped, channels, rate);
      map("map", m, channels);
    }
    if (output == mapped) {
      refuse("mapped", "another value than output", std::to_string(mapped));
    }
  }
  void groups(int groups_found, int inputs, int outputs_found) const {
    in("groups", groups_found, 1, kMaxChannels);
    if (inputs % groups_found != 0 || outputs_found % groups_found != 0) {
      refuse("groups",
             "a divisor of " + std::to_string(inputs) + " and " + std::to_string(outputs_found),
             std::to_string(groups_found));
    }
  }

  void operator()(const BlockConv& op) const {
    const BlockValue& input = value("input", op.input);
    in("taps", op.taps, 1, kMaxFrames);
    in("stride", op.stride, 1, kMaxRate);
    in("dilation", op.dilation, 1, kMaxFrames);
    in("pad_left", op.pad_left, 0, kMaxFrames);
    in("pad_right", op.pad_right, 0, kMaxFrames);
    const int channels = output_channels(op.to);
    groups(op.groups, input.channels, channels);
    size("weights", op.weights, 1LL * channels * (input.channels / op.groups) * op.taps);
    size_or_none("bias", op.bias, channels);
    epilogue(op.to, reduced(input.rate.up, 1LL * input.rate.down * op.stride));
  }
  void operator()(const BlockTransposedConv& op) const {
    const BlockValue& input = value("input", op.input);
    in("taps", op.taps, 1, kMaxFrames);
    in("stride", op.stride, 1, kMaxRate);
    in("trim_left", op.trim_left, 0, kMaxFrames);
    in("trim_right", op.trim_right, 0, kMaxFrames);
    in("replicate_left", op.replicate_left, 0, kMaxFrames);
    in("replicate_right", op.replicate_right, 0, kMaxFrames);
    const int channels = output_channels(op.to);
    groups(op.groups, input.channels, channels);
    size("weights", op.weights, 1LL * input.channels * (channels / op.groups) * op.taps);
    size_or_none("bias", op.bias, channels);
    epilogue(op.to, reduced(1LL * input.rate.up * op.stride, input.rate.down));
  }
  void operator()(const BlockSum& op) const {
    in("inputs (how many)", static_cast<long long>(op.inputs.size()), 1, kMaxChannels);
    const BlockValue& first = value("inputs[0]", op.inputs[0]);
    for (std::size_t i = 1; i < op.inputs.size(); ++i) {
      same("inputs[" + std::to_string(i) + "]", op.inputs[i], first.channels, first.rate);
    }
    outputs(op.output, op.mapped, op.map, first.channels, first.rate);
  }
  void operator()(const BlockGate& op) const {
    const BlockValue& input = value("input", op.input);
    const int channels = value("output", op.output).channels;
    same("input", op.input, 2 * channels, input.rate);
    same("output", op.output, channels, input.rate);
    map("first", op.first, channels);
    map("second", op.second, channels);
  }
  void operator()(const BlockLayerNorm& op) const {
    const BlockValue& input = value("input", op.input);
    same("output", op.output, input.channels, input.rate);
    size("gain", op.gain, input.channels);
    size("bias", op.bias, input.channels);
    if (!(op.epsilon > 0.0F)) {
      refuse("epsilon", "a positive number", std::to_string(op.epsilon));
    }
  }
  void operator()(const BlockLstm& op) const {
    const BlockValue& input = value("input", op.input);
    in("layers (how many)", static_cast<long long>(op.layers.size()), 1, 64);
    int width = input.channels;
    for (std::size_t l = 0; l < op.layers.size(); ++l) {
      const BlockLstmLayer& layer = op.layers[l];
      const std::string name = "layers[" + std::to_string(l) + "]";
      in(name + ".inputs", layer.inputs, width, width);
      in(name + ".hidden", layer.hidden, 1, kMaxChannels);
      size(name + ".input_weights", layer.input_weights, 4LL * layer.hidden * width);
      size(name + ".hidden_weights", layer.hidden_weights, 4LL * layer.hidden * layer.hidden);
      size(name + ".bias", layer.bias, 4LL * layer.hidden);
      size_or_none(name + ".initial_hidden", layer.initial_hidden, layer.hidden);
      size_or_none(name + ".initial_cell", layer.initial_cell, layer.hidden);
      width = layer.hidden;
    }
    same("output", op.output, width, input.rate);
  }
  void operator()(const BlockInverseStft& op) const {
    const BlockValue& input = value("input", op.input);
    in("fft_size", op.fft_size, 2, 1 << 16);
    if (op.fft_size % 2 != 0) {
      refuse("fft_size", "an even number", std::to_string(op.fft_size));
    }
    in("hop_samples", op.hop_samples, 1, op.fft_size);
    size("window", op.window, op.fft_size);
    same("input", op.input, op.fft_size + 2, input.rate);
    same("output", op.output, 1, reduced(1LL * input.rate.up * op.hop_samples, input.rate.down));
    if (!(op.magnitude_limit >= 0.0F)) {
      refuse("magnitude_limit", "0 or more", std::to_string(op.magnitude_limit));
    }
  }

 private:
  int output_channels(const BlockEpilogue& to) const {
    return value("to.output", to.output != kNoValue ? to.output : to.mapped).channels;
  }

  const BlockPlan& plan_;
  std::string where_;
};

[[noreturn]] void refuse(const std::string& field,
                         const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::bad_input,
              "block plan: " + field + ": expected " + expected + ", found " + found);
}

void require_in(const std::string& field, long long value, long long low, long long high) {
  if (value < low || value > high) {
    refuse(field, std::to_string(low) + ".." + std::to_string(high), std::to_string(value));
  }
}

void validate_values(const BlockPlan& plan) {
  require_in("values (how many)", static_cast<long long>(plan.values.size()), 1, 1 << 20);
  for (std::size_t i = 0; i < plan.values.size(); ++i) {
    const BlockValue& value = plan.values[i];
    const std::string name = "values[" + std::to_string(i) + "] ('" + value.name + "')";
    require_in(name + ".channels", value.channels, 1, kMaxChannels);
    require_in(name + ".rate.up", value.rate.up, 1, kMaxRate);
    require_in(name + ".rate.down", value.rate.down, 1, kMaxRate);
    if (std::gcd(value.rate.up, value.rate.down) != 1) {
      refuse(name + ".rate", "lowest terms", text(value.rate));
    }
  }
}

// Inputs and every operation, in the order in which values come to be.
void validate_flow(const BlockPlan& plan) {
  std::vector<bool> written(plan.values.size(), false);
  const auto last_id = static_cast<long long>(plan.values.size()) - 1;
  require_in("inputs (how many)", static_cast<long long>(plan.inputs.size()), 1, 64);
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
    const std::string name = "inputs[" + std::to_string(i) + "]";
    require_in(name, plan.inputs[i], 0, last_id);
    const BlockRate rate = plan.values[index(plan.inputs[i])].rate;
    if (rate.down != 1 || (i == 0 && rate.up != 1)) {
      refuse(name + ".rate", i == 0 ? "1/1" : "whole frames a plan frame", text(rate));
    }
    if (written[index(plan.inputs[i])]) {
      refuse(name, "a value of its own", std::to_string(plan.inputs[i]) + " again");
    }
    written[index(plan.inputs[i])] = true;
  }
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    const OpCheck check(plan, i);
    std::visit(check, plan.ops[i]);
    for (const BlockValueId id : inputs_of(plan.ops[i])) {
      if (!written[index(id)]) {
        check.refuse("input", "a value written before", "'" + plan.values[index(id)].name + "'");
      }
    }
    for (const BlockValueId id : outputs_of(plan.ops[i])) {
      if (written[index(id)]) {
        check.refuse("output", "a value not yet written", "'" + plan.values[index(id)].name + "'");
      }
      written[index(id)] = true;
    }
  }
  require_in("output", plan.output, 0, last_id);
  if (!written[index(plan.output)]) {
    refuse("output", "a value that is written", "'" + plan.values[index(plan.output)].name + "'");
  }
}

// The least plan frames after which every rate is at a whole frame.
long long period_of(const BlockPlan& plan) {
  long long period = 1;
  for (const BlockValue& value : plan.values) {
    period = std::lcm(period, static_cast<long long>(value.rate.down));
    if (period > kMaxRate) {
      refuse("values[].rate.down", "a common multiple of at most " + std::to_string(kMaxRate),
             std::to_string(period));
    }
  }
  return period;
}

// Signals that are added must have one length: where they have not, a layer lacks padding.
void validate_lengths(const BlockPlan& plan) {
  const long long frames = period_of(plan) * 64 * 1024;
  const std::vector<std::int64_t> lengths = frames_of_values(plan, frames, true);
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    const std::vector<BlockValueId> inputs = inputs_of(plan.ops[i]);
    const std::int64_t made = frames_in_all(plan.ops[i], lengths[index(inputs[0])]);
    for (std::size_t k = 1; k < inputs.size(); ++k) {
      const std::int64_t found = lengths[index(inputs[k])];
      if (found != made) {
        OpCheck(plan, i).refuse("length of '" + plan.values[index(inputs[k])].name +
                                    "' that is added, for " + std::to_string(frames) +
                                    " plan frames",
                                std::to_string(made) + " frames", std::to_string(found));
      }
    }
  }
}

void validate_prewarm(const BlockPlan& plan) {
  require_in("prewarm_frames", plan.prewarm_frames, 0, kMaxFrames);
  if (plan.prewarm_frames == 0) {
    return;
  }
  const int latency = latency_frames(plan);
  if (latency != 0) {
    refuse("prewarm_frames",
           "0, because the plan looks ahead by " + std::to_string(latency) + " frames",
           std::to_string(plan.prewarm_frames));
  }
  const BlockRate rate = plan.values[index(plan.output)].rate;
  for (const long long frames : {1LL, 1000LL * rate.down}) {
    if (output_frames(plan, frames) != frames * rate.up / rate.down) {
      refuse("prewarm_frames", "0, because the output has another length than the input",
             std::to_string(plan.prewarm_frames));
    }
  }
}

}  // namespace

void validate(const BlockPlan& plan) {
  require_in("sample_rate_hz", plan.sample_rate_hz, 1, 10'000'000);
  validate_values(plan);
  validate_flow(plan);
  validate_lengths(plan);
  validate_prewarm(plan);
  std::size_t channels = 0;
  for (const BlockValue& value : plan.values) {
    channels += index(value.channels);
  }
  if (!plan.ranges.empty() && plan.ranges.size() != channels) {
    refuse("ranges", std::to_string(channels) + " (one a channel of every value) or none",
           std::to_string(plan.ranges.size()));
  }
}

int latency_frames(const BlockPlan& plan) {
  const BlockRate rate = plan.values[index(plan.output)].rate;
  const long long period = period_of(plan);
  const auto complete = [&](std::int64_t known) {
    return frames_of_values(plan, known, false)[index(plan.output)];
  };
  // Some frames at the start, where edges count, and one period far from it.
  std::vector<std::int64_t> at;
  for (std::int64_t t = 0; t < 16; ++t) {
    at.push_back(t);
  }
  for (std::int64_t t = 0; t < std::min<long long>(period, 4096); ++t) {
    at.push_back(2 * kMaxFrames + t);
  }
  std::int64_t latency = 0;
  for (const std::int64_t t : at) {
    const std::int64_t wanted = (t + 1) * rate.up / rate.down;
    std::int64_t low = 0;  // more frames than are known to be too few
    std::int64_t high = 1;
    while (complete(t + 1 + high) < wanted && high < kMaxFrames * 4LL) {
      low = high;
      high *= 2;
    }
    if (complete(t + 1) >= wanted) {
      continue;
    }
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (complete(t + 1 + middle) < wanted ? low : high) = middle;
    }
    latency = std::max(latency, high);
  }
  return static_cast<int>(latency);
}

long long output_frames(const BlockPlan& plan, long long frames) {
  return frames_of_values(plan, frames, true)[index(plan.output)];
}

double macs_per_frame(const BlockPlan& plan) {
  double macs = 0.0;
  const auto rate_of = [&](BlockValueId id) {
    const BlockRate rate = plan.values[index(id)].rate;
    return static_cast<double>(rate.up) / rate.down;
  };
  for (const BlockOp& op : plan.ops) {
    if (const auto* conv = std::get_if<BlockConv>(&op)) {
      macs += static_cast<double>(conv->weights.size()) * rate_of(outputs_of(op)[0]);
    } else if (const auto* up = std::get_if<BlockTransposedConv>(&op)) {
      macs += static_cast<double>(up->weights.size()) * rate_of(up->input);
    } else if (const auto* lstm = std::get_if<BlockLstm>(&op)) {
      for (const BlockLstmLayer& layer : lstm->layers) {
        macs += static_cast<double>(layer.input_weights.size() + layer.hidden_weights.size()) *
                rate_of(lstm->input);
      }
    }
  }
  return macs;
}

}  // namespace ondes
