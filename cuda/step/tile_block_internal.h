// The tensor-core step kernel of one block: it makes all samples of a call for 8, 16 or 32 lanes.
//
// Idea and layout. For devices without clusters, and networks whose weights a cluster does not
// hold: every weight is read once a sample for all lanes of the block, the first layers' from
// shared memory, the rest through the L2 cache. A layer is two phases:
//
//   gate      past taps and the newest as one product on top of the conditioning; z; x to the ring
//   update    h and x of the next layer, the layer's products on top of the skip sums; the next
//             layer's past from the rings
//
// Sums of h and skip stay in shared memory as their threads hold them; after the last layer they are
// rectified where they are. Then the head, the choice and the samples as in every variant.
// Assumed as in step/kernel_internal.h. Any thread.
#pragma once
#include "cuda/step/tile_internal.h"

namespace ondes::gpu {

template <int kTiles, int kResidual, typename Block>
class TileBlockBody : public TileBody<kTiles, kResidual, Block> {
  using Base = TileBody<kTiles, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE TileBlockBody(Block& block, const StepModelView& model, const StepCall& call)
      : Base(block, model, call, call.map) {
    h_ = this->shared_ + this->tile_.h[0];
    skip_ = this->shared_ + this->tile_.skip[0];
  }

  ONDES_HOST_DEVICE void run() {
    enter();
    for (int t = 0; t < this->call_.samples; ++t) {
      begin(t);
      for (int l = 0; l < this->model_.layers; ++l) {
        layer(l, t);
      }
      head(t);
    }
    this->leave();
  }

 private:
  using Warp = typename Base::Warp;
  using Sums = typename Base::Sums;

  ONDES_HOST_DEVICE const TileModel& tiles() const { return this->model_.tiles; }

  // --- weights ---------------------------------------------------------------------------------
  ONDES_HOST_DEVICE Quad* held(int l) const {
    return this->shared_ + this->tile_.held +
           l * (matrix_quads(tiles().current) + matrix_quads(tiles().past) +
                matrix_quads(tiles().update) + matrix_quads(tiles().skip));
  }
  // Matrices of a layer lie in this order where the block holds them.
  ONDES_HOST_DEVICE const Quad* weights(int l, const TileMatrix& which, int before) const {
    return l < this->tile_.held_layers ? held(l) + before
                                       : this->in_image(tiles_of_layer(which, l));
  }
  ONDES_HOST_DEVICE int before_past() const { return matrix_quads(tiles().current); }
  ONDES_HOST_DEVICE int before_update() const { return before_past() + matrix_quads(tiles().past); }
  ONDES_HOST_DEVICE int before_skip() const {
    return before_update() + matrix_quads(tiles().update);
  }

  ONDES_HOST_DEVICE void enter() {
    this->zero(this->shared_, this->tile_.held);
    this->block_.phase([&](int thread) {
      for (int l = 0; l < this->tile_.held_layers; ++l) {
        Quad* to = held(l);
        to += this->hold(thread, to, tiles_of_layer(tiles().current, l));
        to += this->hold(thread, to, tiles_of_layer(tiles().past, l));
        to += this->hold(thread, to, tiles_of_layer(tiles().update, l));
        this->hold(thread, to, tiles_of_layer(tiles().skip, l));
      }
      this->enter_lanes(thread);
    });
  }

  // --- a sample --------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void begin(int t) {
    this->block_.phase([&](int thread) {
      for (int j = thread; j < this->lanes_; j += this->block_.threads()) {
        this->begin_lane(j, t);
      }
      this->fetch_bases(thread, h_, t);
      this->fetch_past(thread, 0, this->past_at(0));
    });
    this->first_h(h_, this->x_at(0));
  }

  ONDES_HOST_DEVICE void layer(int l, int t) {
    if (this->call_.probe != nullptr) {
      this->probe_h(l, t, h_);
    }
    const Quad* current = weights(l, tiles().current, 0);
    const Quad* past = weights(l, tiles().past, before_past());
    this->block_.warp_phase([&](Warp& warp) {
      for (int r = warp.index(); r < this->gate_tiles(); r += this->block_.warps()) {
        Sums sums;
        this->condition(warp, sums, r, l);
        this->multiply(warp, sums, past + r * row_tile_quads(tiles().past), tiles().past.stretches,
                       this->past_at(0));
        this->multiply(warp, sums, current + r * row_tile_quads(tiles().current),
                       this->stretches_r(), this->x_at(0));
        this->gate_to(warp, sums, r, this->z_at(0, 0));
      }
      this->keep(warp, l, this->x_at(0));
    });
    if (this->call_.probe != nullptr) {
      this->probe_z(l, t, this->z_at(0, 0));
    }
    end_layer(l);
  }

  ONDES_HOST_DEVICE void end_layer(int l) {
    const bool last = l + 1 == this->model_.layers;
    const Quad* update = weights(l, tiles().update, before_update());
    const Quad* skip = weights(l, tiles().skip, before_skip());
    const int updates = last ? 0 : this->residual_tiles();
    this->block_.warp_phase([&](Warp& warp) {
      for (int i = warp.index(); i < updates + this->skip_tiles(); i += this->block_.warps()) {
        if (i < updates) {
          this->update_h(warp, i,
                         {l, update, this->z_at(0, 0), h_, h_, this->scratch_, this->x_at(0)});
        } else {
          add_skip(warp, i - updates, l, skip);
        }
      }
      if (!last) {
        warp.each([&](int place) {
          this->fetch_past(warp.index() * kWarpThreads + place, l + 1, this->past_at(0));
        });
      }
    });
  }

  ONDES_HOST_DEVICE void add_skip(Warp& warp, int row_tile, int l, const Quad* weights) const {
    Sums sums;
    if (l == 0) {
      this->begin_skip(warp, sums, row_tile);
    } else {
      this->load(warp, sums, skip_, row_tile);
    }
    this->multiply(warp, sums, weights + row_tile * row_tile_quads(tiles().skip),
                   this->stretches_g(), this->z_at(0, 0));
    if (l + 1 == this->model_.layers) {
      this->end_skip(warp, sums, row_tile, {this->scratch_, this->map_, 0});
    } else {
      this->save(warp, sums, skip_, row_tile);
    }
  }

  ONDES_HOST_DEVICE void head(int t) {
    this->upper(this->skip_x_at(0), nullptr);
    if (this->call_.probe != nullptr) {
      this->probe_out(t);
    }
    if (this->sampler_.kind != Distribution::gaussian) {
      this->choose();
    }
    this->finish(t);
  }

  Quad* h_ = nullptr;     // sums
  Quad* skip_ = nullptr;  // sums
};

}  // namespace ondes::gpu
