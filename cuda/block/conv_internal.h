// Convolutions of block plans on a device, in the CPU's order.
//
//   y[t][o] = bias[o] + sum over k, i, ascending, of w[o][i][k] x[t S + k D - P][i]
//
// A thread makes kOutputs outputs of kFrames frames in registers: one accumulator each, which takes
// its inputs oldest frame first, then the channels in ascending order, by fused multiply-adds. That
// is the CPU's sum to the last bit, whatever the tile, the block and the number of threads.
// Neighbouring threads make neighbouring outputs: they read weights side by side and the same input
// frames. Nothing is staged: a frame's numbers come through the first-level cache to all threads of
// a block that want them. A transposed convolution is `phases` plain ones (ConvOp). Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/block/epilogue_internal.h"
#include "cuda/unroll.h"
#include "engine/deterministic_math.h"
#include "engine/plan/block_geometry.h"

namespace ondes::gpu {

inline constexpr int kConvThreads = 128;
inline constexpr int kNoFrame = -0x7FFFFFFF;

// Successive outputs of one phase: which frames they are and which they read.
struct PhaseView {
  int count = 0;
  int first_output = 0;  // rel of the output
  int output_step = 1;
  int first_read = 0;  // rel of the input: tap 0 of the first output
  int read_step = 1;   // from output to output
  int tap_step = 1;
  int taps = 0;
  int first_tap = 0;  // of the packed weights
};

ONDES_HOST_DEVICE inline PhaseView phase_view(const ConvOp& op,
                                              const RingView& input,
                                              const RingView& output,
                                              int phase) {
  PhaseView view;
  const int frames = output.count();
  if (op.phases == 0) {
    view.count = frames;
    view.first_read = static_cast<int>(output.made * op.stride - op.pad_left - input.made);
    view.read_step = op.stride;
    view.tap_step = op.dilation;
    view.taps = op.taps;
    return view;
  }
  const std::int64_t result = output.made + op.trim_left;  // of the first new frame
  const std::int64_t q = (result - phase + op.phases - 1) / op.phases;
  view.first_output = static_cast<int>(q * op.phases + phase - result);
  view.output_step = op.phases;
  view.count = view.first_output < frames ? (frames - 1 - view.first_output) / op.phases + 1 : 0;
  const int most = (op.taps + op.phases - 1) / op.phases;
  const int full = op.taps - (most - 1) * op.phases;  // phases that have so many taps
  view.taps = phase < full ? most : most - 1;
  view.first_tap = phase * most - (phase > full ? phase - full : 0);
  view.first_read = static_cast<int>(q - (view.taps - 1) - op.pad_left - input.made);
  return view;
}

// The frame that stands at `rel` of the padded input; kNoFrame for a zero.
ONDES_HOST_DEVICE inline int padded_rel(const ConvOp& op, const RingView& input, int rel) {
  constexpr std::int64_t kFar = std::int64_t{1} << 30;  // nothing reaches so far back
  const int begin = static_cast<int>(input.made < kFar ? -input.made : -kFar);
  const int end = input.count();
  if (rel >= begin && rel < end) {
    return rel;
  }
  if (op.padding == BlockPadding::zero || end <= begin || rel < begin - op.edge_left ||
      rel >= end + op.edge_right) {
    return kNoFrame;
  }
  if (op.padding == BlockPadding::replicate) {
    return rel < begin ? begin : end - 1;
  }
  return begin + static_cast<int>(reflected_frame(rel - begin, end - begin));
}

template <bool kHalf>
ONDES_HOST_DEVICE inline float load_one(const std::byte* frame, int c) {
  return kHalf ? half_to_float(reinterpret_cast<const std::uint16_t*>(frame)[c])
               : reinterpret_cast<const float*>(frame)[c];
}

struct alignas(16) FourFloats {
  float x[4];
};
struct alignas(16) EightHalves {
  std::uint32_t words[4];
};
struct alignas(8) FourHalves {
  std::uint32_t words[2];
};

// Four numbers from c, a multiple of four, on.
template <bool kHalf>
ONDES_HOST_DEVICE inline FourFloats load_four(const std::byte* frame, int c) {
  if constexpr (kHalf) {
    const FourHalves from = reinterpret_cast<const FourHalves*>(frame)[c / 4];
    return {{first_half(from.words[0]), second_half(from.words[0]), first_half(from.words[1]),
             second_half(from.words[1])}};
  } else {
    return reinterpret_cast<const FourFloats*>(frame)[c / 4];
  }
}

// Which tile a thread makes.
struct ConvTask {
  int phase = 0;
  int group = 0;
  int frame = 0;   // first of the phase's
  int output = 0;  // first of the group's
  bool any = false;
};

// Tiles of a call, and tile `task` of them.
ONDES_HOST_DEVICE inline std::int64_t conv_tasks(const ConvOp& op,
                                                 int outputs,
                                                 int frames,
                                                 int new_frames) {
  const int phases = op.phases > 0 ? op.phases : 1;
  const int most = (new_frames + phases - 1) / phases;
  return std::int64_t{phases} * op.groups * ((most + frames - 1) / frames) *
         ((op.group_outputs + outputs - 1) / outputs);
}
ONDES_HOST_DEVICE inline ConvTask conv_task(
    const ConvOp& op, int outputs, int frames, int new_frames, std::int64_t task) {
  const int phases = op.phases > 0 ? op.phases : 1;
  const int output_tiles = (op.group_outputs + outputs - 1) / outputs;
  const int frame_tiles = ((new_frames + phases - 1) / phases + frames - 1) / frames;
  ConvTask found;
  found.any = task < conv_tasks(op, outputs, frames, new_frames);
  auto rest = static_cast<std::uint32_t>(task);
  found.output = static_cast<int>(rest % static_cast<std::uint32_t>(output_tiles)) * outputs;
  rest /= static_cast<std::uint32_t>(output_tiles);
  found.frame = static_cast<int>(rest % static_cast<std::uint32_t>(frame_tiles)) * frames;
  rest /= static_cast<std::uint32_t>(frame_tiles);
  found.group = static_cast<int>(rest % static_cast<std::uint32_t>(op.groups));
  found.phase = static_cast<int>(rest / static_cast<std::uint32_t>(op.groups));
  return found;
}

template <int kOutputs, int kFrames, bool kHalf>
class ConvTile {
  // Small tiles wait for memory: more of it is asked for at once.
  static constexpr int kAhead = kOutputs * kFrames >= 32 ? 1 : (kOutputs * kFrames >= 4 ? 2 : 8);
  static constexpr auto kO = static_cast<std::size_t>(kOutputs);
  static constexpr auto kT = static_cast<std::size_t>(kFrames);

