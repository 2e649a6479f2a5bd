#include "cuda/block/launch.h"

#include <algorithm>

#include "cuda/block/conv_internal.h"
#include "cuda/block/elementwise_internal.h"
#include "cuda/block/frame_internal.h"
#include "cuda/block/tensor_internal.h"
#include "engine/error.h"

namespace ondes::gpu {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

int blocks_of(std::int64_t tasks, int threads) {
  return static_cast<int>(std::max<std::int64_t>((tasks + threads - 1) / threads, 1));
}

// Threads that a device wants before they do more each: enough to hide what they wait for.
constexpr std::int64_t kBusyThreads = 256;  // of a multiprocessor

// What a shape on tensor cores costs, by estimate: nothing of it was measured. A chunk keeps a
// multiprocessor busy for `busy` cycles a block: its loads through the first-level cache at 128 bytes a
// cycle, which take longer than its products. A block alone waits `wait` cycles a chunk: some 500 from
// the second-level cache, shared by the chunks whose loads are under way together.
struct TensorChoice {
  ConvShape shape;
  int blocks;
  double busy;
  double wait;
  int resident;  // blocks that registers leave room for

  double cycles(int multiprocessors) const {
    const auto rounds = [&](int at_once) {
      return static_cast<double>((blocks + at_once - 1) / at_once);
    };
    const int all = std::max(multiprocessors, 1);
    return std::max(rounds(all) * busy, rounds(all * resident) * wait);
  }
};

class Planner {
 public:
  Planner(const BlockModel& model, const DeviceLimits& limits, std::span<const int> added)
      : model_(model), limits_(limits), added_(added), writers_(added.size(), -1) {}

  BlockLaunches plan() {
    result_.upload_bytes = input_offset(model_, added_, model_.inputs.size());
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
      const BlockValueId id = model_.inputs[i];
      if (frames_of(id) > 0) {
        AppendOp op;
        op.output = ring(id);
        op.from = static_cast<std::uint32_t>(input_offset(model_, added_, i));
        push(numbers(op, id), {}, {id});
      }
    }
    for (const BlockNode& node : model_.nodes) {
      if (frames_of(node.outputs[0]) > 0) {
        push(std::visit([&](const auto& op) { return launch(op, node); }, node.op), node.inputs,
             node.outputs);
      }
    }
    const int delivered = frames_of(model_.output);
    if (delivered > 0) {
      DeliverOp op;
      op.input = ring(model_.output);
      push(numbers(op, model_.output), {model_.output}, {});
      result_.download_bytes = at(delivered) * at(op.input.channels) * sizeof(float);
    }
    return std::move(result_);
  }

 private:
  const Ring& ring(BlockValueId id) const { return model_.rings[at(id)]; }
  int frames_of(BlockValueId id) const { return added_[at(id)]; }

  void push(BlockLaunch launch,
            const std::vector<BlockValueId>& inputs,
            const std::vector<BlockValueId>& outputs) {
    for (const BlockValueId id : inputs) {
      const int writer = writers_[at(id)];
      if (writer >= 0 &&
          std::find(launch.after.begin(), launch.after.end(), writer) == launch.after.end()) {
        launch.after.push_back(writer);
      }
    }
    for (const BlockValueId id : outputs) {
      writers_[at(id)] = static_cast<int>(result_.launches.size());
    }
    result_.launches.push_back(std::move(launch));
  }

  // A thread a number of a value's new frames.
  template <class Op>
  BlockLaunch numbers(const Op& op, BlockValueId id) const {
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kElementThreads;
    launch.blocks = blocks_of(std::int64_t{frames_of(id)} * ring(id).channels, launch.threads);
    return launch;
  }

  template <class Op>
  BlockLaunch launch(const Op& op, const BlockNode& node) const {
    return numbers(op, node.outputs[0]);
  }

  BlockLaunch launch(const SumOp& op, const BlockNode& node) const {
    BlockLaunch launch = numbers(op, node.outputs[0]);
    launch.blocks = op.octets != 0 ? (launch.blocks + 7) / 8 : launch.blocks;
    return launch;
  }

  BlockLaunch launch(const ConvOp& op, const BlockNode& node) const {
    if (is_depthwise(op)) {
      BlockLaunch launch = numbers(op, node.outputs[0]);
      launch.shape = ConvShape::depthwise;
      return launch;
    }
    const int frames = frames_of(node.outputs[0]);
    if (op.chunks > 0) {
      return tensor_launch(op, frames);
    }
    const bool wide = op.group_outputs >= 4;
    const std::int64_t wanted = kBusyThreads * limits_.multiprocessors;
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kConvThreads;
    std::int64_t tasks = conv_tasks(op, wide ? 4 : 1, wide ? 8 : 4, frames);
    launch.shape = wide ? ConvShape::four_by_eight : ConvShape::one_by_four;
    if (wide && tasks < wanted) {
      tasks = conv_tasks(op, 4, 2, frames);
      launch.shape = ConvShape::four_by_two;
    }
    if (tasks < wanted) {
      tasks = conv_tasks(op, 1, 1, frames);
      launch.shape = ConvShape::one_by_one;
    }
    launch.blocks = blocks_of(tasks, launch.threads);
    return launch;
  }

