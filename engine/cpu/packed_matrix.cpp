#include "engine/cpu/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ondes {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

// Writes one weight of the packed layout: `row` points at the output's cell of the step.
void store_weight(DotFormat format, std::byte* cell, int index, float real, int integer) {
  switch (format) {
    case DotFormat::f32:
      std::memcpy(cell, &real, sizeof(float));
      break;
    case DotFormat::i16_pairs: {
      const auto value = static_cast<std::int16_t>(integer);
      std::memcpy(cell + 2 * index, &value, sizeof(value));
      break;
    }
    case DotFormat::i8_pairs:
    case DotFormat::i8_quads: {
      const auto value = static_cast<std::int8_t>(integer);
      std::memcpy(cell + index, &value, sizeof(value));
      break;
    }
  }
}

}  // namespace

std::vector<int> padded_identity(int n, int multiple) {
  std::vector<int> map(size(round_up(n, multiple)), -1);
  for (int i = 0; i < n; ++i) {
    map[size(i)] = i;
  }
  return map;
}

std::size_t WeightArena::reserve(std::size_t bytes) {
  const std::size_t offset = (staged_.size() + kAlignment - 1) / kAlignment * kAlignment;
  staged_.resize(offset + bytes);
  return offset;
}

template <typename T>
void WeightArena::patch(const T** pointer, std::size_t offset) {
  patches_.push_back({reinterpret_cast<const void**>(pointer), offset});
}

PackedMatrix* WeightArena::add(PackedMatrix* to,
                               DotFormat format,
                               std::span<const float> weights,
                               int source_outputs,
                               int source_inputs,
                               int row_stride,
                               const PackMap& map) {
  const int outputs = static_cast<int>(map.outputs.size());
  const int group = inputs_per_step(format);
  const int steps = (static_cast<int>(map.inputs.size()) + group - 1) / group;
  assert(outputs % kOutputPadding == 0);
  const bool integer = format != DotFormat::f32;
  QuantizedRows rows;
  if (integer) {
    rows = quantize_rows(weights, source_outputs, source_inputs, row_stride, precision_of(format));
  }
  const std::size_t cell = size(weight_bytes_per_step(format));
  to->steps = steps;
  to->outputs = outputs;
  to->bytes = cell * size(steps) * size(outputs);
  const std::size_t base = reserve(to->bytes);
  patch(&to->weights, base);
  std::vector<std::int32_t> sums(size(outputs), 0);
  for (int o = 0; o < outputs; ++o) {
    const int from = map.outputs[size(o)];
    const int panel = o / kPanelOutputs * kPanelOutputs;
    const int width = std::min(kPanelOutputs, outputs - panel);
    for (std::size_t i = 0; from >= 0 && i < map.inputs.size(); ++i) {
      const int input = map.inputs[i];
      if (input < 0) {
        continue;
      }
      const int step = static_cast<int>(i) / group;
      std::byte* at =
          staged_.data() + base +
          cell * (size(panel) * size(steps) + size(step) * size(width) + size(o - panel));
      const int quantized =
          integer ? rows.values[size(from) * size(source_inputs) + size(input)] : 0;
      const float real = weights[size(from) * size(row_stride) + size(input)];
      store_weight(format, at, static_cast<int>(i) % group, real, quantized);
      sums[size(o)] -= 128 * quantized;
    }
  }
  if (integer) {
    add_vector(&to->scales, rows.scales, map.outputs);
  }
  if (format == DotFormat::i8_quads) {
    const std::size_t offset = reserve(sums.size() * sizeof(std::int32_t));
    std::memcpy(staged_.data() + offset, sums.data(), sums.size() * sizeof(std::int32_t));
    patch(&to->offsets, offset);
  }
  return to;
}

void WeightArena::add_vector(const float** to,
                             std::span<const float> values,
                             const std::vector<int>& map) {
  const std::size_t offset = reserve(map.size() * sizeof(float));
  for (std::size_t i = 0; i < map.size(); ++i) {
    const float value = map[i] < 0 ? 0.0F : values[size(map[i])];
    std::memcpy(staged_.data() + offset + i * sizeof(float), &value, sizeof(float));
  }
  patch(to, offset);
}

void WeightArena::finish() {
  // A cache line of slack: kernels may read a whole vector at the end.
  const std::size_t bytes = staged_.size() + kAlignment;
  memory_.allocate(bytes);
  std::memcpy(memory_.data(), staged_.data(), staged_.size());
  for (const Patch& each : patches_) {
    *each.pointer = memory_.data() + each.offset;
  }
  staged_ = {};
  patches_ = {};
}

}  // namespace ondes
