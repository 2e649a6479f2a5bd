// Weights as the kernels read them: panels of 64 outputs, one row of a panel a step.
//
//   panel p, step s, output o (within the panel) -> the weights of that output for the step's
//   inputs
//
// A step takes as many inputs as fit 32 bits of activations: 1 float, 2 x int16, 4 x uint8. The
// last panel is as wide as its outputs, rounded up to 16; padding is zero. The kernels read a panel
// from its first byte to its last, in order. Set-up thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/cpu/huge_array.h"
#include "engine/ops/quantization.h"

namespace ondes {

inline constexpr int kPanelOutputs = 64;
inline constexpr int kOutputPadding = 16;

constexpr int round_up(int n, int multiple) noexcept {
  return (n + multiple - 1) / multiple * multiple;
}

enum class DotFormat {
  f32,        // float x float
  i16_pairs,  // 2 x int16 weights, 2 x int16 activations
  i8_pairs,   // 2 x int8 weights, widened; 2 x int16 activations
  i8_quads,   // 4 x int8 weights, 4 x uint8 activations offset by 128
};

constexpr int inputs_per_step(DotFormat format) noexcept {
  return format == DotFormat::f32 ? 1 : (format == DotFormat::i8_quads ? 4 : 2);
}
// Bytes of one output's weights for one step.
constexpr int weight_bytes_per_step(DotFormat format) noexcept {
  return format == DotFormat::i8_pairs ? 2 : 4;
}
constexpr Precision precision_of(DotFormat format) noexcept {
  switch (format) {
    case DotFormat::f32:
      return Precision::f32;
    case DotFormat::i16_pairs:
      return Precision::i16;
    default:
      return Precision::i8;
  }
}

struct PackedMatrix {
  int steps = 0;
  int outputs = 0;  // padded to kOutputPadding; 0: no matrix
  const std::byte* weights = nullptr;
  const float* scales = nullptr;          // (outputs), integer formats
  const std::int32_t* offsets = nullptr;  // (outputs), i8_quads: -128 * sum of the row's weights
  std::size_t bytes = 0;
};

// One lane's operands of a product: out = init + W x.
struct LaneOperands {
  const std::uint32_t* x;  // (steps), activations
  float scale;             // of the activations, integer formats
  const float* init;       // (outputs)
  float* out;              // (outputs), may be init
};

// Where the rows of a source matrix go: output o of the packed matrix is source row map[o], or zero
// where the map says -1. Inputs likewise.
struct PackMap {
  std::vector<int> outputs;
  std::vector<int> inputs;
};

// 0..n-1, then -1 up to a multiple of `multiple`.
std::vector<int> padded_identity(int n, int multiple);

// Collects packed matrices and float vectors into one block of memory, in the order they are
// added: the order in which a step reads them.
class WeightArena {
 public:
  // `weights` has its rows `row_stride` apart. Returns a matrix whose pointers finish() makes
  // valid.
  PackedMatrix* add(PackedMatrix* to,
                    DotFormat format,
                    std::span<const float> weights,
                    int source_outputs,
                    int source_inputs,
                    int row_stride,
                    const PackMap& map);
  // Copies `values` through the map (zero for -1).
  void add_vector(const float** to, std::span<const float> values, const std::vector<int>& map);
  // Moves everything to its place, in huge pages where that is worth it, and sets all pointers.
  void finish();
  std::size_t bytes() const noexcept { return memory_.bytes(); }

 private:
  struct Patch {
    const void** pointer;
    std::size_t offset;
  };
  std::size_t reserve(std::size_t bytes);
  template <typename T>
  void patch(const T** pointer, std::size_t offset);

  std::vector<std::byte> staged_;
  std::vector<Patch> patches_;
  HugeArray memory_;
};

}  // namespace ondes