 public:
  ONDES_HOST_DEVICE ConvTile(const BlockMemory& memory, const ConvOp& op)
      : memory_(memory), op_(op), input_(view_of(memory, op.input)), to_(memory, op.to) {}

  ONDES_HOST_DEVICE void run(std::int64_t index) {
    const ConvTask task = conv_task(op_, kOutputs, kFrames, to_.frames().count(), index);
    if (!task.any) {
      return;
    }
    const PhaseView phase = phase_view(op_, input_, to_.frames(), task.phase);
    if (task.frame >= phase.count) {
      return;
    }
    begin(task);
    const auto row = static_cast<std::size_t>(op_.padded_outputs);
    const std::size_t tap = static_cast<std::size_t>(op_.group_inputs) * row;
    const float* weights =
        in_image<float>(memory_, op_.weights) +
        (static_cast<std::size_t>(task.group) * static_cast<std::size_t>(op_.taps) +
         static_cast<std::size_t>(phase.first_tap)) *
            tap +
        task.output;
    const int first = phase.first_read + task.frame * phase.read_step;
    for (int k = 0; k < phase.taps; ++k, weights += tap) {
      find_frames(phase, first + k * phase.tap_step, phase.count - task.frame);
      add_tap(weights, task.group * op_.group_inputs);
    }
    end(task, phase);
  }

