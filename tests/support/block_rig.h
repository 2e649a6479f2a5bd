// Random block plans with every kind of operation, random signals, runs of a runner over random
// schedules of blocks, and what they are held to.
#pragma once
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <list>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/plan/block_runner.h"

namespace ondes {

class RandomBlockPlan {
 public:
  explicit RandomBlockPlan(unsigned seed) : random_(seed) {
    plan_.sample_rate_hz = 8000;
    const int inputs = pick(1, 2);
    for (int i = 0; i < inputs; ++i) {
      plan_.inputs.push_back(add_value(pick(1, 20), {i == 0 ? 1 : pick(1, 4), 1}));
    }
    const int ops = pick(3, 12);
    for (int i = 0; i < ops; ++i) {
      add_random();
    }
    plan_.output = static_cast<BlockValueId>(plan_.values.size()) - 1;
    if (plan_.ops.empty()) {
      add_conv(0);
      plan_.output = static_cast<BlockValueId>(plan_.values.size()) - 1;
    }
    plan_.storage = memory_;
    validate(plan_);
  }
  const BlockPlan& plan() const { return plan_; }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return pick(1, 100) <= percent; }

  std::span<const float> numbers(int count, float size, float centre = 0.0F) {
    std::normal_distribution<float> normal(centre, size);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
      value = normal(random_);
    }
    memory_->push_back(std::move(values));
    return memory_->back();
  }
  BlockValueId add_value(int channels, BlockRate rate) {
    const auto id = static_cast<BlockValueId>(plan_.values.size());
    plan_.values.push_back({channels, rate, "v" + std::to_string(id)});
    return id;
  }
  BlockValue value(BlockValueId id) const { return plan_.values[static_cast<std::size_t>(id)]; }

  BlockMap random_map(int channels) {
    BlockMap map;
    map.kind = static_cast<MapKind>(pick(0, 9));
    if (map.kind == MapKind::exp) {
      map.kind = MapKind::tanh;  // exponentials of exponentials leave the floats
    }
    map.slope = 0.1F;
    if (map.kind == MapKind::snake) {
      map.alpha = numbers(channels, 0.3F, 1.0F);
      map.inverse_beta = numbers(channels, 0.3F, 1.0F);
    }
    return map;
  }
  void set_outputs(int channels, BlockRate rate, BlockEpilogue* to) {
    const bool both = chance(30);
    const bool only_mapped = !both && chance(40);
    if (!only_mapped) {
      to->output = add_value(channels, rate);
    }
    if (both || only_mapped) {
      to->mapped = add_value(channels, rate);
      to->map = random_map(channels);
    }
    to->scale = chance(30) ? 0.5F : 1.0F;
  }
  static BlockRate rate_times(BlockRate rate, int up, int down) {
    const int u = rate.up * up;
    const int d = rate.down * down;
    const int divisor = std::gcd(u, d);
    return {u / divisor, d / divisor};
  }

  void add_conv(BlockValueId input) {
    BlockConv op;
    const int in = value(input).channels;
    op.input = input;
    op.taps = pick(1, 7);
    op.dilation = pick(1, 3);
    op.stride = chance(15) ? 2 : 1;
    int out = chance(20) ? pick(1, 4) : pick(1, 40);
    if (chance(20)) {
      out = in;
      op.groups = in;
    } else if (in % 2 == 0 && chance(20)) {
      out += out % 2;
      op.groups = 2;
    }
    const int reach = (op.taps - 1) * op.dilation;
    op.pad_left = chance(60) ? reach / 2 : (chance(50) ? reach : pick(0, 9));
    op.pad_right = chance(80) ? std::max(0, reach - op.pad_left) : pick(0, 9);
    op.padding = static_cast<BlockPadding>(chance(60) ? 0 : pick(1, 2));
    op.weights = numbers(out * (in / op.groups) * op.taps,
                         1.0F / static_cast<float>(in / op.groups * op.taps));
    op.bias = chance(80) ? numbers(out, 0.2F) : std::span<const float>();
    const BlockRate rate = rate_times(value(input).rate, 1, op.stride);
    const BlockValueId residual = alike(out, rate);
    set_outputs(out, rate, &op.to);
    push(op, residual);
  }
  void add_transposed(BlockValueId input) {
    BlockTransposedConv op;
    const int in = value(input).channels;
    op.input = input;
    op.stride = pick(1, 4);
    op.taps = pick(1, 2 * op.stride + 2);
    int out = pick(1, 40);
    if (chance(20)) {
      out = in;
      op.groups = in;
    }
    op.trim_left = chance(60) ? std::max(0, op.taps - op.stride) / 2 : pick(0, 5);
    op.trim_right = chance(60) ? std::max(0, op.taps - op.stride - op.trim_left) : pick(0, 5);
    if (chance(30)) {
      op.replicate_left = pick(0, 4);
      op.replicate_right = pick(0, 4);
    }
    op.weights =
        numbers(in * (out / op.groups) * op.taps, 1.0F / static_cast<float>(in / op.groups * 2));
    op.bias = numbers(out, 0.2F);
    const BlockRate rate = rate_times(value(input).rate, op.stride, 1);
    const BlockValueId residual = alike(out, rate);
    set_outputs(out, rate, &op.to);
    push(op, residual);
  }
  void add_lstm(BlockValueId input) {
    BlockLstm op;
    op.input = input;
    int width = value(input).channels;
    for (int l = pick(1, 2); l > 0; --l) {
      BlockLstmLayer layer;
      layer.inputs = width;
      layer.hidden = pick(1, 20);
      layer.input_weights = numbers(4 * layer.hidden * width, 0.3F);
      layer.hidden_weights = numbers(4 * layer.hidden * layer.hidden, 0.3F);
      layer.bias = numbers(4 * layer.hidden, 0.3F);
      if (chance(50)) {
        layer.initial_hidden = numbers(layer.hidden, 0.3F);
        layer.initial_cell = numbers(layer.hidden, 0.3F);
      }
      width = layer.hidden;
      op.layers.push_back(layer);
    }
    op.output = add_value(width, value(input).rate);
    plan_.ops.emplace_back(op);
  }
  void add_inverse_stft(BlockValueId input) {
    BlockInverseStft op;
    op.fft_size = 2 * pick(1, 8);
    op.hop_samples = pick(1, op.fft_size);
    op.centred = chance(50);
    op.magnitude_limit = 2.0F;
    op.form = static_cast<BlockInverseStft::Form>(pick(0, 1));
    op.window = numbers(op.fft_size, 0.3F, 1.0F);
    BlockConv spread;
    spread.input = input;
    spread.weights = numbers((op.fft_size + 2) * value(input).channels, 0.2F);
    spread.to.output = add_value(op.fft_size + 2, value(input).rate);
    op.input = spread.to.output;
    plan_.ops.emplace_back(spread);
    op.output = add_value(1, rate_times(value(input).rate, op.hop_samples, 1));
    plan_.ops.emplace_back(op);
  }
  void add_random() {
    const auto last = static_cast<BlockValueId>(plan_.values.size()) - 1;
    const BlockValueId input = chance(70) ? last : pick(0, last);
    const BlockValue from = value(input);
    if (from.rate.up > 64 * from.rate.down || from.rate.down > 8) {
      return;
    }
    const int kind = pick(0, 99);
    if (kind < 45) {
      add_conv(input);
    } else if (kind < 65) {
      add_transposed(input);
    } else if (kind < 75) {
      BlockSum op{{input}, 0.5F, kNoValue, random_map(from.channels), kNoValue};
      const BlockValueId other = alike(from.channels, from.rate);
      op.mapped = add_value(from.channels, from.rate);
      plan_.ops.emplace_back(op);
      if (other != kNoValue) {
        keep_if_valid([&] {
          std::get<BlockSum>(plan_.ops.back())
              .inputs.assign(static_cast<std::size_t>(pick(1, 20)), other);
        });
      }
    } else if (kind < 82 && from.channels % 2 == 0) {
      BlockGate op;
      op.input = input;
      op.first = random_map(from.channels / 2);
      op.second = random_map(from.channels / 2);
      op.output = add_value(from.channels / 2, from.rate);
      plan_.ops.emplace_back(op);
    } else if (kind < 88) {
      BlockLayerNorm op;
      op.input = input;
      op.gain = numbers(from.channels, 0.2F, 1.0F);
      op.bias = numbers(from.channels, 0.2F);
      op.output = add_value(from.channels, from.rate);
      plan_.ops.emplace_back(op);
    } else if (kind < 94) {
      add_lstm(input);
    } else {
      add_inverse_stft(input);
    }
  }

  // Some value that could be added to one of these channels and rate.
  BlockValueId alike(int channels, BlockRate rate) {
    std::vector<BlockValueId> found;
    for (BlockValueId id = 0; id < static_cast<BlockValueId>(plan_.values.size()); ++id) {
      if (value(id).channels == channels && value(id).rate == rate) {
        found.push_back(id);
      }
    }
    return found.empty()
               ? kNoValue
               : found[static_cast<std::size_t>(pick(0, static_cast<int>(found.size()) - 1))];
  }
  template <class Op>
  void push(const Op& op, BlockValueId residual) {
    plan_.ops.emplace_back(op);
    if (residual != kNoValue) {
      keep_if_valid([&] { std::get<Op>(plan_.ops.back()).to.residual = residual; });
    }
  }
  // Takes a change of the last operation back if signals of other lengths would be added.
  template <class Change>
  void keep_if_valid(const Change& change) {
    const BlockOp before = plan_.ops.back();
    change();
    plan_.output = static_cast<BlockValueId>(plan_.values.size()) - 1;
    try {
      validate(plan_);
    } catch (const Error&) {
      plan_.ops.back() = before;
    }
  }

  std::mt19937 random_;
  BlockPlan plan_;
  std::shared_ptr<std::list<std::vector<float>>> memory_ =
      std::make_shared<std::list<std::vector<float>>>();
};

