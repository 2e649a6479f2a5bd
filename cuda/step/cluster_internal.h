// The step kernel for the lowest latency: one thread-block cluster makes the samples of one lane.
//
// Idea and layout. The blocks of a cluster are stages of a pipeline along the layers, their weights
// in their own shared memory; the last block is the head. A sample is a fixed sequence of
// supersteps, a cluster barrier after each:
//
//   0             every stage: past taps and conditioning of its own layers; stage 0: h_0
//   s, 1..C-1     stage s-1: its layers, then h to the next stage's shared memory (distributed
//                 shared memory); stage s-2 meanwhile: its layers' share of the skip sums, to the
//                 head's shared memory
//   C             the last stage's share
//   C+1           the head: skip sums, head, output, the sample, x(t-1) to every stage
//
// So a lane alone meets C+2 cluster barriers a sample, the rest are a block's. Shares of the skip
// sums are one sum a layer, added in ascending order: integers give the CPU's bytes, f32 differs by
// rounding. Within a superstep a block reads of other blocks' memory nothing, and writes only what
// its owner touches in no phase of that superstep; the emulator runs the blocks of a superstep in
// either order. Assumed: all blocks of a cluster run at once (the hardware's promise), and stay
// until the last barrier, after which nobody writes to another.
// Any thread.
#pragma once
#include "cuda/step/kernel_internal.h"

namespace ondes::gpu {

// A Block here also has rank(), ranks() and peer(rank): that block's shared().
template <typename Arithmetic, int kResidual, typename Block>
class ClusterBody : public StepBody<Arithmetic, 1, kResidual, Block> {
  using Base = StepBody<Arithmetic, 1, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE ClusterBody(Block& block, const StepModelView& model, const StepCall& call)
      : Base(block, model, call), rank_(block.rank()), stages_(block.ranks() - 1) {
    first_ = first_layer(rank_);
    last_ = rank_ < stages_ ? first_layer(rank_ + 1) : first_;
    held_ = this->quads(0, this->map_.quads + quads_of(model.layers * model.skip, 4));
  }

  ONDES_HOST_DEVICE int supersteps() const { return stages_ + 3; }

  ONDES_HOST_DEVICE void enter() {
    Base::enter();
    this->block_.phase([&](int thread) {
      if (head()) {
        if (this->call_.cluster.head) {
          const int first = hold(thread, held_, this->model_.head_product, 0);
          hold(thread, held_ + first, this->model_.output_product, 0);
        }
        return;
      }
      for (int l = first_; l < last_; ++l) {
        Quad* to = held_ + (l - first_) * layer_quads();
        to += hold(thread, to, this->model_.current, l);
        to += hold(thread, to, this->model_.update, l);
        if (this->call_.cluster.skip) {
          to += hold_skip(thread, to, l);
        }
        if (this->call_.cluster.past && this->model_.taps > 1) {
          hold(thread, to, this->model_.past, l);
        }
      }
    });
  }

  ONDES_HOST_DEVICE void superstep(int t, int s) {
    if (s == 0) {
      prepare(t);
    } else if (s == rank_ + 1 && !head()) {
      chain();
    } else if (s == rank_ + 2 && !head()) {
      share_skip();
    } else if (s == stages_ + 2 && head()) {
      finish_sample(t);
    }
  }

  ONDES_HOST_DEVICE void leave() {
    if (head()) {
      Base::leave();
    }
  }

 private:
  using Product = typename Base::Product;
  using Sum = typename Arithmetic::Sum;

  ONDES_HOST_DEVICE bool head() const { return rank_ == stages_; }
  ONDES_HOST_DEVICE int first_layer(int rank) const {
    return static_cast<int>(static_cast<std::int64_t>(this->model_.layers) * rank / stages_);
  }

