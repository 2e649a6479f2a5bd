// The tensor-core step kernel of a cluster: eight blocks make the samples of up to nine groups of 8
// or 16 lanes at once.
//
// Idea and layout. As in step/cluster_internal.h the blocks are stages of a pipeline along the
// layers, their weights in their own shared memory, and the last one is the head. A product costs a
// tensor core as much for 8 lanes as for one, so a group of 8 is the least; and where there is more
// than one group, the stages work on different ones at the same time. Time goes in slots, a cluster
// barrier after each. Group g's sample t is number v = t * period + g, and in slot s
//
//   stage r   does the chain of v = s - 1 - r: its layers; h and x go to the next stage
//             then the skip sums of s - 2 - r: its layers' products added to the sums that came from
//             the stage before, passed on; the last stage rectifies them and gives the head halves
//             then prepares s - r: conditioning row, past taps of its layers into sums
//   the head  does s - 2 - C: the last products, the samples, x(t-1) to stage 0; C stages
//
// so that a lane alone waits for chains and a head only: what a stage does beside its chain it does
// while others have theirs. period = the larger of groups and C + 2, which is when x(t-1) is back.
//
// What passes between blocks has two sides, taken in turn by v: a block writes one side of another's
// memory in a slot and its owner reads it in the next, while the other side is written. Skip sums
// are the same sum for every group and company: layers in ascending order, inputs in the layout's.
// Where R and G are known to the compiler (kResidual > 0) and a stage has at most kKeptLayers layers,
// its chain's weights stay in the registers of the warps that multiply by them, and shared memory
// holds what is beside the chain.
// Assumed: all blocks of a cluster run at once, and stay until the last barrier.
// Any thread.
#pragma once
#include "cuda/step/tile_internal.h"

namespace ondes::gpu {

// A Block here also has rank(), ranks() and peer(rank): that block's shared().
template <int kTiles, int kResidual, typename Block>
class TileClusterBody : public TileBody<kTiles, kResidual, Block> {
  using Base = TileBody<kTiles, kResidual, Block>;
  using Base::kLanes;

 public:
  ONDES_HOST_DEVICE TileClusterBody(Block& block, const StepModelView& model, const StepCall& call)
      : Base(block, model, call, block.rank() + 1 == block.ranks() ? call.head_map : call.map),
        kept_(block),
        rank_(block.rank()),
        stages_(block.ranks() - 1),
        prepared_(-rank_),
        chained_(-1 - rank_),
        ended_(-2 - rank_) {
    period_ = period(call, block.ranks());
    first_ = first_layer(rank_);
    last_ = rank_ < stages_ ? first_layer(rank_ + 1) : first_;
    held_ = this->shared_ + (head() ? this->tile_.head_held : this->tile_.held);
  }

  ONDES_HOST_DEVICE static int supersteps(const StepCall& call, int ranks) {
    return (call.samples - 1) * period(call, ranks) + call.tile.groups + ranks + 1;
  }

  ONDES_HOST_DEVICE void enter() {
    this->zero(this->shared_, static_cast<int>(held_ - this->shared_));
    this->block_.phase([&](int thread) {
      if (head()) {
        this->hold_top(thread, held_);
        return;
      }
      for (int l = first_; l < last_; ++l) {
        Quad* to = held_ + (l - first_) * layer_quads();
        if constexpr (!kKeeps) {
          to += this->hold(thread, to, tiles_of_layer(tiles().current, l));
          to += this->hold(thread, to, tiles_of_layer(tiles().update, l));
        }
        if (this->tile_.hold_skip) {
          to += this->hold(thread, to, tiles_of_layer(tiles().skip, l));
        }
        if (this->tile_.hold_past) {
          this->hold(thread, to, tiles_of_layer(tiles().past, l));
        }
      }
    });
    if constexpr (kKeeps) {
      keep_weights();
    }
    for (int g = 0; g < this->tile_.groups; ++g) {
      select_group(g);
      this->block_.phase([&](int thread) { this->enter_lanes(thread); });
    }
  }

