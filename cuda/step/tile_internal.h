// What the bodies of the tensor-core step kernels share on top of its products
// (cuda/step/tile_products_internal.h): what becomes of sums, the sample's ends, the head, the weights
// that a block holds.
//
//   z     = tanh(filter) * sigmoid(gating)     of sums that hold a channel's filter and its gating
//   h'    = h + bias + W z                     kept in f32 where its thread finds it again
//
// kTiles: tiles of 8 lanes. kResidual > 0: R and G are this number, known to the compiler.
// Any thread.
#pragma once
#include <bit>
#include <cstddef>

#include "cuda/step/tile_products_internal.h"
#include "engine/half.h"

namespace ondes::gpu {

template <int kTiles, int kResidual, typename Block>
class TileBody : public TileProducts<kTiles, kResidual, Block> {
  using Base = TileProducts<kTiles, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE TileBody(Block& block,
                             const StepModelView& model,
                             const StepCall& call,
                             const ScratchMap& map)
      : Base(block, model, call, map), tile_(call.tile) {
    shared_ = reinterpret_cast<Quad*>(block.shared());
    // Never elsewhere: said here so that a compiler knows which memory it addresses.
    this->scratch_ = shared_;
    this->resident_bytes_ = 0;
  }

 protected:
  using Base::load;
  using Base::multiply;
  using Base::save;
  using Base::set;
  using Base::take;
  using typename Base::Sums;
  using typename Base::Warp;

  ONDES_HOST_DEVICE int gate_tiles() const { return tiles_of(this->gate(), kGateChannels); }
  ONDES_HOST_DEVICE int residual_tiles() const { return tiles_of(this->residual(), kTileRows); }
  ONDES_HOST_DEVICE int skip_tiles() const { return tiles_of(this->model_.skip, kTileRows); }
  ONDES_HOST_DEVICE int stretches_r() const { return tiles_of(this->residual(), kStretch); }
  ONDES_HOST_DEVICE int stretches_g() const { return tiles_of(this->gate(), kStretch); }

  // --- a lane's vectors, double ones by `side` ---------------------------------------------------
  ONDES_HOST_DEVICE int x_at(int side) const {
    return this->map_.x + side * stretches_r() * kStretchQuads;
  }
  // Of a stage's layer i.
  ONDES_HOST_DEVICE int z_at(int side, int i) const {
    return this->map_.z + (side * tile_.layers + i) * stretches_g() * kStretchQuads;
  }
  ONDES_HOST_DEVICE int past_at(int i) const {
    return this->map_.past + i * (this->model_.taps - 1) * stretches_r() * kStretchQuads;
  }
  ONDES_HOST_DEVICE int skip_x_at(int side) const {
    return this->map_.skip_x + side * vector_quads(this->model_.skip);
  }

  ONDES_HOST_DEVICE void zero(Quad* to, int count) {
    this->block_.phase([&](int thread) {
      for (int i = thread; i < count; i += this->block_.threads()) {
        to[i] = Quad{{0, 0, 0, 0}};
      }
    });
  }

  // --- what becomes of sums --------------------------------------------------------------------
  // z of a gate's row tile, to a lane's vector at `z`.
  ONDES_HOST_DEVICE void gate_to(Warp& warp, const Sums& sums, int row_tile, int z) const {
    warp.each([&](int place) {
      const int c = row_tile * kGateChannels + place / 4;
      ONDES_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        const TileSum& own = sums.tiles[n][place];
        ONDES_UNROLL
        for (int b = 0; b < 2; ++b) {
          if (c < this->gate()) {
            F16Arithmetic::put(this->quads(n * kTileColumns + place % 4 * 2 + b, z), c,
                               gated_value(own.values[b], own.values[2 + b]));
          }
        }
      }
    });
  }

  // The end of layer l: h and x of the layer after it, here or in another block.
  struct Update {
    int l = 0;
    const Quad* weights = nullptr;
    int z = 0;                 // a lane's vector
    const Quad* h = nullptr;   // sums
    Quad* h_to = nullptr;      // may be h
    Quad* lanes_to = nullptr;  // lane 0's scratch
    int x_to = 0;
  };

  ONDES_HOST_DEVICE void update_h(Warp& warp, int row_tile, const Update& update) const {
    Sums sums;
    begin_update(warp, sums, row_tile, update);
    multiply(warp, sums, update.weights + row_tile * row_tile_quads(this->model_.tiles.update),
             stretches_g(), update.z);
    end_update(warp, sums, row_tile, update);
  }

