#include "engine/cpu/reference_block_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/deterministic_math.h"
#include "engine/error.h"
#include "engine/ops/block_map.h"
#include "engine/ops/norm_sums.h"
#include "engine/ops/spectral_frame.h"
#include "engine/plan/block_geometry.h"
#include "engine/plan/block_runner.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

struct Signal {
  std::int64_t frames = 0;
  int channels = 0;
  std::vector<float> data;  // frames * channels
  float operator()(std::int64_t t, int c) const { return data[at(t * channels + c)]; }
};

// Continues a sum over n inputs: fma(weights[i * step], x[i], sum) in ascending order. Compiled twice
// on x86, because without the processor's own instruction std::fma() is a call; the bits are the same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("fma", "default")))
#endif
float continued_sum(const float* weights, std::ptrdiff_t step, const float* x, int n, float sum) {
  for (int i = 0; i < n; ++i) {
    sum = std::fma(weights[i * step], x[i], sum);
  }
  return sum;
}

// The frame that stands at position t of a padded signal; -1 for a zero.
std::int64_t padded_frame(BlockPadding padding, std::int64_t t, std::int64_t frames) {
  if (t >= 0 && t < frames) {
    return t;
  }
  switch (padding) {
    case BlockPadding::zero:
      return -1;
    case BlockPadding::replicate:
      return t < 0 ? 0 : frames - 1;
    case BlockPadding::reflect:
      return reflected_frame(t, frames);
  }
  return -1;
}

