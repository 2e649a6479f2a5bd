// The parameters of a block plan in the order its kernels read them: one piece of memory of floats,
// 8-bit weights among them, everything at a multiple of kFrameAlignment.
//
// A panel is 1 or 2 vectors of output channels, [tap][input][output]; in 8 bits
// [tap][four inputs][output][4] (ConvCall, ConvI8Call). Weights are asked for by
// weight(output, tap, input), in which order a plan keeps them is its own affair.
//
// Set-up thread.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/cpu/block_model_internal.h"

namespace ondes {

class BlockPacker {
 public:
  explicit BlockPacker(int lanes) : lanes_(lanes) {}  // floats of a vector

  std::span<const float> parameters() const { return parameters_; }
  float* at_offset(std::size_t offset) { return &parameters_[offset]; }

  std::size_t reserve(std::size_t floats) {
    const std::size_t first = parameters_.size();
    parameters_.resize(first + (floats + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment,
                       0.0F);
    return first;
  }
  // Values padded with zeros to `size`.
  std::size_t store(std::span<const float> from, int size) {
    const std::size_t first = reserve(at(size));
    std::copy(from.begin(), from.end(), parameters_.begin() + static_cast<std::ptrdiff_t>(first));
    return first;
  }

  // weight(o, k, i), with i counted within the group of o.
  template <class Weight>
  std::vector<ConvPanel> pack(int outputs, int inputs, int groups, int taps, const Weight& weight) {
    std::vector<ConvPanel> panels;
    for (int first = 0; first < outputs; first += 2 * lanes_) {
      ConvPanel panel;
      panel.first_output = first;
      panel.vectors = outputs - first > lanes_ ? 2 : 1;
      // Groups that a panel touches stand side by side; weights between them are zeros.
      const int last = std::min(first + panel.vectors * lanes_, outputs) - 1;
      const int first_group = first / (outputs / groups);
      const int last_group = last / (outputs / groups);
      const int group_inputs = inputs / groups;
      panel.first_input = first_group * group_inputs;
      panel.inputs = (last_group - first_group + 1) * group_inputs;
      const int width = panel.vectors * lanes_;
      panel.weights = reserve(at(taps) * at(panel.inputs) * at(width));
      float* to = &parameters_[panel.weights];
      for (int k = 0; k < taps; ++k) {
        for (int i = 0; i < panel.inputs; ++i, to += width) {
          const int group = (panel.first_input + i) / group_inputs;
          for (int o = first; o <= last; ++o) {
            if (o / (outputs / groups) == group) {
              to[o - first] = weight(o, k, (panel.first_input + i) % group_inputs);
            }
          }
        }
      }
      panels.push_back(panel);
    }
    return panels;
  }

  // 8-bit weights with a scale for each output: panels of [tap][four inputs][output][4]. An input's
  // step is part of its weights.
  template <class Weight>
  std::vector<ConvPanel> pack_i8(const ValueLayout& from,
                                 int outputs,
                                 int taps,
                                 const Weight& weight) {
    const int inputs = from.channels;
    const auto scaled = [&](int o, int k, int i) { return weight(o, k, i) * from.scales[at(i)]; };
    const int quads = (inputs + 3) / 4;
    std::vector<ConvPanel> panels;
    for (int first = 0; first < outputs; first += 2 * lanes_) {
      ConvPanel panel;
      panel.first_output = first;
      panel.vectors = outputs - first > lanes_ ? 2 : 1;
      panel.inputs = inputs;
      const int width = panel.vectors * lanes_;
      panel.start = reserve(at(width));
      panel.scales = reserve(at(width));
      panel.weights = reserve(at(taps) * at(quads) * at(width));
      std::vector<std::int8_t> bytes(at(taps) * at(quads) * at(width) * 4, 0);
      for (int o = first; o < std::min(first + width, outputs); ++o) {
        float largest = 0.0F;
        for (int k = 0; k < taps; ++k) {
          for (int i = 0; i < inputs; ++i) {
            largest = std::max(largest, std::fabs(scaled(o, k, i)));
          }
        }
        const float inverse = largest > 0.0F ? 127.0F / largest : 0.0F;
        std::int32_t start = 0;  // takes the products of the inputs' zeros away
        for (int k = 0; k < taps; ++k) {
          for (int i = 0; i < inputs; ++i) {
            const auto byte = static_cast<std::int8_t>(std::lround(scaled(o, k, i) * inverse));
            start -= from.zeros[at(i)] * byte;
            bytes[((at(k) * at(quads) + at(i / 4)) * at(width) + at(o - first)) * 4 + at(i % 4)] =
                byte;
          }
        }
        std::memcpy(&parameters_[panel.start + at(o - first)], &start, sizeof(start));
        parameters_[panel.scales + at(o - first)] = largest / 127.0F;
      }
      if (!bytes.empty()) {
        std::memcpy(&parameters_[panel.weights], bytes.data(), bytes.size());
      }
      panels.push_back(panel);
    }
    return panels;
  }

  // Depthwise: one panel of all channels, weights [tap][channel].
  template <class Weight>
  std::vector<ConvPanel> pack_depthwise(int channels, int taps, const Weight& weight) {
    ConvPanel panel;
    panel.vectors = (channels + lanes_ - 1) / lanes_;
    panel.inputs = 1;
    const int width = panel.vectors * lanes_;
    panel.weights = reserve(at(taps) * at(width));
    for (int k = 0; k < taps; ++k) {
      for (int c = 0; c < channels; ++c) {
        parameters_[panel.weights + at(k) * at(width) + at(c)] = weight(c, k, 0);
      }
    }
    return {panel};
  }

  // Few outputs: [output][tap][input].
  template <class Weight>
  std::vector<ConvPanel> pack_narrow(int outputs, int inputs, int taps, const Weight& weight) {
    ConvPanel panel;
    panel.inputs = inputs;
    panel.weights = reserve(at(outputs) * at(inputs) * at(taps));
    float* to = &parameters_[panel.weights];
    for (int o = 0; o < outputs; ++o) {
      for (int k = 0; k < taps; ++k) {
        for (int i = 0; i < inputs; ++i) {
          *to++ = weight(o, k, i);
        }
      }
    }
    return {panel};
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  int lanes_;
  std::vector<float> parameters_;
};

}  // namespace ondes