  // The next slot. Between two of them the blocks of a cluster meet.
  ONDES_HOST_DEVICE void superstep() {
    if (head()) {
      if (select(ended_)) {
        finish_sample(ended_.v, ended_.t);
      }
      if (select(chained_)) {  // a slot ahead: it waits for nothing
        this->block_.phase([&](int thread) { begin(thread, chained_.t); });
      }
    } else {
      if (select(chained_)) {
        chain(chained_.v);
      }
      if (select(ended_)) {
        share_skip(ended_.v);
      }
      if (select(prepared_)) {
        prepare(prepared_.v, prepared_.t);
      }
    }
    prepared_.next(period_);
    chained_.next(period_);
    ended_.next(period_);
  }

  ONDES_HOST_DEVICE void leave() {
    for (int g = 0; head() && g < this->tile_.groups; ++g) {
      select_group(g);
      Base::leave();
    }
  }

 private:
  using Warp = typename Base::Warp;
  using Sums = typename Base::Sums;

  ONDES_HOST_DEVICE static int period(const StepCall& call, int ranks) {
    return call.tile.groups > ranks + 1 ? call.tile.groups : ranks + 1;
  }
  ONDES_HOST_DEVICE bool head() const { return rank_ == stages_; }
  ONDES_HOST_DEVICE int first_layer(int rank) const {
    return static_cast<int>(static_cast<std::int64_t>(this->model_.layers) * rank / stages_);
  }
  ONDES_HOST_DEVICE const TileModel& tiles() const { return this->model_.tiles; }

  // --- groups ----------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void select_group(int g) {
    this->first_lane_ = (this->block_.index() * this->tile_.groups + g) * kLanes;
    const int left = this->call_.lane_count - this->first_lane_;
    this->lanes_ = left < 0 ? 0 : smaller(kLanes, left);
    this->misc_offset_ = g * Base::kMiscQuads;
  }
  // A number v = t * period + g that moves by one from slot to slot: no division on the way.
  struct Turn {
    int v;
    int g;
    int t = 0;
    ONDES_HOST_DEVICE explicit Turn(int start) : v(start), g(start) {}
    ONDES_HOST_DEVICE void next(int period) {
      ++v;
      if (++g == period) {
        g = 0;
        ++t;
      }
    }
  };
  // Makes a turn's group the one that is worked on; false if there is no such sample.
  ONDES_HOST_DEVICE bool select(const Turn& turn) {
    if (turn.g < 0 || turn.g >= this->tile_.groups || turn.t >= this->call_.samples) {
      return false;
    }
    select_group(turn.g);
    return this->lanes_ > 0;
  }

  // --- weights ---------------------------------------------------------------------------------
  ONDES_HOST_DEVICE int chain_quads() const {
    return kKeeps ? 0 : matrix_quads(tiles().current) + matrix_quads(tiles().update);
  }
  ONDES_HOST_DEVICE int layer_quads() const {
    return chain_quads() + (this->tile_.hold_skip ? matrix_quads(tiles().skip) : 0) +
           (this->tile_.hold_past ? matrix_quads(tiles().past) : 0);
  }
  ONDES_HOST_DEVICE const Quad* current_of(int l) const {
    return held_ + (l - first_) * layer_quads();
  }
  ONDES_HOST_DEVICE const Quad* update_of(int l) const {
    return current_of(l) + matrix_quads(tiles().current);
  }
  ONDES_HOST_DEVICE const Quad* skip_of(int l) const {
    return this->tile_.hold_skip ? current_of(l) + chain_quads()
                                 : this->in_image(tiles_of_layer(tiles().skip, l));
  }
  ONDES_HOST_DEVICE const Quad* past_of(int l) const {
    return this->tile_.hold_past ? current_of(l) + layer_quads() - matrix_quads(tiles().past)
                                 : this->in_image(tiles_of_layer(tiles().past, l));
  }

  // --- memory, own and others' -----------------------------------------------------------------
  ONDES_HOST_DEVICE Quad* memory_of(int rank) const {
    return reinterpret_cast<Quad*>(this->block_.peer(rank));
  }
  ONDES_HOST_DEVICE Quad* acc(int l) const {
    return this->shared_ + this->tile_.acc +
           (l - first_) * this->gate_tiles() * kTiles * kWarpThreads;
  }

  // --- before the chain ------------------------------------------------------------------------
  ONDES_HOST_DEVICE void begin(int thread, int t) {
    for (int j = thread; j < this->lanes_; j += this->block_.threads()) {
      this->begin_lane(j, t);
    }
  }