  BlockLaunch tensor_launch(const ConvOp& op, int frames) const {
    const int phases = std::max(op.phases, 1);
    const TensorSlices slices((op.taps + phases - 1) / phases * op.chunks);
    const double split_wait = 125.0 / slices.count;
    const TensorChoice choices[] = {
        {ConvShape::tensor_split, TensorSplit::blocks(op, frames), 12.0, split_wait, 2},
        {ConvShape::tensor_one_by_four, TensorTiles<1, 4>::blocks(op, frames), 192.0, 125.0, 1},
        {ConvShape::tensor_two_by_four, TensorTiles<2, 4>::blocks(op, frames), 256.0, 250.0, 1},
        {ConvShape::tensor_four_by_four, TensorTiles<4, 4>::blocks(op, frames), 384.0, 500.0, 1},
    };
    const TensorChoice* best = &choices[0];
    for (const TensorChoice& one : choices) {
      best =
          one.cycles(limits_.multiprocessors) < best->cycles(limits_.multiprocessors) ? &one : best;
    }
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kTensorThreads;
    launch.shape = best->shape;
    launch.blocks = best->blocks;
    launch.shared_bytes = best->shape == ConvShape::tensor_split ? kSplitSharedBytes : 0;
    return launch;
  }

  BlockLaunch launch(const NormOp& op, const BlockNode& node) const {
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kNormThreads;
    launch.blocks = blocks_of(frames_of(node.outputs[0]), kNormFrames);
    launch.shared_bytes = kNormSharedBytes;
    return launch;
  }

  BlockLaunch launch(const LstmOp& op, const BlockNode&) const {
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kLstmThreads;
    launch.shared_bytes = lstm_shared_bytes(model_, op);
    return launch;
  }

  BlockLaunch launch(const SpectrumOp& op, const BlockNode& node) const {
    BlockLaunch launch;
    launch.op = op;
    launch.threads = kSpectrumThreads;
    launch.blocks = frames_of(node.outputs[0]);
    launch.shared_bytes = spectrum_shared_bytes(op.size);
    return launch;
  }

 public:
  static std::size_t lstm_shared_bytes(const BlockModel& model, const LstmOp& op) {
    const auto* layers = reinterpret_cast<const LstmLayer*>(model.image.data() + op.layers);
    int widest = 0;
    for (int l = 0; l < op.count; ++l) {
      widest = std::max(widest, layers[l].hidden);
    }
    return at(4 * widest) * sizeof(float);
  }

 private:
  const BlockModel& model_;
  const DeviceLimits& limits_;
  std::span<const int> added_;
  std::vector<int> writers_;  // of every value, in this call
  BlockLaunches result_;
};

}  // namespace

std::size_t input_offset(const BlockModel& model, std::span<const int> added, std::size_t input) {
  std::size_t bytes = sizeof(CallHeader) + model.rings.size() * sizeof(ValueWindow);
  for (std::size_t i = 0; i < input; ++i) {
    const auto id = at(model.inputs[i]);
    const std::size_t size = at(added[id]) * at(model.rings[id].channels) * sizeof(float);
    bytes += (size + 15) / 16 * 16;
  }
  return bytes;
}

BlockLaunches build_launches(const BlockModel& model,
                             const DeviceLimits& limits,
                             std::span<const int> added) {
  return Planner(model, limits, added).plan();
}

void require_fits(const BlockModel& model, const DeviceLimits& limits) {
  for (const BlockNode& node : model.nodes) {
    std::size_t bytes = 0;
    std::string what;
    if (const auto* lstm = std::get_if<LstmOp>(&node.op)) {
      bytes = Planner::lstm_shared_bytes(model, *lstm);
      what = "lstm";
    } else if (const auto* spectrum = std::get_if<SpectrumOp>(&node.op)) {
      bytes = spectrum_shared_bytes(spectrum->size);
      what = "inverse stft";
    }
    const std::size_t most = std::min(kMostSharedBytes, limits.shared_bytes_per_block);
    if (bytes > most) {
      throw Error(ErrorCode::usage, "cuda: block plan: " + what + " '" + node.name +
                                        "': expected a frame of at most " + std::to_string(most) +
                                        " bytes in shared memory, found " + std::to_string(bytes));
    }
  }
}

}  // namespace ondes::gpu