// One signal for each input of a plan.
struct BlockSignal {
  BlockSignal(const BlockPlan& plan, int frames, unsigned seed) : plan_frames(frames) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    for (const BlockValueId id : plan.inputs) {
      const BlockValue& value = plan.values[static_cast<std::size_t>(id)];
      up.push_back(value.rate.up);
      inputs.emplace_back(frames * value.rate.up, value.channels);
      for (int t = 0; t < frames * value.rate.up; ++t) {
        for (float& x : inputs.back().view()[t]) {
          x = normal(random);
        }
      }
    }
  }
  std::vector<ConstFrames> part(int first, int count) const {
    std::vector<ConstFrames> views;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      views.push_back(inputs[i].view().subview(first * up[i], count * up[i]));
    }
    return views;
  }
  int plan_frames;
  std::vector<int> up;
  std::vector<Buffer> inputs;
};

// A stream being played, block by block.
struct BlockPlayer {
  BlockPlayer(BlockRunner& to, const BlockPlan& plan, int stream_number)
      : runner(to),
        stream(stream_number),
        room(to.max_output_frames(), plan.values[static_cast<std::size_t>(plan.output)].channels) {}
  void play(const BlockSignal& signal, int frames) {
    frames = std::min(frames, signal.plan_frames - done);
    const std::vector<ConstFrames> blocks = signal.part(done, frames);
    take(runner.process(stream, blocks, room.view()));
    done += frames;
  }
  void finish() {
    for (int count = 1; count > 0;) {
      count = runner.finish(stream, room.view());
      take(count);
    }
  }
  void take(int count) {
    for (int t = 0; t < count; ++t) {
      output.insert(output.end(), room.view()[t].begin(), room.view()[t].end());
    }
  }
  BlockRunner& runner;
  int stream;
  Buffer room;
  int done = 0;
  std::vector<float> output;
};

