// The head blocks of the step kernel across the chip (cuda/step_persistent_internal.h).
//
// Head block k of H makes its share of the skip sums' channels: all layers' z are one vector, as in
// StepBody. Integers are scaled by the largest of all channels, so shares are exchanged before they
// are scaled; likewise the head's. With one head block nothing is exchanged. The last product, the
// distribution and the sample are the last head block's. Any thread.
#pragma once
#include "cuda/step_persistent_internal.h"

namespace ondes::gpu {

template <typename Arithmetic, int kResidual, typename Block>
class PersistentHead : public PersistentPart<Arithmetic, kResidual, Block> {
  using Part = PersistentPart<Arithmetic, kResidual, Block>;
  using Product = typename Part::Product;
  using Base = StepBody<Arithmetic, 1, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE PersistentHead(Block& block, const StepModelView& model, const StepCall& call)
      : Part(block, model, call, call.persistent.head_map) {
    const int heads = call.persistent.heads;
    const int part = block.index() - call.persistent.stages;
    last_ = part == heads - 1;
    skip_ = share(model.skip, part, heads);
    head_ = share(model.head, part, heads);
    skip_.words = this->words_.skip;
    head_.words = this->words_.head;
    skip_.to = this->map_.skip;
    head_.to = this->map_.head;
    skip_.published = heads > 1;
    head_.published = !last_;
  }

  ONDES_HOST_DEVICE void enter() {
    this->enter_with([&](int thread) {
      const StepModelView& model = this->model_;
      hold_share(thread, this->held_, model.skip_product, skip_);
      hold_share(thread, held_head(), model.head_product, head_);
      if (last_) {
        this->hold(thread, held_output(), this->weights_of(model.output_product),
                   this->quads_in(model.output_product));
      }
    });
  }

  ONDES_HOST_DEVICE Progress advance() {
    if (this->done()) {
      return Progress::finished;
    }
    const Wait wait = step();
    if (wait == Wait::gave_up) {
      give_up();
      return Progress::finished;
    }
    return wait == Wait::ready ? Progress::moved : Progress::waiting;
  }

  ONDES_HOST_DEVICE void leave() {
    for (int j = 0; last_ && !gave_up_ && j < this->call_.lane_count; ++j) {
      this->set_lane(j);
      Base::leave();
    }
  }

 private:
  // This block's part of a vector that all head blocks make together.
  struct Share {
    int all = 0;
    int first = 0;
    int count = 0;
    int words = 0;  // where it is exchanged
    int to = 0;     // where it lies in scratch
    bool published = false;
  };

  ONDES_HOST_DEVICE static Share share(int outputs, int part, int parts) {
    Share made;
    made.all = outputs;
    made.first = PersistentShape::first_of(outputs, part, parts);
    made.count = PersistentShape::first_of(outputs, part + 1, parts) - made.first;
    return made;
  }
  ONDES_HOST_DEVICE void keep(const Share& of, int channel, float value) {
    this->rectified(0, of.to, channel, value,
                    of.words == skip_.words ? &LaneMisc::skip_max : &LaneMisc::head_max);
  }

  // --- weights ---------------------------------------------------------------------------------
  ONDES_HOST_DEVICE Quad* held_head() const {
    return this->held_ + this->model_.skip_product.quads * skip_.count;
  }
  ONDES_HOST_DEVICE Quad* held_output() const {
    return held_head() + this->model_.head_product.quads * head_.count;
  }
  // Columns of a matrix (quads, outputs), side by side.
  ONDES_HOST_DEVICE void hold_share(int thread, Quad* to, const MatrixView& m, const Share& share) {
    const Quad* from = this->weights_of(m) + share.first;
    for (int i = thread; i < m.quads * share.count; i += this->block_.threads()) {
      to[i] = from[i / share.count * m.outputs + i % share.count];
    }
  }

  // --- steps -----------------------------------------------------------------------------------
  ONDES_HOST_DEVICE Wait step() {
    Wait wait = Wait::ready;
    switch (this->step_) {
      case 0:
        this->block_.phase([&](int thread) {
          if (thread == 0) {
            this->begin_lane(0, this->t_);
          }
        });
        break;
      case 1:
        wait = receive_z();
        if (wait == Wait::ready) {
          skip_share();
        }
        break;
      case 2:
        wait = receive_others(skip_);
        if (wait == Wait::ready) {
          head_share();
        }
        break;
      default:
        wait = receive_others(head_);
        if (wait == Wait::ready) {
          finish_sample();
        }
        break;
    }
    if (wait == Wait::ready) {
      ++this->step_;
      if (this->step_ == (last_ ? 4 : 3)) {
        this->next_lane();
      }
    }
    return wait;
  }

  ONDES_HOST_DEVICE Wait receive_z() {
    const int g = this->gate();
    return this->await(this->model_.layers * g, this->words_.z, [&](int i, std::uint32_t bits) {
      Quad* z = this->quads(0, this->map_.z + i / g * this->model_.quads_g);
      set_vector_bits<Arithmetic>(z, i % g, bits);
    });
  }