  // h and bias, which the product is added to.
  ONDES_HOST_DEVICE void begin_update(Warp& warp,
                                      Sums& sums,
                                      int row_tile,
                                      const Update& update) const {
    const float* bias =
        this->template at<float>(this->model_.residual_bias) + update.l * this->residual();
    load(warp, sums, update.h, row_tile);
    warp.each([&](int place) {
      ONDES_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int row = row_tile * kTileRows + sum_at(place, i).row;
        ONDES_UNROLL
        for (int n = 0; n < kTiles; ++n) {
          sums.tiles[n][place].values[i] += row < this->residual() ? bias[row] : 0.0F;
        }
      }
    });
  }

  ONDES_HOST_DEVICE void end_update(Warp& warp,
                                    const Sums& sums,
                                    int row_tile,
                                    const Update& update) const {
    save(warp, sums, update.h_to, row_tile);
    take(warp, sums, row_tile, [&](int row, int j, float value) {
      if (row < this->residual()) {
        F16Arithmetic::put(update.lanes_to + j * this->map_.quads + update.x_to, row, value);
      }
    });
  }

  // Sums of skip rows begin at the bias.
  ONDES_HOST_DEVICE void begin_skip(Warp& warp, Sums& sums, int row_tile) const {
    const float* bias = this->template at<float>(this->model_.skip_bias);
    set(warp, sums, row_tile,
        [&](int row, int) { return row < this->model_.skip ? bias[row] : 0.0F; });
  }

  // Rectified, to the vectors that the head reads, here or in another block.
  struct HeadPlace {
    Quad* lanes;  // lane 0's scratch
    const ScratchMap& map;
    int side;
  };

  ONDES_HOST_DEVICE void end_skip(Warp& warp,
                                  const Sums& sums,
                                  int row_tile,
                                  const HeadPlace& head) const {
    const int x = head.map.skip_x + head.side * vector_quads(this->model_.skip);
    take(warp, sums, row_tile, [&](int row, int j, float value) {
      if (row < this->model_.skip) {
        F16Arithmetic::put(head.lanes + j * head.map.quads + x, row, larger(value, 0.0F));
      }
    });
  }

  // The gate rows' order in weights: the plan's row of a tile's.
  ONDES_HOST_DEVICE int gate_row(int row) const {
    const int c = row / kTileRows * kGateChannels + row % kGateChannels;
    return (row % kTileRows < kGateChannels ? 0 : this->gate()) + c;
  }
  ONDES_HOST_DEVICE bool is_gate_row(int row) const {
    return row / kTileRows * kGateChannels + row % kGateChannels < this->gate();
  }

  // Conditioning of layer l for every lane that is there.
  ONDES_HOST_DEVICE void condition(Warp& warp, Sums& sums, int row_tile, int l) const {
    set(warp, sums, row_tile, [&](int row, int j) {
      return j < this->lanes_ && is_gate_row(row)
                 ? this->conditioning(j)[l * 2 * this->gate() + gate_row(row)]
                 : 0.0F;
    });
  }

  // x of layer l, in the lanes' vectors, to the rings: part of a warp phase that leaves x alone. The
  // last warps begin: the first ones have products, and a ring's place takes loads from afar.
  ONDES_HOST_DEVICE void keep(Warp& warp, int l, int x) const {
    const int q = this->quads_r();
    warp.each([&](int place) {
      const int last = this->block_.warps() - 1 - warp.index();
      for (int i = last * kWarpThreads + place; i < this->lanes_ * q; i += this->block_.threads()) {
        this->ring(i / q, l, 0)[i % q] = this->quads(i / q, x)[i % q];
      }
    });
  }

  // Past vectors of layer l to the lanes' scratch. Part of a phase.
  ONDES_HOST_DEVICE void fetch_past(int thread, int l, int to) const {
    const int older = this->model_.taps - 1;
    const int q = this->quads_r();
    for (int i = thread; i < this->lanes_ * older * q; i += this->block_.threads()) {
      const int j = i / (older * q);
      const int k = i / q % older;
      const int back = (older - k) * this->template at<int>(this->model_.dilations)[l];
      this->quads(j, to + k * stretches_r() * kStretchQuads)[i % q] = this->ring(j, l, back)[i % q];
    }
  }

  // --- the sample's ends -----------------------------------------------------------------------
  // What of h_0 is known ahead, to the sums at `h`. Part of a phase.
  ONDES_HOST_DEVICE void fetch_bases(int thread, Quad* h, int t) const {
    each_h(thread, h, [&](int row, int j, float) { return this->input_base(j, row, t); });
  }

  // h_0 of every lane, from its bases, in place and to the vector x. A phase.
  ONDES_HOST_DEVICE void first_h(Quad* h, int x) {
    this->block_.phase([&](int thread) {
      each_h(thread, h, [&](int row, int j, float base) {
        const float value = this->input_value(j, row, base);
        F16Arithmetic::put(this->quads(j, x), row, value);
        return value;
      });
    });
  }

  // h = change(channel, lane, h) where both are there, else 0.
  template <typename Change>
  ONDES_HOST_DEVICE void each_h(int thread, Quad* h, const Change& change) const {
    const int count = residual_tiles() * kTiles * kWarpThreads;
    for (int q = thread; q < count; q += this->block_.threads()) {
      TileSum sum = std::bit_cast<TileSum>(h[q]);
      ONDES_UNROLL
      for (int i = 0; i < 4; ++i) {
        const TileIndex at = sum_at(q % kWarpThreads, i);
        const int row = q / (kWarpThreads * kTiles) * kTileRows + at.row;
        const int j = q / kWarpThreads % kTiles * kTileColumns + at.column;
        sum.values[i] =
            j < this->lanes_ && row < this->residual() ? change(row, j, sum.values[i]) : 0.0F;
      }
      h[q] = std::bit_cast<Quad>(sum);
    }
  }

  // A product of the head whose first row tiles the block may hold.
  struct Top {
    const TileMatrix& matrix;
    int outputs;
    const float* bias;
    const Quad* held;
    int held_tiles;
    int x;  // a lane's vector
  };

  // use(row, lane, value) of every output.
  template <typename Use>
  ONDES_HOST_DEVICE void top(const Top& product, const Use& use) {
    const Quad* image = in_image(product.matrix);
    this->block_.warp_phase([&](Warp& warp) {
      for (int r = warp.index(); r < product.matrix.row_tiles; r += this->block_.warps()) {
        Sums sums;
        set(warp, sums, r,
            [&](int row, int) { return row < product.outputs ? product.bias[row] : 0.0F; });
        multiply(
            warp, sums,
            (r < product.held_tiles ? product.held : image) + r * row_tile_quads(product.matrix),
            product.matrix.stretches, product.x);
        take(warp, sums, r, [&](int row, int j, float value) {
          if (row < product.outputs) {
            use(row, j, value);
          }
        });
      }
    });
  }

  // From the rectified skip sums, in the vector at `skip_x`, to the outputs. `held`: what the block
  // holds of the last two products.
  ONDES_HOST_DEVICE void upper(int skip_x, const Quad* held) {
    const TileModel& tiles = this->model_.tiles;
    top({tiles.head, this->model_.head, this->template at<float>(this->model_.head_bias), held,
         tile_.held_head_tiles, skip_x},
        [&](int row, int j, float value) {
          F16Arithmetic::put(this->quads(j, this->map_.head_x), row, larger(value, 0.0F));
        });
    top({tiles.output, this->model_.outputs, this->template at<float>(this->model_.output_bias),
         held + tile_.held_head_tiles * row_tile_quads(tiles.head), tile_.held_output_tiles,
         this->map_.head_x},
        [&](int row, int j, float value) { this->floats(j, this->map_.out)[row] = value; });
  }

  // --- weights ---------------------------------------------------------------------------------
  ONDES_HOST_DEVICE const Quad* in_image(const TileMatrix& matrix) const {
    return this->template at<Quad>(matrix.weights);
  }
  // Copies so many quads, or a matrix; returns them. Part of a phase.
  ONDES_HOST_DEVICE int hold(int thread, Quad* to, const Quad* from, int count) const {
    for (int i = thread; i < count; i += this->block_.threads()) {
      to[i] = from[i];
    }
    return count;
  }
  ONDES_HOST_DEVICE int hold(int thread, Quad* to, const TileMatrix& matrix) const {
    return hold(thread, to, in_image(matrix), matrix_quads(matrix));
  }
  ONDES_HOST_DEVICE void hold_top(int thread, Quad* to) const {
    const TileModel& tiles = this->model_.tiles;
    to +=
        hold(thread, to, in_image(tiles.head), tile_.held_head_tiles * row_tile_quads(tiles.head));
    hold(thread, to, in_image(tiles.output),
         tile_.held_output_tiles * row_tile_quads(tiles.output));
  }

  // --- looking inside --------------------------------------------------------------------------
  ONDES_HOST_DEVICE void probe_h(int l, int t, const Quad* h) {
    this->block_.phase([&](int thread) {
      for (int c = thread; this->probed() && c < this->residual(); c += this->block_.threads()) {
        const int j = this->probe_lane();
        const SumPlace at = place_of_sum(c % kTileRows, j % kTileColumns);
        const Quad& quad = h[(c / kTileRows * kTiles + j / kTileColumns) * kWarpThreads + at.place];
        this->probe_row(t)[l * this->residual() + c] =
            std::bit_cast<float>(quad.words[static_cast<std::size_t>(at.i)]);
      }
    });
  }
  ONDES_HOST_DEVICE void probe_z(int l, int t, int z) {
    this->block_.phase([&](int thread) {
      const int g = this->gate();
      float* to = this->probe_row(t) + this->model_.layers * this->residual() + l * g;
      for (int c = thread; this->probed() && c < g; c += this->block_.threads()) {
        to[c] = half_to_float(
            reinterpret_cast<const std::uint16_t*>(this->quads(this->probe_lane(), z))[c]);
      }
    });
  }
  ONDES_HOST_DEVICE void probe_out(int t) {
    this->block_.phase([&](int thread) {
      float* to = this->probe_row(t) + this->model_.layers * (this->residual() + this->gate());
      for (int o = thread; this->probed() && o < this->model_.outputs;
           o += this->block_.threads()) {
        to[o] = this->floats(this->probe_lane(), this->map_.out)[o];
      }
    });
  }

  static constexpr int kMiscQuads = quads_of(sizeof(LaneMisc), sizeof(Quad));

  const TileMap& tile_;
  Quad* shared_ = nullptr;
};

}  // namespace ondes::gpu