inline std::vector<float> played(BlockRunner& runner,
                                 const BlockPlan& plan,
                                 const BlockSignal& signal,
                                 const std::vector<int>& blocks,
                                 int stream = 0) {
  runner.start(stream);
  BlockPlayer player(runner, plan, stream);
  for (std::size_t b = 0; player.done < signal.plan_frames; ++b) {
    player.play(signal, blocks[b % blocks.size()]);
  }
  player.finish();
  return player.output;
}

inline std::vector<float> judged(const BlockPlan& plan, const BlockSignal& signal) {
  return evaluate_block_plan(plan, signal.part(0, signal.plan_frames));
}

// Where two signals differ first; -1 if nowhere. NaN equals NaN.
inline long long first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != b[i] && !(std::isnan(a[i]) && std::isnan(b[i]))) {
      return static_cast<long long>(i);
    }
  }
  return a.size() == b.size() ? -1 : static_cast<long long>(std::min(a.size(), b.size()));
}

// Streams in turns, the first after a false start: each has the judge's samples. make(plan, options)
// gives the runner; plans are those of seeds 200 to end_seed.
template <class MakeRunner>
void check_streams_apart(unsigned end_seed, const MakeRunner& make) {
  for (unsigned seed = 200; seed < end_seed; ++seed) {
    const RandomBlockPlan rig(seed);
    const BlockPlan& plan = rig.plan();
    const auto runner = make(plan, BlockRunnerOptions{Precision::f32, 3, 8, 1});
    std::vector<BlockSignal> signals;
    std::vector<BlockPlayer> players;
    for (int s = 0; s < 3; ++s) {
      signals.emplace_back(plan, 30 + 5 * s, seed + static_cast<unsigned>(s));
      players.emplace_back(*runner, plan, s);
    }
    players[0].play(signals[1], 8);  // the false start
    players[0].output.clear();
    players[0].done = 0;
    runner->start(0);
    for (int round = 0; round < 40; ++round) {
      const auto s = static_cast<std::size_t>(round % 3);
      players[s].play(signals[s], 1 + round % 8);
    }
    for (std::size_t s = 0; s < 3; ++s) {
      while (players[s].done < signals[s].plan_frames) {
        players[s].play(signals[s], 8);
      }
      players[s].finish();
      CAPTURE(seed, s);
      CHECK(first_difference(players[s].output, judged(plan, signals[s])) == -1);
    }
  }
}

}  // namespace ondes
