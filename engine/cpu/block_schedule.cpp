// The schedule of the CPU runner of block plans: which node makes how many frames when, in which
// units for the threads, and what of every signal is kept.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/cpu/cpu_block_runner_internal.h"

namespace ondes {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

// Multiplications below which another thread costs more than it brings: a few microseconds.
constexpr double kMacsToShare = 200'000.0;
constexpr int kMinUnitFrames = 24;

}  // namespace

// Drops the frames of a value that nobody needs any more.
void CpuBlockRunner::compact(BlockValueId id) noexcept {
  const ValueLayout& layout = model_.values[at(id)];
  ValueState& value = state(id);
  std::int64_t needed = id == model_.output ? now_->delivered : value.end;
  for (const int reader : layout.readers) {
    const BlockNode& node = model_.nodes[at(reader)];
    const std::int64_t made = state(node.outputs[0]).end;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == id) {
        needed = std::min(needed, node.first_needed(i, made, value.end));
      }
    }
  }
  if (needed <= value.base) {
    return;
  }
  const auto drop = at(needed - value.base);
  const auto keep = at(value.end - needed + (value.over ? layout.right : 0));
  if (layout.floats) {
    float* const start = now_->signals + layout.at;
    std::memmove(start, start + drop * at(layout.width), keep * at(layout.width) * sizeof(float));
  }
  if (layout.bytes) {
    std::uint8_t* const start = now_->bytes + layout.bytes_at;
    std::memmove(start, start + drop * at(layout.byte_width), keep * at(layout.byte_width));
  }
  value.base = needed;
}

void CpuBlockRunner::append(BlockValueId id, ConstFrames frames) noexcept {
  compact(id);
  ValueState& value = state(id);
  assert(value.end - value.base + frames.frames() <= model_.values[at(id)].capacity);
  for (int t = 0; t < frames.frames(); ++t) {
    std::copy(frames[t].begin(), frames[t].end(), now_->frame(model_, id, value.end + t));
  }
  if (model_.values[at(id)].bytes) {
    quantise_frames(model_, kernels_, *now_, id, value.end, frames.frames());
  }
  value.end += frames.frames();
  record(id, value.end - frames.frames(), frames.frames());
}

// No more frames will come: the zeros behind the last are written.
void CpuBlockRunner::end_value(BlockValueId id) noexcept {
  const ValueLayout& layout = model_.values[at(id)];
  ValueState& value = state(id);
  if (value.over) {
    return;
  }
  compact(id);
  assert(value.end - value.base + layout.right <= layout.capacity);
  if (layout.floats) {
    std::memset(now_->frame(model_, id, value.end), 0,
                at(layout.right) * at(layout.width) * sizeof(float));
  }
  if (layout.bytes) {
    pad_bytes(layout, layout.right, now_->byte_frame(model_, id, value.end));
  }
  value.over = true;
}

int CpuBlockRunner::run(Frames output) noexcept {
  output_ = output;
  written_ = 0;
  advance(0);
  return written_;
}

// Runs segment s, and after each of its tiles the later ones, until nothing can be made any more.
void CpuBlockRunner::advance(std::size_t s) noexcept {
  for (bool progress = true; progress;) {
    progress = false;
    for (int n = model_.segments[s]; n < model_.segments[s + 1]; ++n) {
      progress = step(model_.nodes[at(n)]) || progress;
    }
    if (s + 2 < model_.segments.size()) {
      advance(s + 1);
    }
    progress = deliver() || progress;
  }
}

// Makes what frames of a node's output can be made. False if there was nothing to do.
bool CpuBlockRunner::step(const BlockNode& node) noexcept {
  const ValueState& first = state(node.inputs[0]);
  bool over = first.over;
  std::int64_t reach = over ? node.in_all(first.end) : node.available(first.end);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    over = over && state(node.inputs[i]).over;
    reach = std::min(reach, state(node.inputs[i]).end);
  }
  const std::int64_t made = state(node.outputs[0]).end;
  std::int64_t count = reach - made;
  if (count <= 0) {
    const bool ends = over && !state(node.outputs[0]).over;
    if (ends) {
      end_outputs(node);
    }
    return ends;
  }
  if (node.enters) {
    count = std::min<std::int64_t>(count, node.tile_frames);
  }
  for (const BlockValueId id : node.outputs) {
    compact(id);
    const ValueLayout& layout = model_.values[at(id)];
    count = std::min(count, state(id).base + layout.capacity - layout.right - made);
  }
  if (count <= 0) {
    return false;
  }
  make(node, made, count);
  for (const BlockValueId id : node.outputs) {
    if (model_.values[at(id)].bytes && !node.writes_bytes()) {
      quantise_frames(model_, kernels_, *now_, id, made, count);
    }
    state(id).end += count;
    record(id, made, count);
  }
  if (over && made + count == reach) {
    end_outputs(node);
  }
  return true;
}

