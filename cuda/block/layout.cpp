// How many frames every value of a block model holds, and where its ring lies.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "cuda/block/model_internal.h"
#include "engine/error.h"
#include "engine/plan/block_geometry.h"

namespace ondes::gpu {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// How far from the end a far edge is made of: frames of the input that must stay until then.
std::int64_t edge_reach(const BlockOp& op) {
  if (const auto* conv = std::get_if<BlockConv>(&op)) {
    if (conv->padding == BlockPadding::zero || conv->pad_right == 0) {
      return 0;
    }
    return conv->padding == BlockPadding::reflect ? conv->pad_right + 1 : 1;
  }
  const auto* up = std::get_if<BlockTransposedConv>(&op);
  return up != nullptr && up->replicate_right > 0 ? 1 : 0;
}

// The first frame of input i that is still needed when the node has made so many frames and its
// input has `end`.
std::int64_t first_needed(const BlockNode& node,
                          std::size_t i,
                          std::int64_t made,
                          std::int64_t end) {
  if (i > 0) {
    return made;
  }
  const std::int64_t reach = edge_reach(node.geometry);
  const std::int64_t read = first_frame_read(node.geometry, made);
  return std::max<std::int64_t>(reach > 0 ? std::min(read, end - reach) : read, 0);
}

// Every operation has more of its input than it ever looks at once, and has begun: one that waits for
// a late residual has not.
bool edges_are_past(const BlockModel& model, const std::vector<std::int64_t>& frames) {
  for (const BlockNode& node : model.nodes) {
    std::int64_t span = 2;
    if (const auto* conv = std::get_if<BlockConv>(&node.geometry)) {
      span += std::int64_t{conv->taps} * conv->dilation + 3 * (conv->pad_left + conv->pad_right);
    } else if (const auto* up = std::get_if<BlockTransposedConv>(&node.geometry)) {
      span += (up->taps + up->trim_left + up->trim_right) / up->stride + 1 +
              2 * (up->replicate_left + up->replicate_right);
    } else if (const auto* inverse = std::get_if<BlockInverseStft>(&node.geometry)) {
      span += inverse->fft_size / inverse->hop_samples + 1;
    }
    if (frames[at(node.inputs[0])] < span || frames[at(node.outputs[0])] == 0) {
      return false;
    }
  }
  return true;
}

// Frames that calls to come still need, when these are there.
std::vector<std::int64_t> needed_from(const BlockModel& model,
                                      const std::vector<std::int64_t>& now) {
  std::vector<std::int64_t> needed = now;
  for (const BlockNode& node : model.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::size_t id = at(node.inputs[i]);
      needed[id] = std::min(needed[id], first_needed(node, i, now[at(node.outputs[0])], now[id]));
    }
  }
  return needed;
}

}  // namespace

void BlockModel::count_frames(std::int64_t plan_frames,
                              bool all,
                              std::span<std::int64_t> frames) const {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    frames[at(inputs[i])] = plan_frames * input_rates[i];
  }
  for (const BlockNode& node : nodes) {
    const std::int64_t first = frames[at(node.inputs[0])];
    std::int64_t made =
        all ? frames_in_all(node.geometry, first) : frames_available(node.geometry, first);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      made = std::min(made, frames[at(node.inputs[i])]);
    }
    for (const BlockValueId id : node.outputs) {
      frames[at(id)] = made;
    }
  }
}

// A ring holds what is still needed before a call and all that is there after it: a block, or the
// end of the signal. Both are played through from the start until every edge is past; nothing grows
// after that.
void lay_out_rings(int period, BlockModel* model) {
  const std::size_t values = model->rings.size();
  std::vector<std::int64_t> now(values);
  std::vector<std::int64_t> next(values);
  std::vector<std::int64_t> last(values);
  std::vector<std::int64_t> held(values, 1);
  std::int64_t most_output = 1;
  int rest = 2 * period + 8;  // steps after every edge has passed
  for (std::int64_t n = 0; rest > 0; ++n) {
    if (n > 0) {  // before the first call nothing is made, not even of padding alone
      model->count_frames(n, false, now);
    }
    model->count_frames(n + model->max_block_frames, false, next);
    model->count_frames(n, true, last);
    rest -= edges_are_past(*model, now) ? 1 : 0;
    const std::vector<std::int64_t> needed = needed_from(*model, now);
    for (std::size_t v = 0; v < values; ++v) {
      held[v] = std::max({held[v], next[v] - needed[v], last[v] - needed[v]});
    }
    const std::size_t out = at(model->output);
    most_output = std::max({most_output, next[out] - now[out], last[out] - now[out]});
  }
  model->max_output_frames = static_cast<int>(most_output);
  for (std::size_t v = 0; v < values; ++v) {
    Ring& ring = model->rings[v];
    ring.value = static_cast<BlockValueId>(v);
    ring.capacity = static_cast<int>(held[v]);
    ring.at = model->stream_bytes;
    const std::size_t bytes = at(ring.capacity) * at(ring.width) * (ring.half != 0 ? 2U : 4U);
    if (bytes > std::size_t{std::numeric_limits<int>::max()}) {
      throw Error(ErrorCode::usage,
                  "cuda block runner: max_block_frames: expected blocks whose values "
                  "take 2 GiB at most, found " +
                      std::to_string(model->max_block_frames) + " frames");
    }
    model->stream_bytes += (bytes + 127) / 128 * 128;
  }
}

}  // namespace ondes::gpu
