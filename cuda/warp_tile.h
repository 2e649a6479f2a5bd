// A warp's tile product on tensor cores: halves times halves, f32 sums.
//
//   D (16, 8) = C (16, 8) + A (16, 16) B (16, 8)
//
// mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 of the PTX ISA, sm_80 and later. The 32 threads
// of a warp hold the three matrices in their registers: thread `place` 4 words of A, 2 of B and 4
// sums, in the places that a_at, b_at and sum_at name (they are the ISA's maps, with group = place
// / 4 and within = place % 4). Two halves share a word, the first in its low bits; in A and in B
// their columns and rows are neighbours, so that a word can be loaded whole.
//
// The host gathers the tiles from 32 threads' registers by the same maps, and sums in ascending k,
// each product exact, each addition rounded once. A GPU adds the products of a tile in an order and
// with roundings that its maker does not state: agreement is to a tolerance, never to the bit.
// For older targets there is no code and a kernel that needs it must not be planned.
//
// Any thread of a warp, all of them together (cuda/emulator.h: warp phases).
#pragma once
#include <cstdint>

#include "engine/deterministic_math.h"
#include "engine/half.h"
#include "engine/host_device.h"

namespace ondes::gpu {

inline constexpr int kWarpThreads = 32;
inline constexpr int kTileRows = 16;        // of A and D
inline constexpr int kTileDepth = 16;       // columns of A, rows of B
inline constexpr int kTileColumns = 8;      // of B and D
inline constexpr int kOldestTileArch = 80;  // major * 10 + minor of the first device that has it

struct alignas(16) TileA {
  std::uint32_t words[4];
};

struct alignas(8) TileB {
  std::uint32_t words[2];
};

struct alignas(16) TileSum {
  float values[4];
};

struct TileIndex {
  int row = 0;
  int column = 0;
};

// Where half i (0..7; half i % 2 of word i / 2) of a thread's A lies in A: (row, column k).
ONDES_HOST_DEVICE constexpr TileIndex a_at(int place, int i) {
  return {place / 4 + (i / 2 % 2) * 8, place % 4 * 2 + i % 2 + i / 4 * 8};
}

// Where half i (0..3) of a thread's B lies in B: (row k, column).
ONDES_HOST_DEVICE constexpr TileIndex b_at(int place, int i) {
  return {place % 4 * 2 + i % 2 + i / 2 * 8, place / 4};
}

// Where sum i (0..3) of a thread lies in D: (row, column).
ONDES_HOST_DEVICE constexpr TileIndex sum_at(int place, int i) {
  return {place / 4 + i / 2 * 8, place % 4 * 2 + i % 2};
}

#if !defined(__CUDA_ARCH__)
namespace host_tile {

inline float half_of(std::uint32_t word, int which) {
  return which == 0 ? first_half(word) : second_half(word);
}

}  // namespace host_tile
#endif

// sum += A B. The arguments are a warp's registers: [place] is a thread's, on a GPU always its own.
template <typename RegistersA, typename RegistersB, typename RegistersSum>
ONDES_HOST_DEVICE inline void multiply_tile(const RegistersA& a,
                                            const RegistersB& b,
                                            RegistersSum& sum) {
#if defined(__CUDA_ARCH__)
#if __CUDA_ARCH__ >= 800
  const TileA& x = a[0];
  const TileB& y = b[0];
  TileSum& d = sum[0];
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d.values[0]), "+f"(d.values[1]), "+f"(d.values[2]), "+f"(d.values[3])
      : "r"(x.words[0]), "r"(x.words[1]), "r"(x.words[2]), "r"(x.words[3]), "r"(y.words[0]),
        "r"(y.words[1]));
#endif
#else
  float left[kTileRows][kTileDepth];
  float right[kTileDepth][kTileColumns];
  for (int place = 0; place < kWarpThreads; ++place) {
    for (int i = 0; i < 8; ++i) {
      const TileIndex at = a_at(place, i);
      left[at.row][at.column] = host_tile::half_of(a[place].words[i / 2], i % 2);
    }
    for (int i = 0; i < 4; ++i) {
      const TileIndex at = b_at(place, i);
      right[at.row][at.column] = host_tile::half_of(b[place].words[i / 2], i % 2);
    }
  }
  for (int place = 0; place < kWarpThreads; ++place) {
    for (int i = 0; i < 4; ++i) {
      const TileIndex at = sum_at(place, i);
      float total = sum[place].values[i];
      for (int k = 0; k < kTileDepth; ++k) {
        total = exact::fma(left[at.row][k], right[k][at.column], total);
      }
      sum[place].values[i] = total;
    }
  }
#endif
}

}  // namespace ondes::gpu