  ONDES_HOST_DEVICE void skip_share() {
    const MatrixView& whole = this->model_.skip_product;
    const Product product = share_of(whole, skip_, this->map_.z, this->shape().head_slicing.skip,
                                     this->model_.skip_bias, this->held_);
    this->template multiply<Arithmetic>(product);
    rectify(product, whole, skip_, 1.0F / this->model_.levels);
  }

  ONDES_HOST_DEVICE void head_share() {
    if constexpr (Arithmetic::kInteger) {
      this->block_.phase(
          [&](int thread) { this->template ready_vector<Arithmetic>(thread, Base::Vector::skip); });
    }
    const MatrixView& whole = this->model_.head_product;
    const Product product =
        share_of(whole, head_, this->map_.skip_x, this->shape().head_slicing.head,
                 this->model_.head_bias, held_head());
    this->template multiply<Arithmetic>(product);
    rectify(product, whole, head_, this->scale_of(this->misc(0).skip_max, this->model_.levels));
  }

  ONDES_HOST_DEVICE void finish_sample() {
    last_product();
    if (this->sampler_.kind != Distribution::gaussian) {
      this->choose();
    }
    this->finish(this->t_);
    this->block_.phase([&](int thread) {
      if (thread == 0) {
        this->publish(0, std::bit_cast<std::uint32_t>(this->misc(0).last));
      }
    });
  }

  ONDES_HOST_DEVICE void last_product() {
    if constexpr (Arithmetic::kPrecision == Precision::i8) {
      if (this->model_.wide_output) {
        this->template output<I16Arithmetic>(this->t_, held_output());
        return;
      }
    }
    this->template output<Arithmetic>(this->t_, held_output());
  }

  // --- shares ----------------------------------------------------------------------------------
  ONDES_HOST_DEVICE Product share_of(const MatrixView& whole,
                                     const Share& share,
                                     int x,
                                     int slices,
                                     std::uint32_t bias,
                                     const Quad* held) const {
    MatrixView matrix = whole;
    matrix.outputs = share.count;
    return {matrix, x, slices, this->template at<float>(bias) + share.first, 0, held};
  }

  // As StepBody::finished(); the scales lie in the whole matrix's rows.
  ONDES_HOST_DEVICE float finished_share(
      const Product& product, const MatrixView& whole, int first, int o, float x_scale) const {
    if constexpr (Arithmetic::kInteger) {
      const auto* partials =
          reinterpret_cast<const std::int32_t*>(this->quads(0, this->map_.partials)) + o;
      const float* scales = this->template at<float>(whole.scales) + first + o;
      float value = product.starts[o];
      for (int segment = 0; segment < this->segments_of(whole); ++segment) {
        std::int32_t sum = 0;
        for (int s = 0; s < product.slices; ++s) {
          sum += partials[(segment * product.slices + s) * product.matrix.outputs];
        }
        value =
            exact::fma(static_cast<float>(sum), scales[segment * whole.outputs] * x_scale, value);
      }
      return value;
    } else {
      return this->template finished<Arithmetic>(product, 0, o, x_scale);
    }
  }

  // max(product, 0) of the own share: here and to the other head blocks. A phase.
  ONDES_HOST_DEVICE void rectify(const Product& product,
                                 const MatrixView& whole,
                                 const Share& share,
                                 float x_scale) {
    this->block_.phase([&](int thread) {
      for (int o = thread; o < share.count; o += this->block_.threads()) {
        const float value = larger(finished_share(product, whole, share.first, o, x_scale), 0.0F);
        if (share.published) {
          this->publish(share.words + share.first + o, std::bit_cast<std::uint32_t>(value));
        }
        keep(share, share.first + o, value);
      }
    });
  }

  ONDES_HOST_DEVICE Wait receive_others(const Share& own) {
    const auto channel = [&own](int i) { return i < own.first ? i : i + own.count; };
    return this->block_.await(
        own.all - own.count, this->number(),
        [&](int i) { return this->word(this->number(), own.words + channel(i)); },
        [&](int i, std::uint32_t bits) { keep(own, channel(i), std::bit_cast<float>(bits)); });
  }

  // --- giving up -------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void give_up() {
    gave_up_ = true;
    const int samples = this->call_.samples;
    const int first = this->t_;
    if (last_) {
      this->block_.phase([&](int thread) {
        const int each = samples - first;
        for (int i = thread; i < this->call_.lane_count * each; i += this->block_.threads()) {
          this->call_.output[i / each * samples + first + i % each] =
              std::numeric_limits<float>::quiet_NaN();
        }
      });
    }
    this->t_ = samples;
  }

  Share skip_;
  Share head_;
  bool last_ = false;
  bool gave_up_ = false;
};

}  // namespace ondes::gpu
