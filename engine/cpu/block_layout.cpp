// Which values a block model keeps in what form and for how long, and how its operations walk time.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/cpu/block_model_internal.h"
#include "engine/cpu/block_packing_internal.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

ValueLayout& value_of(BlockModel& model, BlockValueId id) {
  return model.values[at(id)];
}
const ValueLayout& value_of(const BlockModel& model, BlockValueId id) {
  return model.values[at(id)];
}

// Some four signals of a stage, each of this many bytes, share the second-level cache with the
// weights of a panel.
constexpr int kTileBytes = 128 * 1024;
constexpr int kMinTileFrames = 96;

// What an epilogue needs to write a signal's bytes; read as far as a map's parameters.
void store_steps(ValueLayout* value, BlockPacker* packer) {
  if (value->zero_at != 0) {
    return;
  }
  const int size = frame_width(value->channels) + 2 * kFrameAlignment;
  value->inverse_at = packer->reserve(at(size));
  value->zero_at = packer->reserve(at(size));
  for (std::size_t c = 0; c < value->scales.size(); ++c) {
    *packer->at_offset(value->inverse_at + c) = 1.0F / value->scales[c];
    *packer->at_offset(value->zero_at + c) = value->zeros[c];
  }
}

// Who reads and writes a value, and how many zeros must stand around it.
void link(BlockModel& model, BlockPacker* packer) {
  for (std::size_t n = 0; n < model.nodes.size(); ++n) {
    const BlockNode& node = model.nodes[n];
    for (const BlockValueId id : node.inputs) {
      value_of(model, id).readers.push_back(static_cast<int>(n));
    }
    for (const BlockValueId id : node.outputs) {
      value_of(model, id).writer = static_cast<int>(n);
    }
    if (node.kind == NodeKind::pad) {
      continue;
    }
    ValueLayout& read = value_of(model, node.inputs[0]);
    read.bytes = read.bytes || node.integer;
    if (node.integer) {
      store_steps(&read, packer);
    }
    if (const auto* conv = std::get_if<BlockConv>(&node.op)) {
      read.left = std::max(read.left, conv->pad_left);
      read.right = std::max(read.right, conv->pad_right);
    } else if (const auto* up = std::get_if<BlockTransposedConv>(&node.op)) {
      read.left = std::max(read.left, static_cast<int>(-first_frame_read(node.op, 0)));
      read.right = std::max(read.right, (up->taps - 1 - up->trim_right) / up->stride);
    }
  }
}

// A signal that only integer convolutions read is not kept as numbers, where an epilogue can
// write its bytes.
void choose_forms(BlockModel& model) {
  for (ValueLayout& one : model.values) {
    const auto id = static_cast<BlockValueId>(&one - model.values.data());
    if (!one.bytes || id == model.output || one.writer < 0 ||
        !model.nodes[at(one.writer)].writes_bytes()) {
      continue;
    }
    one.floats = false;
    for (const int reader : one.readers) {
      const BlockNode& node = model.nodes[at(reader)];
      one.floats = one.floats || !node.integer || node.residual == id;
    }
  }
}

void set_tile(BlockModel& model, int first, int last, int max_block_frames) {
  double rate = 0.0;
  double bytes = 0.0;  // of a plan frame of the largest signal
  for (int n = first; n < last; ++n) {
    const ValueLayout& written = value_of(model, model.nodes[at(n)].outputs[0]);
    rate = std::max(rate, rate_of(written));
    bytes = std::max(bytes, rate_of(written) * written.width * 4.0);
  }
  const double plan_frames = std::max(kTileBytes / bytes, kMinTileFrames / rate);
  for (int n = first; n < last; ++n) {
    BlockNode& node = model.nodes[at(n)];
    for (const BlockValueId id : node.inputs) {
      node.enters = node.enters || value_of(model, id).writer < first;
    }
    const double tile = std::min(plan_frames, static_cast<double>(max_block_frames));
    node.tile_frames =
        std::max(1, static_cast<int>(tile * rate_of(value_of(model, node.outputs[0]))));
  }
}

// A segment begins where the rate rises.
void divide(BlockModel& model, int max_block_frames) {
  double highest = 0.0;
  model.segments = {0};
  for (std::size_t n = 0; n < model.nodes.size(); ++n) {
    const double rate = rate_of(value_of(model, model.nodes[n].outputs[0]));
    if (n != 0 && rate > highest) {
      model.segments.push_back(static_cast<int>(n));
    }
    highest = std::max(highest, rate);
  }
  model.segments.push_back(static_cast<int>(model.nodes.size()));
  for (std::size_t s = 0; s + 1 < model.segments.size(); ++s) {
    set_tile(model, model.segments[s], model.segments[s + 1], max_block_frames);
  }
}

