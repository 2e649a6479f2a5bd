// How the tensor-core step kernels lay out what a warp multiplies: index maps alone.
//
// A product's outputs are rows in tiles of 16, its inputs run in stretches of 32, two tiles deep;
// both are padded with zeros. Lanes are the columns. Weights lie as the threads of a warp hold them:
//
//   quad ((row tile * stretches + stretch) * 2 + half) * 32 + place
//
// is thread `place`'s A of one tile product: one load of 16 bytes, neighbours beside each other. A
// lane's inputs are a plain vector of halves, in quads of 8: of a stretch a thread reads the quad
// place % 4 and has its B of both tiles. So the inputs meet the tiles' depth in the order of
// input_of(), which weights are packed in; the sum does not care.
//
// Gates: row tile i holds the filters of channels 8 i .. 8 i + 7 above their gatings, so that a
// thread has both of a channel in its sums. Sums that pass from phase to phase lie as threads hold
// them: quad (row tile * column tiles + column tile) * 32 + place. Any thread.
#pragma once
#include <cstdint>

#include "cuda/warp_tile.h"
#include "engine/host_device.h"

namespace ondes::gpu {

inline constexpr int kStretch = 32;      // inputs
inline constexpr int kStretchQuads = 4;  // of a lane's vector
inline constexpr int kStretchTiles = 2;
inline constexpr int kGateChannels = 8;  // of a row tile

// Layers of a cluster's stage whose chain weights its warps keep in registers, where R = G = 64.
inline constexpr int kKeptLayers = 3;

ONDES_HOST_DEVICE constexpr int tiles_of(int values, int each) {
  return (values + each - 1) / each;
}

// Quads of a lane's vector of halves, whole stretches.
ONDES_HOST_DEVICE constexpr int vector_quads(int values) {
  return tiles_of(values, kStretch) * kStretchQuads;
}

// Weights of a product in a model's image, or of one layer of it, in the order above.
struct TileMatrix {
  std::uint32_t weights = 0;  // bytes from the image's beginning
  int row_tiles = 0;
  int stretches = 0;
};

ONDES_HOST_DEVICE constexpr int row_tile_quads(const TileMatrix& matrix) {
  return matrix.stretches * kStretchTiles * kWarpThreads;
}

ONDES_HOST_DEVICE constexpr int matrix_quads(const TileMatrix& matrix) {
  return matrix.row_tiles * row_tile_quads(matrix);
}

// Layers follow each other.
ONDES_HOST_DEVICE constexpr TileMatrix tiles_of_layer(const TileMatrix& first, int layer) {
  TileMatrix matrix = first;
  matrix.weights +=
      static_cast<std::uint32_t>(layer) * static_cast<std::uint32_t>(matrix_quads(first)) * 16U;
  return matrix;
}

// The input of a stretch that half i of thread `place`'s A multiplies in tile `half` (0 or 1).
ONDES_HOST_DEVICE constexpr int input_of(int place, int half, int i) {
  const int k = a_at(place, i).column;
  return k % 8 / 2 * 8 + half * 4 + k / 8 * 2 + k % 2;
}

// Which thread, and which of its sums, holds a row and column of a tile: sum_at's inverse.
struct SumPlace {
  int place = 0;
  int i = 0;
};

ONDES_HOST_DEVICE constexpr SumPlace place_of_sum(int row, int column) {
  return {row % 8 * 4 + column / 2, row / 8 * 2 + column % 2};
}

}  // namespace ondes::gpu