  // --- weights that a block holds --------------------------------------------------------------
  ONDES_HOST_DEVICE static int quads_in(const MatrixView& matrix) {
    return matrix.quads * matrix.outputs;
  }
  ONDES_HOST_DEVICE int skip_quads() const { return this->model_.quads_g * this->model_.skip; }
  ONDES_HOST_DEVICE int layer_quads() const {
    return quads_in(this->model_.current) + quads_in(this->model_.update) +
           (this->call_.cluster.skip ? skip_quads() : 0) +
           (this->call_.cluster.past ? quads_in(this->model_.past) : 0);
  }
  ONDES_HOST_DEVICE const Quad* held_layer(int l) const {
    return held_ + (l - first_) * layer_quads();
  }

  ONDES_HOST_DEVICE int hold(int thread, Quad* to, const MatrixView& first, int l) {
    const MatrixView matrix = matrix_of_layer(first, l);
    copy(thread, to, this->template at<Quad>(matrix.weights), quads_in(matrix));
    return quads_in(matrix);
  }
  ONDES_HOST_DEVICE int hold_skip(int thread, Quad* to, int l) {
    copy(thread, to, this->template at<Quad>(this->model_.skip_product.weights) + l * skip_quads(),
         skip_quads());
    return skip_quads();
  }
  ONDES_HOST_DEVICE void copy(int thread, Quad* to, const Quad* from, int count) {
    for (int i = thread; i < count; i += this->block_.threads()) {
      to[i] = from[i];
    }
  }

  // --- other blocks' memory --------------------------------------------------------------------
  ONDES_HOST_DEVICE Quad* peer(int rank, int offset) const {
    return reinterpret_cast<Quad*>(this->block_.peer(rank)) + offset;
  }
  ONDES_HOST_DEVICE LaneMisc& peer_misc(int rank) const {
    return *reinterpret_cast<LaneMisc*>(peer(rank, this->map_.misc));
  }

  // --- supersteps ------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void prepare(int t) {
    const int each = (this->model_.taps - 1) * this->quads_r();
    this->block_.phase([&](int thread) {
      if (thread == 0) {
        this->begin_lane(0, t);
      }
      for (int i = thread; rank_ == 0 && i < this->residual(); i += this->block_.threads()) {
        this->first_value(0, i, t);
      }
      for (int i = first_ * each + thread; i < last_ * each; i += this->block_.threads()) {
        this->fetch(0, i);
      }
    });
    const int rows = 2 * this->gate();
    const int before = quads_in(this->model_.current) + quads_in(this->model_.update) +
                       (this->call_.cluster.skip ? skip_quads() : 0);
    this->block_.phase([&](int thread) {
      for (int i = first_ * rows + thread; i < last_ * rows; i += this->block_.threads()) {
        const int l = i / rows;
        this->past_output(l, i % rows, this->call_.cluster.past ? held_layer(l) + before : nullptr);
      }
    });
  }

  ONDES_HOST_DEVICE void chain() {
    const int g = this->gate();
    const int r = this->residual();
    for (int l = first_; l < last_; ++l) {
      this->block_.phase([&](int thread) { this->ready_h(thread, l); });
      const Product tap = this->tap_of(l, held_layer(l));
      this->template multiply<Arithmetic>(tap);
      this->block_.phase([&](int thread) {
        for (int c = thread; c < g; c += this->block_.threads()) {
          this->gated(tap, l, 0, c);
        }
        if (thread == 0) {
          this->misc(0).h_max = 0;
        }
      });
      if (l + 1 == this->model_.layers) {
        return;
      }
      const Product update = this->update_of(l, held_layer(l) + quads_in(this->model_.current));
      this->template multiply<Arithmetic>(update);
      this->block_.phase([&](int thread) {
        for (int c = thread; c < r; c += this->block_.threads()) {
          const float change =
              this->template finished<Arithmetic>(update, 0, c, 1.0F / this->model_.levels);
          this->set_h(0, c, this->floats(0, this->h_at())[c] + change);
        }
      });
    }
    send_h();
  }

