// The products of the tensor-core step kernels: a warp's, over 8, 16 or 32 lanes at once, in halves
// with f32 sums (cuda/warp_tile.h, cuda/step/tile_layout.h).
//
// A lane's vectors (x, z, past, the head's) lie one lane after the other at a stride of 4 modulo 8
// quads, so that the 8 threads of a quarter of a warp read 8 different groups of banks. A column
// whose lane is not there computes numbers nobody reads: columns do not meet.
//
// kTiles: tiles of 8 lanes. kResidual > 0: R and G are this number, known to the compiler.
// Any thread.
#pragma once
#include <bit>
#include <cstddef>

#include "cuda/step/lanes_internal.h"
#include "cuda/step/tile_layout.h"

namespace ondes::gpu {

template <int kTiles, int kResidual, typename Block>
class TileProducts : public StepLanes<F16Arithmetic, kTiles * kTileColumns, kResidual, Block> {
  using Base = StepLanes<F16Arithmetic, kTiles * kTileColumns, kResidual, Block>;

 public:
  static constexpr int kLanes = kTiles * kTileColumns;

  ONDES_HOST_DEVICE TileProducts(Block& block,
                                 const StepModelView& model,
                                 const StepCall& call,
                                 const ScratchMap& map)
      : Base(block, model, call, map) {}

 protected:
  using Warp = typename Block::Warp;
  template <typename T>
  using Registers = typename Warp::template Registers<T>;

  // The sums of a row tile.
  struct Sums {
    Registers<TileSum> tiles[static_cast<std::size_t>(kTiles)];
  };

  // Every sum from its row and lane.
  template <typename Value>
  ONDES_HOST_DEVICE static void set(Warp& warp, Sums& sums, int row_tile, const Value& value) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        ONDES_UNROLL
        for (int i = 0; i < 4; ++i) {
          const TileIndex at = sum_at(place, i);
          sums.tiles[n][place].values[i] =
              value(row_tile * kTileRows + at.row, n * kTileColumns + at.column);
        }
      }
    });
  }

  ONDES_HOST_DEVICE static void load(Warp& warp, Sums& sums, const Quad* from, int row_tile) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        sums.tiles[n][place] =
            std::bit_cast<TileSum>(from[(row_tile * kTiles + n) * kWarpThreads + place]);
      }
    });
  }

  ONDES_HOST_DEVICE static void save(Warp& warp, const Sums& sums, Quad* to, int row_tile) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        to[(row_tile * kTiles + n) * kWarpThreads + place] =
            std::bit_cast<Quad>(sums.tiles[n][place]);
      }
    });
  }

  // use(row, lane, value) for every sum.
  template <typename Use>
  ONDES_HOST_DEVICE static void take(Warp& warp, const Sums& sums, int row_tile, const Use& use) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        ONDES_UNROLL
        for (int i = 0; i < 4; ++i) {
          const TileIndex at = sum_at(place, i);
          use(row_tile * kTileRows + at.row, n * kTileColumns + at.column,
              sums.tiles[n][place].values[i]);
        }
      }
    });
  }

  // sums += W x. `weights`: of the row tile; `x`: the vector's offset in a lane's scratch. The two
  // tiles of a stretch go to sums of their own: the chain of additions is half as long, and that is
  // the product's latency. The order is the same for any count of lanes.
  ONDES_HOST_DEVICE void multiply(
      Warp& warp, Sums& sums, const Quad* weights, int stretches, int x) const {
    Sums second;
    set(warp, second, 0, [](int, int) { return 0.0F; });
    warp.converge();
    ONDES_UNROLL_4
    for (int s = 0; s < stretches; ++s) {
      Registers<TileA> a[static_cast<std::size_t>(kStretchTiles)];
      load_weights(warp, a, weights + s * kStretchTiles * kWarpThreads);
      multiply_stretch(warp, sums, second, a, x + s * kStretchQuads);
    }
    add(warp, sums, second);
  }

  // The same with weights in registers: those of kStretches stretches, one after the other.
  template <int kStretches>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void multiply_kept(Warp& warp,
                                                          Sums& sums,
                                                          const Registers<TileA>* weights,
                                                          int x) const {
    Sums second;
    set(warp, second, 0, [](int, int) { return 0.0F; });
    warp.converge();
    ONDES_UNROLL
    for (int s = 0; s < kStretches; ++s) {
      multiply_stretch(warp, sums, second, weights + s * kStretchTiles, x + s * kStretchQuads);
    }
    add(warp, sums, second);
  }

  ONDES_HOST_DEVICE static ONDES_FORCE_INLINE void load_weights(Warp& warp,
                                                                Registers<TileA>* to,
                                                                const Quad* from) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int half = 0; half < kStretchTiles; ++half) {
        to[half][place] = std::bit_cast<TileA>(from[half * kWarpThreads + place]);
      }
    });
  }

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void multiply_stretch(
      Warp& warp, Sums& sums, Sums& second, const Registers<TileA>* a, int x) const {
    Registers<Quad> b[static_cast<std::size_t>(kTiles)];
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        b[n][place] = this->quads(n * kTileColumns + place / 4, x + place % 4)[0];
      }
    });
    ONDES_UNROLL
    for (int half = 0; half < kStretchTiles; ++half) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        multiply_tile(a[half], HalfQuads{b[n], half}, (half == 0 ? sums : second).tiles[n]);
      }
    }
  }

  ONDES_HOST_DEVICE static void add(Warp& warp, Sums& sums, const Sums& second) {
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        ONDES_UNROLL
        for (int i = 0; i < 4; ++i) {
          sums.tiles[n][place].values[i] += second.tiles[n][place].values[i];
        }
      }
    });
  }

 private:
  // The B of one tile of a stretch, in the registers that hold the stretch.
  struct HalfQuads {
    const Registers<Quad>& quads;
    int half;
    ONDES_HOST_DEVICE TileB operator[](int place) const {
      const Quad& quad = quads[place];
      return half == 0 ? TileB{{quad.words[0], quad.words[1]}}
                       : TileB{{quad.words[2], quad.words[3]}};
    }
  };
};

}  // namespace ondes::gpu
