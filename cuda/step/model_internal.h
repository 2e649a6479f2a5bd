// A step plan as a kernel sees it: sizes, and offsets into one image of packed weights.
//
// Vectors and weights move in quads of 16 bytes: 16 values in i8, 8 in i16 and f16, 4 in f32, padded with
// zeros. A matrix (outputs O, inputs I) is stored (quads of I, O): threads of neighbouring outputs
// read neighbouring quads. A segment is a part of the inputs with scales of its own: a tap of a
// convolution, a chunk of layers of the skip product (engine/ops/quantization.h).
// Letters as in engine/plan/step_plan.h. The image begins with what the chain of a sample reads
// most often, so that a part of it that fits in shared memory is its beginning.
// Plain data; any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/step/thread_math.h"
#include "cuda/step/tile_layout.h"
#include "engine/host_device.h"
#include "engine/plan/step_runner.h"

namespace ondes::gpu {

struct alignas(16) Quad {
  std::uint32_t words[4];
};

constexpr int values_per_quad(Precision precision) {
  return precision == Precision::i8 ? 16 : (precision == Precision::f32 ? 4 : 8);
}

constexpr bool is_integer(Precision precision) {
  return precision == Precision::i8 || precision == Precision::i16;
}

ONDES_HOST_DEVICE constexpr int quads_of(int values, int per_quad) {
  return (values + per_quad - 1) / per_quad;
}

// Offsets are in bytes from the image's beginning.
struct MatrixView {
  std::uint32_t weights = 0;  // (quads, outputs) of Quad
  std::uint32_t scales = 0;   // (segments, outputs) of float, integer precisions
  int outputs = 0;
  int quads = 0;          // of all segments
  int segment_quads = 0;  // of each but the last, which may be shorter
};

// The matrix of one layer of a plan; layers follow each other.
ONDES_HOST_DEVICE inline MatrixView matrix_of_layer(const MatrixView& first, int layer) {
  MatrixView view = first;
  const int segments = first.segment_quads > 0 ? first.quads / first.segment_quads : 0;
  view.weights += static_cast<std::uint32_t>(layer * first.quads * first.outputs) * 16U;
  view.scales += static_cast<std::uint32_t>(layer * segments * first.outputs) * 4U;
  return view;
}

struct DenseView {
  int inputs = 0;
  int outputs = 0;
  int activation = 0;         // of Activation
  std::uint32_t weights = 0;  // (inputs, outputs)
  std::uint32_t bias = 0;     // (outputs)
};

// The products' weights once more, as tensor cores take them (cuda/step/tile_layout.h). Of layers that
// follow each other: the first one's.
struct TileModel {
  TileMatrix current;
  TileMatrix past;  // older taps, oldest first, each whole stretches
  TileMatrix update;
  TileMatrix skip;
  TileMatrix head;
  TileMatrix output;
};

inline constexpr int kMostEncoderLayers = 8;

struct StepModelView {
  int residual = 0;  // R
  int gate = 0;      // G
  int skip = 0;      // S
  int head = 0;      // A
  int outputs = 0;   // O
  int layers = 0;    // L
  int taps = 0;      // K
  int sample_features = 0;
  int row_features = 0;
  int conditioning = 0;
  bool embedded = false;
  bool wide_output = false;  // i8 whose last product is i16
  int quads_r = 0;
  int quads_g = 0;
  int quads_s = 0;
  int quads_a = 0;  // of the last product's precision
  float levels = 0.0F;
  float output_levels = 0.0F;

  MatrixView current;  // (L) newest tap, 2G outputs
  MatrixView update;   // (L)
  MatrixView skip_product;
  MatrixView head_product;
  MatrixView output_product;
  MatrixView past;                  // (L) older taps, one segment each, oldest first
  std::uint32_t residual_bias = 0;  // (L, R)
  std::uint32_t skip_bias = 0;
  std::uint32_t head_bias = 0;
  std::uint32_t output_bias = 0;
  std::uint32_t sample_weights = 0;   // (R), of x(t-1) as a number
  std::uint32_t embedding = 0;        // (classes, R)
  std::uint32_t tanh_table = 0;       // kTableFloats
  std::uint32_t decoded = 0;          // (classes)
  std::uint32_t log_class_bins = 0;   // (classes)
  std::uint32_t dilations = 0;        // (L) int
  std::uint32_t ring_first = 0;       // (L) int, first vector of a layer's ring in a slot
  std::uint32_t ring_mask = 0;        // (L) int, its length less one
  std::uint32_t feature_weights = 0;  // (P, R)
  std::uint32_t input_bias = 0;       // (R)
  DenseView encoder[kMostEncoderLayers];
  int encoder_layers = 0;
  TileModel tiles;           // f16
  DenseView projection;      // C -> L * 2G, the convolutions' biases in it
  int ring_vectors = 0;      // of a slot
  DistributionView sampler;  // its pointers are set from the image
};

// What a lane of a block keeps between phases; offsets in quads from the lane's own beginning.
struct ScratchMap {
  int misc = 0;        // LaneMisc
  int x = 0;           // h as the next product reads it
  int h = 0;           // (R) float
  int acc = 0;         // (L, 2G) float: conditioning and past taps
  int past = 0;        // (L, K-1) vectors
  int past_scale = 0;  // (L, K-1) float
  int z = 0;           // (L) vectors of G
  int skip = 0;        // (S) float
  int skip_x = 0;      // its vector
  int head = 0;        // (A) float
  int head_x = 0;
  int out = 0;      // (O) float
  int weights = 0;  // (O) float, exponentials
  int row_max = 0;  // a row of kCdfRow choices each
  int row_sum = 0;
  int partials = 0;  // the largest product's
  int quads = 0;     // of a lane
};

// How a product's inputs are shared by threads: each segment in so many slices.
struct Slicing {
  int current = 1;
  int residual = 1;
  int skip = 1;
  int head = 1;
  int output = 1;
};

}  // namespace ondes::gpu