class Evaluation {
 public:
  explicit Evaluation(const BlockPlan& plan) : plan_(plan), signals_(plan.values.size()) {
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      signals_[i].channels = plan.values[i].channels;
    }
  }
  Signal& signal(BlockValueId id) { return signals_[at(id)]; }

  void run(const BlockOp& op) {
    const std::vector<BlockValueId> inputs = inputs_of(op);
    frames_ = frames_in_all(op, signal(inputs[0]).frames);
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      frames_ = std::min(frames_, signal(inputs[i]).frames);
    }
    for (const BlockValueId id : outputs_of(op)) {
      Signal& output = signal(id);
      output.frames = frames_;
      output.data.assign(at(frames_ * output.channels), 0.0F);
    }
    std::visit([this](const auto& one) { evaluate(one); }, op);
  }

 private:
  void write(BlockValueId output,
             BlockValueId mapped,
             const BlockMap& map,
             std::int64_t t,
             int o,
             float z) {
    if (output != kNoValue) {
      signal(output).data[at(t * signal(output).channels + o)] = z;
    }
    if (mapped != kNoValue) {
      signal(mapped).data[at(t * signal(mapped).channels + o)] = map_value(map, z, o);
    }
  }
  void finish(const BlockEpilogue& to, std::int64_t t, int o, float y) {
    const float sum = to.residual == kNoValue ? y : y + signal(to.residual)(t, o);
    write(to.output, to.mapped, to.map, t, o, to.scale * sum);
  }
  int channels_of(const BlockEpilogue& to) {
    return signal(to.output != kNoValue ? to.output : to.mapped).channels;
  }

  void evaluate(const BlockConv& op) {
    const Signal& x = signal(op.input);
    const int outputs = channels_of(op.to);
    const int inputs = x.channels / op.groups;
    const std::vector<float> zeros(at(inputs), 0.0F);
    for (std::int64_t t = 0; t < frames_; ++t) {
      for (int o = 0; o < outputs; ++o) {
        const int first = o / (outputs / op.groups) * inputs;
        float sum = op.bias.empty() ? 0.0F : op.bias[at(o)];
        for (int k = 0; k < op.taps; ++k) {
          const std::int64_t from = t * op.stride + std::int64_t{k} * op.dilation - op.pad_left;
          const std::int64_t s = padded_frame(op.padding, from, x.frames);
          const float* weights = &op.weights[at(std::int64_t{o} * inputs * op.taps + k)];
          const float* frame = s < 0 ? zeros.data() : &x.data[at(s * x.channels + first)];
          sum = continued_sum(weights, op.taps, frame, inputs, sum);
        }
        finish(op.to, t, o, sum);
      }
    }
  }

  void evaluate(const BlockTransposedConv& op) {
    const Signal& x = signal(op.input);
    const int outputs = channels_of(op.to);
    const int group_outputs = outputs / op.groups;
    const int inputs = x.channels / op.groups;
    const std::int64_t extended = x.frames + op.replicate_left + op.replicate_right;
    for (std::int64_t t = 0; t < frames_; ++t) {
      const std::int64_t result = t + op.trim_left;
      for (int o = 0; o < outputs; ++o) {
        const int first = o / group_outputs * inputs;
        float sum = op.bias.empty() ? 0.0F : op.bias[at(o)];
        std::int64_t s = result < op.taps ? 0 : (result - op.taps) / op.stride + 1;
        for (; s < extended && s * op.stride <= result; ++s) {
          const std::int64_t k = result - s * op.stride;
          const std::int64_t from =
              padded_frame(BlockPadding::replicate, s - op.replicate_left, x.frames);
          const std::int64_t row = std::int64_t{first} * group_outputs + o % group_outputs;
          sum = continued_sum(&op.weights[at(row * op.taps + k)],
                              std::ptrdiff_t{group_outputs} * op.taps,
                              &x.data[at(from * x.channels + first)], inputs, sum);
        }
        finish(op.to, t, o, sum);
      }
    }
  }

  void evaluate(const BlockSum& op) {
    for (std::int64_t t = 0; t < frames_; ++t) {
      for (int c = 0; c < signal(op.inputs[0]).channels; ++c) {
        float sum = signal(op.inputs[0])(t, c);
        for (std::size_t i = 1; i < op.inputs.size(); ++i) {
          sum = sum + signal(op.inputs[i])(t, c);
        }
        write(op.output, op.mapped, op.map, t, c, op.scale * sum);
      }
    }
  }

  void evaluate(const BlockGate& op) {
    const Signal& x = signal(op.input);
    const int half = x.channels / 2;
    for (std::int64_t t = 0; t < frames_; ++t) {
      for (int c = 0; c < half; ++c) {
        const float z = map_value(op.first, x(t, c), c) * map_value(op.second, x(t, half + c), c);
        write(op.output, kNoValue, {}, t, c, z);
      }
    }
  }

  void evaluate(const BlockLayerNorm& op) {
    const Signal& x = signal(op.input);
    for (std::int64_t t = 0; t < frames_; ++t) {
      const std::span<const float> frame(&x.data[at(t * x.channels)], at(x.channels));
      const NormSums sums = norm_sums(frame, op.epsilon);
      for (int c = 0; c < x.channels; ++c) {
        write(op.output, kNoValue, {}, t, c,
              exact::fma((frame[at(c)] - sums.mean) * sums.inverse_deviation, op.gain[at(c)],
                         op.bias[at(c)]));
      }
    }
  }

  void evaluate(const BlockLstm& op) {
    std::vector<std::vector<float>> hidden;
    std::vector<std::vector<float>> cell;
    for (const BlockLstmLayer& layer : op.layers) {
      const auto start = [&](std::span<const float> from) {
        return from.empty() ? std::vector<float>(at(layer.hidden), 0.0F)
                            : std::vector<float>(from.begin(), from.end());
      };
      hidden.push_back(start(layer.initial_hidden));
      cell.push_back(start(layer.initial_cell));
    }
    const Signal& x = signal(op.input);
    for (std::int64_t t = 0; t < frames_; ++t) {
      std::span<const float> input(&x.data[at(t * x.channels)], at(x.channels));
      for (std::size_t l = 0; l < op.layers.size(); ++l) {
        step(op.layers[l], input, &hidden[l], &cell[l]);
        input = hidden[l];
      }
      for (std::size_t c = 0; c < input.size(); ++c) {
        write(op.output, kNoValue, {}, t, static_cast<int>(c), input[c]);
      }
    }
  }

  static void step(const BlockLstmLayer& layer,
                   std::span<const float> input,
                   std::vector<float>* hidden,
                   std::vector<float>* cell) {
    std::vector<float> gates(layer.bias.begin(), layer.bias.end());
    for (std::size_t row = 0; row < gates.size(); ++row) {
      for (std::size_t i = 0; i < input.size(); ++i) {
        gates[row] = exact::fma(layer.input_weights[row * input.size() + i], input[i], gates[row]);
      }
      for (std::size_t i = 0; i < hidden->size(); ++i) {
        gates[row] =
            exact::fma(layer.hidden_weights[row * hidden->size() + i], (*hidden)[i], gates[row]);
      }
    }
    const std::size_t h = hidden->size();
    for (std::size_t c = 0; c < h; ++c) {
      const float added = exact::sigmoid(gates[c]) * exact::tanh(gates[2 * h + c]);
      (*cell)[c] = exact::fma(exact::sigmoid(gates[h + c]), (*cell)[c], added);
      (*hidden)[c] = exact::sigmoid(gates[3 * h + c]) * exact::tanh((*cell)[c]);
    }
  }

  void evaluate(const BlockInverseStft& op) {
    const Signal& x = signal(op.input);
    const SpectralFrame frame(op);
    const std::int64_t samples = (x.frames - 1) * op.hop_samples + op.fft_size;
    std::vector<float> sum(at(std::max<std::int64_t>(samples, 0)), 0.0F);
    std::vector<float> envelope(sum.size(), 0.0F);
    std::vector<float> one(at(op.fft_size));
    std::vector<float> scratch(at(frame.scratch_size()));
    for (std::int64_t f = 0; f < x.frames; ++f) {
      frame.evaluate({&x.data[at(f * x.channels)], at(x.channels)}, one, scratch);
      for (int n = 0; n < op.fft_size; ++n) {
        const float w = op.window[at(n)];
        const std::size_t u = at(f * op.hop_samples + n);
        sum[u] = exact::fma(w, one[at(n)], sum[u]);
        envelope[u] = exact::fma(w, w, envelope[u]);
      }
    }
    const int cut = op.centred ? op.fft_size / 2 : 0;
    for (std::int64_t t = 0; t < frames_; ++t) {
      const std::size_t u = at(t + cut);
      write(op.output, kNoValue, {}, t, 0,
            envelope[u] < kSmallestEnvelope ? 0.0F : sum[u] / envelope[u]);
    }
  }

  const BlockPlan& plan_;
  std::vector<Signal> signals_;
  std::int64_t frames_ = 0;  // of the operation at hand
};