  ONDES_HOST_DEVICE void prepare(int v, int t) {
    this->block_.phase([&](int thread) {
      begin(thread, t);
      for (int j = thread; t > 0 && j < this->lanes_; j += this->block_.threads()) {
        ++this->misc(j).sample;
      }
    });
    this->block_.phase([&](int thread) {
      for (int l = first_; l < last_; ++l) {
        this->fetch_past(thread, l, this->past_at(l - first_));
      }
      if (rank_ == 0) {
        this->fetch_bases(thread, this->shared_ + this->tile_.h[v & 1], t);
      }
    });
    this->block_.warp_phase([&](Warp& warp) {
      const int tiles_each = this->gate_tiles();
      for (int i = warp.index(); i < (last_ - first_) * tiles_each; i += this->block_.warps()) {
        const int l = first_ + i / tiles_each;
        const int r = i % tiles_each;
        Sums sums;
        this->condition(warp, sums, r, l);
        const TileMatrix& past = tiles().past;
        this->multiply(warp, sums, past_of(l) + r * row_tile_quads(past), past.stretches,
                       this->past_at(l - first_));
        this->save(warp, sums, acc(l), r);
      }
    });
  }

  // --- the chain -------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void chain(int v) {
    const int side = v & 1;
    if (rank_ == 0) {
      this->first_h(this->shared_ + this->tile_.h[side], this->x_at(side));
    }
    if constexpr (kKeeps) {
      kept_layers<0>(side);
    } else {
      for (int l = first_; l < last_; ++l) {
        gate_phase(l, side, [&](Warp& warp, Sums& sums, int r) {
          this->multiply(warp, sums, current_of(l) + r * row_tile_quads(tiles().current),
                         this->stretches_r(), this->x_at(side));
        });
        if (l + 1 < this->model_.layers) {
          update_phase(l, side, 0, [&](Warp& warp, Sums& sums, int r) {
            this->multiply(warp, sums, update_of(l) + r * row_tile_quads(tiles().update),
                           this->stretches_g(), this->z_at(side, l - first_));
          });
        }
      }
    }
    pass_through(side, this->shared_ + this->tile_.h[side]);
  }

  // Own layers from the i-th on, unrolled so that each finds its registers.
  template <int kLayer>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void kept_layers(int side) {
    const int l = first_ + kLayer;
    if constexpr (kLayer < kKeptLayers) {
      if (l < last_) {
        gate_phase(l, side, [&](Warp& warp, Sums& sums, int) {
          this->template multiply_kept<kKeptStretches>(
              warp, sums, kept_.of(warp).tiles + kLayer * kKeptTiles, this->x_at(side));
        });
        if (l + 1 < this->model_.layers) {
          update_phase(l, side, kResidual / kGateChannels, [&](Warp& warp, Sums& sums, int) {
            this->template multiply_kept<kKeptStretches>(
                warp, sums, kept_.of(warp).tiles + kLayer * kKeptTiles, this->z_at(side, kLayer));
          });
        }
        kept_layers<kLayer + 1>(side);
      }
    }
  }

  // z of layer l; x to the ring. product(warp, sums, row tile).
  template <typename Multiply>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void gate_phase(int l, int side, const Multiply& product) {
    this->block_.warp_phase([&](Warp& warp) {
      for (int r = warp.index(); r < this->gate_tiles(); r += this->block_.warps()) {
        Sums sums;
        this->load(warp, sums, acc(l), r);
        product(warp, sums, r);
        this->gate_to(warp, sums, r, this->z_at(side, l - first_));
      }
      this->keep(warp, l, this->x_at(side));
    });
  }

  // h and x of the layer after l: the next stage's where it is not ours. Row tile 0 is warp
  // first_warp's.
  template <typename Multiply>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void update_phase(int l,
                                                         int side,
                                                         int first_warp,
                                                         const Multiply& product) {
    Quad* memory = l + 1 < last_ ? this->shared_ : memory_of(rank_ + 1);
    typename Base::Update update;
    update.l = l;
    update.h = this->shared_ + this->tile_.h[side];
    update.h_to = memory + this->tile_.h[side];
    update.lanes_to = memory;
    update.x_to = this->x_at(side);
    this->block_.warp_phase([&](Warp& warp) {
      for (int r = warp.index() - first_warp; r < this->residual_tiles();
           r += this->block_.warps()) {
        if (r >= 0) {
          Sums sums;
          this->begin_update(warp, sums, r, update);
          product(warp, sums, r);
          this->end_update(warp, sums, r, update);
        }
      }
    });
  }

  // A stage without layers (a network of fewer than there are stages) hands on what it got.
  ONDES_HOST_DEVICE void pass_through(int side, const Quad* h) {
    if (first_ < last_) {
      return;
    }
    Quad* memory = memory_of(rank_ + 1);
    this->block_.phase([&](int thread) {
      const int sums = this->residual_tiles() * kTiles * kWarpThreads;
      for (int i = thread; i < sums; i += this->block_.threads()) {
        (memory + this->tile_.h[side])[i] = h[i];
      }
      const int q = this->stretches_r() * kStretchQuads;
      for (int i = thread; i < kLanes * q; i += this->block_.threads()) {
        const int at = i / q * this->map_.quads + this->x_at(side) + i % q;
        memory[at] = this->shared_[at];
      }
    });
  }

  // --- skip and head ---------------------------------------------------------------------------
  ONDES_HOST_DEVICE void share_skip(int v) {
    const int side = v & 1;
    const bool last = rank_ + 1 == stages_;
    Quad* memory = memory_of(rank_ + 1);
    this->block_.warp_phase([&](Warp& warp) {
      for (int r = warp.index(); r < this->skip_tiles(); r += this->block_.warps()) {
        Sums sums;
        if (rank_ == 0) {
          this->begin_skip(warp, sums, r);
        } else {
          this->load(warp, sums, this->shared_ + this->tile_.skip[side], r);
        }
        for (int l = first_; l < last_; ++l) {
          this->multiply(warp, sums, skip_of(l) + r * row_tile_quads(tiles().skip),
                         this->stretches_g(), this->z_at(side, l - first_));
        }
        if (last) {
          this->end_skip(warp, sums, r, {memory, this->call_.head_map, side});
        } else {
          this->save(warp, sums, memory + this->tile_.skip[side], r);
        }
      }
    });
  }

  ONDES_HOST_DEVICE void finish_sample(int v, int t) {
    this->upper(this->skip_x_at(v & 1), held_);
    if (this->sampler_.kind != Distribution::gaussian) {
      this->choose();
    }
    const ScratchMap& map = this->call_.map;
    Quad* first_stage = memory_of(0) + map.misc + this->misc_offset_;
    this->block_.phase([&](int thread) {
      for (int j = thread; j < this->lanes_; j += this->block_.threads()) {
        this->finish_lane(j, t);
        auto& other = *reinterpret_cast<LaneMisc*>(first_stage + j * map.quads);
        other.last = this->misc(j).last;
        other.index = this->misc(j).index;
      }
    });
  }

  // The chain's weights of a stage, in registers: the first warps have the gates' row tiles, the next
  // ones the updates', each of every own layer.
  static constexpr bool kKeeps = kResidual > 0;
  static constexpr int kKeptStretches = tiles_of(kResidual, kStretch);
  static constexpr int kKeptTiles = kKeptStretches * kStretchTiles;
  struct Kept {
    typename Base::template Registers<TileA>
        tiles[static_cast<std::size_t>(kKeeps ? kKeptLayers * kKeptTiles : 1)];
  };

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void keep_weights() {
    this->block_.warp_phase([&](Warp& warp) {
      const bool gates = warp.index() < this->gate_tiles();
      const int r = gates ? warp.index() : warp.index() - this->gate_tiles();
      const TileMatrix& matrix = gates ? tiles().current : tiles().update;
      ONDES_UNROLL
      for (int i = 0; i < kKeptLayers; ++i) {
        const bool there = !head() && r < matrix.row_tiles && first_ + i < last_;
        const Quad* from = this->in_image(tiles_of_layer(matrix, there ? first_ + i : 0)) +
                           (there ? r : 0) * row_tile_quads(matrix);
        ONDES_UNROLL
        for (int s = 0; s < kKeptStretches; ++s) {
          this->load_weights(warp, kept_.of(warp).tiles + i * kKeptTiles + s * kStretchTiles,
                             from + s * kStretchTiles * kWarpThreads);
        }
      }
    });
  }

  typename Block::template PerWarp<Kept> kept_;
  int rank_;
  int stages_;
  int period_ = 1;
  Turn prepared_;  // what is prepared; a slot later its chain; then its skip sums, or the head
  Turn chained_;
  Turn ended_;
  int first_ = 0;  // own layers
  int last_ = 0;
  Quad* held_ = nullptr;  // own weights
};

}  // namespace ondes::gpu