// The frames of every value when so many plan frames have come.
std::vector<std::int64_t> ends(const BlockModel& model, std::int64_t plan_frames) {
  std::vector<std::int64_t> frames(model.values.size(), 0);
  for (const BlockValueId id : model.inputs) {
    frames[at(id)] = plan_frames * value_of(model, id).rate.up;
  }
  for (const BlockNode& node : model.nodes) {
    std::int64_t made = node.available(frames[at(node.inputs[0])]);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      made = std::min(made, frames[at(node.inputs[i])]);
    }
    for (const BlockValueId id : node.outputs) {
      frames[at(id)] = made;
    }
  }
  return frames;
}

// Every operation has more of its input than it ever looks at once.
bool edges_are_past(const BlockModel& model, const std::vector<std::int64_t>& frames) {
  for (const BlockNode& node : model.nodes) {
    std::int64_t span = 2 * (node.pad_left + node.pad_right) + 2;
    if (const auto* conv = std::get_if<BlockConv>(&node.op)) {
      span += std::int64_t{conv->taps} * conv->dilation + conv->pad_left + conv->pad_right;
    } else if (const auto* up = std::get_if<BlockTransposedConv>(&node.op)) {
      span += (up->taps + up->trim_left + up->trim_right) / up->stride + 1;
    } else if (const auto* inverse = std::get_if<BlockInverseStft>(&node.op)) {
      span += inverse->fft_size / inverse->hop_samples + 1;
    }
    if (frames[at(node.inputs[0])] < span) {
      return false;
    }
  }
  return true;
}

// How many frames a value holds at most: what its readers still need after everything that can be
// made is made, and what one pass adds. The former is played through from the start until the
// look-ahead is over; it does not grow after that.
void lay_out(BlockModel& model, int max_block_frames) {
  std::int64_t period = 1;
  for (const ValueLayout& one : model.values) {
    period = std::lcm(period, std::int64_t{one.rate.down});
  }
  std::vector<std::int64_t> held(model.values.size(), 0);
  std::int64_t most_output = 1;
  std::int64_t rest = 2 * period + 8;  // steps after every edge has passed
  for (std::int64_t n = 0; rest > 0; ++n) {
    const std::vector<std::int64_t> now = ends(model, n);
    rest -= edges_are_past(model, now) ? 1 : 0;
    for (std::size_t v = 0; v < held.size(); ++v) {
      std::int64_t needed = now[v];
      for (const int reader : model.values[v].readers) {
        const BlockNode& node = model.nodes[at(reader)];
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
          if (at(node.inputs[i]) == v) {
            needed = std::min(needed, node.first_needed(i, now[at(node.outputs[0])], now[v]));
          }
        }
      }
      held[v] = std::max(held[v], now[v] - std::max<std::int64_t>(needed, -model.values[v].left));
    }
    const std::int64_t out = ends(model, n + max_block_frames)[at(model.output)];
    most_output = std::max(most_output, out - now[at(model.output)]);
  }
  model.max_output_frames = static_cast<int>(most_output);
  for (std::size_t v = 0; v < held.size(); ++v) {
    ValueLayout& one = model.values[v];
    const int a_frame = static_cast<int>(std::ceil(rate_of(one)));
    const int added = one.writer < 0
                          ? max_block_frames * one.rate.up
                          : std::max(model.nodes[at(one.writer)].tile_frames, 1) + 2 * a_frame;
    one.capacity = static_cast<int>(held[v]) + one.left + one.right + added + 1;
    one.at = model.signal_floats;
    one.bytes_at = model.signal_bytes;
    // Reads of a last vector beyond the last frame stay inside.
    if (one.floats) {
      model.signal_floats += at(one.capacity) * at(one.width) + 2 * kFrameAlignment;
    }
    if (one.bytes) {
      model.signal_bytes += at(one.capacity) * at(one.byte_width) + 64;
    }
  }
}

}  // namespace

void lay_out_block_model(int max_block_frames, BlockPacker* packer, BlockModel* model) {
  link(*model, packer);
  choose_forms(*model);
  divide(*model, max_block_frames);
  lay_out(*model, max_block_frames);
}

}  // namespace ondes