 private:
  ONDES_HOST_DEVICE void begin(const ConvTask& task) {
    const float* bias =
        in_image<float>(memory_, op_.bias) +
        static_cast<std::size_t>(task.group) * static_cast<std::size_t>(op_.padded_outputs) +
        task.output;
    ONDES_UNROLL
    for (int o = 0; o < kOutputs; ++o) {
      ONDES_UNROLL
      for (int j = 0; j < kFrames; ++j) {
        sums_[j][o] = bias[o];
      }
    }
  }

  ONDES_HOST_DEVICE void find_frames(const PhaseView& phase, int first, int frames) {
    ONDES_UNROLL
    for (int j = 0; j < kFrames; ++j) {
      const int rel = j < frames ? padded_rel(op_, input_, first + j * phase.read_step) : kNoFrame;
      rows_[j] = rel == kNoFrame ? nullptr : input_.frame(rel);
    }
  }

  // The products of one tap: four inputs a step where they stand in groups of four.
  ONDES_HOST_DEVICE void add_tap(const float* weights, int first_input) {
    const int inputs = op_.group_inputs;
    const auto row = static_cast<std::size_t>(op_.padded_outputs);
    int i = 0;
    if (first_input % 4 == 0) {
      ONDES_UNROLL_BY(kAhead)
      for (; i + 4 <= inputs; i += 4) {
        FourFloats x[kT];
        ONDES_UNROLL
        for (int j = 0; j < kFrames; ++j) {
          x[j] = rows_[j] != nullptr ? load_four<kHalf>(rows_[j], first_input + i) : FourFloats{};
        }
        ONDES_UNROLL
        for (int n = 0; n < 4; ++n, weights += row) {
          float w[kO];
          load_weights(weights, w);
          ONDES_UNROLL
          for (int j = 0; j < kFrames; ++j) {
            ONDES_UNROLL
            for (int o = 0; o < kOutputs; ++o) {
              sums_[j][o] = exact::fma(w[o], x[j].x[n], sums_[j][o]);
            }
          }
        }
      }
    }
    for (; i < inputs; ++i, weights += row) {
      float w[kO];
      load_weights(weights, w);
      ONDES_UNROLL
      for (int j = 0; j < kFrames; ++j) {
        const float x = rows_[j] != nullptr ? load_one<kHalf>(rows_[j], first_input + i) : 0.0F;
        ONDES_UNROLL
        for (int o = 0; o < kOutputs; ++o) {
          sums_[j][o] = exact::fma(w[o], x, sums_[j][o]);
        }
      }
    }
  }

  ONDES_HOST_DEVICE static void load_weights(const float* from, float* w) {
    if constexpr (kOutputs == 4) {
      const FourFloats four = *reinterpret_cast<const FourFloats*>(from);
      ONDES_UNROLL
      for (int o = 0; o < 4; ++o) {
        w[o] = four.x[o];
      }
    } else {
      ONDES_UNROLL
      for (int o = 0; o < kOutputs; ++o) {
        w[o] = from[o];
      }
    }
  }

  ONDES_HOST_DEVICE void end(const ConvTask& task, const PhaseView& phase) {
    ONDES_UNROLL
    for (int j = 0; j < kFrames; ++j) {
      const int q = task.frame + j;
      ONDES_UNROLL
      for (int o = 0; o < kOutputs; ++o) {
        if (q < phase.count && task.output + o < op_.group_outputs) {
          to_.finish(phase.first_output + q * phase.output_step,
                     task.group * op_.group_outputs + task.output + o, sums_[j][o]);
        }
      }
    }
  }

  const BlockMemory& memory_;
  const ConvOp& op_;
  RingView input_;
  EpilogueView to_;
  const std::byte* rows_[kT];
  float sums_[kT][kO];
};

template <int kOutputs, int kFrames, bool kHalf, typename Block>
ONDES_HOST_DEVICE void run_conv(Block& block, const BlockMemory& memory, const ConvOp& op) {
  block.phase([&](int thread) {
    ConvTile<kOutputs, kFrames, kHalf>(memory, op)
        .run(static_cast<std::int64_t>(block.index()) * block.threads() + thread);
  });
}

}  // namespace ondes::gpu