// Input i behind the frames of silence it is prewarmed with.
void set_input(const BlockPlan& plan, std::size_t i, ConstFrames frames, Signal* signal) {
  const std::int64_t silence =
      std::int64_t{plan.prewarm_frames} * plan.values[at(plan.inputs[i])].rate.up;
  signal->frames = silence + frames.frames();
  signal->data.assign(at(signal->frames * signal->channels), 0.0F);
  for (int t = 0; t < frames.frames(); ++t) {
    std::copy(frames[t].begin(), frames[t].end(),
              signal->data.begin() + (silence + t) * signal->channels);
  }
}

void require_shapes(const BlockPlan& plan, std::span<const ConstFrames> inputs) {
  const auto refuse = [](const std::string& field, std::int64_t expected, std::int64_t found) {
    throw Error(ErrorCode::bad_input, "block plan: " + field + ": expected " +
                                          std::to_string(expected) + ", found " +
                                          std::to_string(found));
  };
  if (inputs.size() != plan.inputs.size()) {
    refuse("signals", static_cast<std::int64_t>(plan.inputs.size()),
           static_cast<std::int64_t>(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const BlockValue& value = plan.values[at(plan.inputs[i])];
    const std::string name = "signal of '" + value.name + "'";
    if (inputs[i].channels() != value.channels) {
      refuse(name + ": channels", value.channels, inputs[i].channels());
    }
    const std::int64_t frames = std::int64_t{inputs[0].frames()} * value.rate.up;
    if (inputs[i].frames() != frames) {
      refuse(name + ": frames", frames, inputs[i].frames());
    }
  }
}

}  // namespace

std::vector<std::vector<float>> evaluate_block_values(const BlockPlan& plan,
                                                      std::span<const ConstFrames> inputs) {
  validate(plan);
  require_shapes(plan, inputs);
  Evaluation evaluation(plan);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    set_input(plan, i, inputs[i], &evaluation.signal(plan.inputs[i]));
  }
  for (const BlockOp& op : plan.ops) {
    evaluation.run(op);
  }
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < plan.values.size(); ++i) {
    values.push_back(std::move(evaluation.signal(static_cast<int>(i)).data));
  }
  return values;
}

std::vector<float> evaluate_block_plan(const BlockPlan& plan, std::span<const ConstFrames> inputs) {
  std::vector<float> output = std::move(evaluate_block_values(plan, inputs)[at(plan.output)]);
  const BlockValue& value = plan.values[at(plan.output)];
  const std::int64_t dropped =
      std::int64_t{plan.prewarm_frames} * value.rate.up / value.rate.down * value.channels;
  output.erase(output.begin(), output.begin() + dropped);
  return output;
}

}  // namespace ondes