void CpuBlockRunner::end_outputs(const BlockNode& node) noexcept {
  for (const BlockValueId id : node.outputs) {
    end_value(id);
  }
}

void CpuBlockRunner::make(const BlockNode& node, std::int64_t first, std::int64_t count) noexcept {
  call_ = {&node, now_, first, count};
  if (node.kind == NodeKind::lstm || node.kind == NodeKind::inverse_stft ||
      node.kind == NodeKind::pad) {
    run_in_order(model_, kernels_, call_);
    return;
  }
  panels_ = node.phases.empty() ? 1 : static_cast<int>(node.phases[0].panels.size());
  phases_ = node.phases.empty() ? 1 : static_cast<int>(node.phases.size());
  chunk_ = count;
  // Elementwise nodes cost their memory traffic, some ten multiplications a value.
  const double macs = std::max(node.macs, 10.0 * model_.values[at(node.outputs[0])].width);
  const bool share = options_.threads > 1 && macs * static_cast<double>(count) > kMacsToShare;
  if (share) {
    const std::int64_t parts =
        std::max(1, (kUnitsPerThread * options_.threads) / (panels_ * phases_));
    const std::int64_t least = std::int64_t{kMinUnitFrames} * phases_;
    chunk_ = std::max(least, ((count + parts - 1) / parts + least - 1) / least * least);
  }
  const auto units = static_cast<int>((count + chunk_ - 1) / chunk_) * panels_ * phases_;
  if (share && units > 1) {
    pool_.run(units);
    return;
  }
  for (int unit = 0; unit < units; ++unit) {
    run_part(unit);
  }
}

void CpuBlockRunner::run_unit(void* self, int unit, bool) noexcept {
  static_cast<CpuBlockRunner*>(self)->run_part(unit);
}

void CpuBlockRunner::run_part(int unit) noexcept {
  const int together = panels_ * phases_;
  const std::int64_t from = call_.first + unit / together * chunk_;
  const std::int64_t to = std::min(from + chunk_, call_.first + call_.count);
  if (call_.node->phases.empty()) {
    run_elementwise_part(model_, kernels_, call_, from, to);
    return;
  }
  // Nodes that need scratch have one panel and one phase: a unit each.
  const std::size_t slot = together == 1 ? at(unit) : 0;
  float* const scratch = reinterpret_cast<float*>(scratch_.data()) + model_.scratch_floats * slot;
  run_conv_part(model_, kernels_, call_, from, to, unit % together / panels_, unit % panels_,
                scratch);
}

bool CpuBlockRunner::deliver() noexcept {
  const ValueState& value = state(model_.output);
  const auto room = output_.frames() - written_;
  const auto frames = static_cast<int>(std::min<std::int64_t>(value.end - now_->delivered, room));
  for (int t = 0; t < frames; ++t) {
    const std::span<float> to = output_[written_ + t];
    std::copy_n(now_->frame(model_, model_.output, now_->delivered + t), to.size(), to.data());
  }
  now_->delivered += frames;
  written_ += frames;
  return frames > 0;
}

void CpuBlockRunner::record(BlockValueId id, std::int64_t first, std::int64_t count) noexcept {
  if (ranges_ != nullptr && at(id) < ranges_->size()) {
    for (std::int64_t t = first; t < first + count; ++t) {
      const float* frame = now_->frame(model_, id, t);
      for (int c = 0; c < model_.values[at(id)].channels; ++c) {
        BlockRange& range = (*ranges_)[at(id)][at(c)];
        range.low = std::min(range.low, frame[c]);
        range.high = std::max(range.high, frame[c]);
      }
    }
  }
  if (id != probed_) {
    return;
  }
  const ValueLayout& layout = model_.values[at(id)];
  for (std::int64_t t = first; t < first + count; ++t) {
    for (int c = 0; c < layout.channels; ++c) {
      const int byte = layout.floats ? 0 : now_->byte_frame(model_, id, t)[c];
      probe_->push_back(layout.floats ? now_->frame(model_, id, t)[c]
                                      : layout.scales[at(c)] *
                                            static_cast<float>(byte - layout.zeros[at(c)]));
    }
  }
}

}  // namespace ondes
