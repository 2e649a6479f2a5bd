// A warp's tile product, emulated: its maps, and its sums against plain loops. What tensor cores
// make of the same registers is in the kernels' parity tests.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "cuda/emulator.h"
#include "cuda/warp_tile.h"
#include "engine/random/philox.h"

namespace ondes::gpu {
namespace {

template <typename Map>
bool covers(const Map& map, int each, int rows, int columns) {
  std::set<std::pair<int, int>> seen;
  for (int place = 0; place < kWarpThreads; ++place) {
    for (int i = 0; i < each; ++i) {
      const TileIndex at = map(place, i);
      if (at.row < 0 || at.row >= rows || at.column < 0 || at.column >= columns) {
        return false;
      }
      seen.insert({at.row, at.column});
    }
  }
  return static_cast<int>(seen.size()) == rows * columns && rows * columns == kWarpThreads * each;
}

TEST_CASE("the registers of a warp hold every element of a tile once") {
  CHECK(covers(a_at, 8, kTileRows, kTileDepth));
  CHECK(covers(b_at, 4, kTileDepth, kTileColumns));
  CHECK(covers(sum_at, 4, kTileRows, kTileColumns));
  CHECK_FALSE(covers(sum_at, 4, kTileColumns, kTileRows));  // the control
}

// Worked from the figures of the PTX ISA, "Matrix fragments for mma.m16n8k16".
TEST_CASE("single registers lie where the ISA's figures put them") {
  const auto same = [](TileIndex at, int row, int column) {
    return at.row == row && at.column == column;
  };
  CHECK(same(a_at(0, 0), 0, 0));
  CHECK(same(a_at(0, 1), 0, 1));
  CHECK(same(a_at(0, 2), 8, 0));
  CHECK(same(a_at(0, 4), 0, 8));
  CHECK(same(a_at(0, 7), 8, 9));
  CHECK(same(a_at(31, 0), 7, 6));
  CHECK(same(a_at(31, 7), 15, 15));
  CHECK(same(b_at(0, 0), 0, 0));
  CHECK(same(b_at(1, 1), 3, 0));
  CHECK(same(b_at(4, 2), 8, 1));
  CHECK(same(b_at(31, 3), 15, 7));
  CHECK(same(sum_at(0, 1), 0, 1));
  CHECK(same(sum_at(5, 2), 9, 2));
  CHECK(same(sum_at(31, 3), 15, 7));
}

struct Tiles {
  float a[kTileRows][kTileDepth];
  float b[kTileDepth][kTileColumns];
  float c[kTileRows][kTileColumns];
};

// Numbers that halves hold exactly: multiples of 1/64 below 4.
Tiles random_tiles(std::uint64_t seed) {
  std::uint64_t next = 0;
  const auto draw = [&] {
    return static_cast<float>(static_cast<int>(philox_draw(seed, 1, next++)[0] % 511U) - 255) /
           64.0F;
  };
  Tiles tiles{};
  for (auto& row : tiles.a) {
    for (float& value : row) {
      value = draw();
    }
  }
  for (auto& row : tiles.b) {
    for (float& value : row) {
      value = draw();
    }
  }
  for (auto& row : tiles.c) {
    for (float& value : row) {
      value = draw();
    }
  }
  return tiles;
}

TEST_CASE("a warp's product is the plain one in every order of its threads") {
  for (const ThreadOrder order :
       {ThreadOrder::forwards, ThreadOrder::backwards, ThreadOrder::shuffled}) {
    constexpr int kWarps = 3;  // each with tiles of its own
    std::vector<Tiles> tiles;
    for (int w = 0; w < kWarps; ++w) {
      tiles.push_back(random_tiles(static_cast<std::uint64_t>(w)));
    }
    std::vector<Tiles> found(kWarps);
    EmulatedBlock block(0, kWarps * kWarpThreads, 0, order);
    block.warp_phase([&](EmulatedWarp& warp) {
      EmulatedWarp::Registers<TileA> a;
      EmulatedWarp::Registers<TileB> b;
      EmulatedWarp::Registers<TileSum> sum;
      const Tiles& own = tiles[static_cast<std::size_t>(warp.index())];
      warp.each([&](int place) {
        for (int w = 0; w < 4; ++w) {
          const TileIndex at = a_at(place, 2 * w);
          a[place].words[w] = pack_halves(own.a[at.row][at.column], own.a[at.row][at.column + 1]);
        }
        for (int w = 0; w < 2; ++w) {
          const TileIndex at = b_at(place, 2 * w);
          b[place].words[w] = pack_halves(own.b[at.row][at.column], own.b[at.row + 1][at.column]);
        }
        for (int i = 0; i < 4; ++i) {
          const TileIndex at = sum_at(place, i);
          sum[place].values[i] = own.c[at.row][at.column];
        }
      });
      multiply_tile(a, b, sum);
      warp.each([&](int place) {
        for (int i = 0; i < 4; ++i) {
          const TileIndex at = sum_at(place, i);
          found[static_cast<std::size_t>(warp.index())].c[at.row][at.column] = sum[place].values[i];
        }
      });
    });
    int wrong = 0;
    for (int w = 0; w < kWarps; ++w) {
      const Tiles& own = tiles[static_cast<std::size_t>(w)];
      for (int row = 0; row < kTileRows; ++row) {
        for (int column = 0; column < kTileColumns; ++column) {
          // Multiples of 2^-12 below 256: exact in f32 in any order.
          float expected = own.c[row][column];
          for (int k = 0; k < kTileDepth; ++k) {
            expected += own.a[row][k] * own.b[k][column];
          }
          wrong += found[static_cast<std::size_t>(w)].c[row][column] == expected ? 0 : 1;
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a register that nobody wrote makes NaN, not a plausible sum") {
  EmulatedWarp::Registers<TileSum> sum;
  for (int place = 0; place < kWarpThreads; ++place) {
    CHECK(std::isnan(sum[place].values[place % 4]));
  }
}

}  // namespace
}  // namespace ondes::gpu