  ONDES_HOST_DEVICE void send_h() {
    if (rank_ + 1 == stages_) {
      return;
    }
    this->block_.phase([&](int thread) {
      auto* to = reinterpret_cast<float*>(peer(rank_ + 1, this->h_at()));
      for (int c = thread; c < this->residual(); c += this->block_.threads()) {
        to[c] = this->floats(0, this->h_at())[c];
      }
      if (thread == 0) {
        peer_misc(rank_ + 1).h_max = this->misc(0).h_max;
      }
    });
  }

  // Sums of each own layer and skip channel, to the head. h is not needed any more.
  ONDES_HOST_DEVICE void share_skip() {
    this->block_.phase([&](int thread) {
      if (thread == 0) {
        this->misc(0).h_max = 0;
      }
      const int outputs = this->model_.skip;
      const int inputs = this->model_.quads_g;
      auto* to = reinterpret_cast<Sum*>(peer(stages_, this->map_.quads));
      for (int i = first_ * outputs + thread; i < last_ * outputs; i += this->block_.threads()) {
        const int l = i / outputs;
        const Quad* weights =
            (this->call_.cluster.skip
                 ? held_layer(l) + quads_in(this->model_.current) + quads_in(this->model_.update)
                 : this->template at<Quad>(this->model_.skip_product.weights) + l * skip_quads()) +
            i % outputs;
        const Quad* z = this->quads(0, this->map_.z + l * inputs);
        Sum sum{0};
        ONDES_UNROLL_4
        for (int q = 0; q < inputs; ++q) {
          sum = Arithmetic::dot(weights[q * outputs], z[q], sum);
        }
        to[i] = sum;
      }
    });
  }

  ONDES_HOST_DEVICE void finish_sample(int t) {
    this->block_.phase([&](int thread) {
      for (int o = thread; o < this->model_.skip; o += this->block_.threads()) {
        const float value = larger(skip_sum(o), 0.0F);
        this->rectified(0, this->map_.skip, o, value, &LaneMisc::skip_max);
      }
    });
    const Quad* held = this->call_.cluster.head ? held_ : nullptr;
    this->upper(t, held, held != nullptr ? held + quads_in(this->model_.head_product) : nullptr);
    if (this->sampler_.kind != Distribution::gaussian) {
      this->choose();
    }
    this->finish(t);
    this->block_.phase([&](int thread) {
      for (int rank = thread; rank < stages_; rank += this->block_.threads()) {
        LaneMisc& other = peer_misc(rank);
        other.last = this->misc(0).last;
        other.index = this->misc(0).index;
        other.sample = this->misc(0).sample;
      }
    });
  }

  ONDES_HOST_DEVICE float skip_sum(int o) const {
    const int outputs = this->model_.skip;
    const auto* sums = reinterpret_cast<const Sum*>(this->quads(0, this->map_.quads)) + o;
    float value = this->template at<float>(this->model_.skip_bias)[o];
    if constexpr (Arithmetic::kInteger) {
      const MatrixView& m = this->model_.skip_product;
      const int chunk_layers = m.segment_quads / this->model_.quads_g;
      for (int first = 0; first < this->model_.layers; first += chunk_layers) {
        Sum sum{0};
        for (int l = first; l < smaller(first + chunk_layers, this->model_.layers); ++l) {
          sum += sums[l * outputs];
        }
        const float scale = this->template at<float>(m.scales)[first / chunk_layers * outputs + o] *
                            (1.0F / this->model_.levels);
        value = exact::fma(static_cast<float>(sum), scale, value);
      }
    } else {
      for (int l = 0; l < this->model_.layers; ++l) {
        value += sums[l * outputs];
      }
    }
    return value;
  }

  int rank_;
  int stages_;
  int first_ = 0;  // own layers
  int last_ = 0;
  Quad* held_ = nullptr;  // own weights
};

}  // namespace ondes::gpu
