// The head blocks of the step kernel across the chip (cuda/step/persistent_internal.h).
//
// Head block k of H makes its share of the skip sums' channels: all layers' z are one vector, as in
// StepBody. Integers are scaled by the largest of all channels, so shares are exchanged before they
// are scaled; likewise the head's. The last product is the last head block's alone, or shared by all
// where it takes much of a block's memory. The distribution and the sample are the last head block's.
// With one head block nothing is exchanged. Any thread.
#pragma once
#include "cuda/step/persistent_internal.h"

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
    const bool outputs_too = call.persistent.shares_output;
    skip_ = share_of(Kind::skip, model.skip, part, heads);
    head_ = share_of(Kind::head, model.head, part, heads);
    output_ =
        share_of(Kind::output, model.outputs, outputs_too ? part : 0, outputs_too ? heads : 1);
    output_.count = outputs_too || last_ ? output_.count : 0;
    skip_.words = this->words_.skip;
    head_.words = this->words_.head;
    output_.words = this->words_.output;
    skip_.to = this->map_.skip;
    head_.to = this->map_.head;
    output_.to = this->map_.out;
    skip_.published = heads > 1;
    head_.published = outputs_too ? heads > 1 : !last_;
    output_.published = !last_;
  }

  ONDES_HOST_DEVICE void enter() {
    this->enter_with([&](int thread) {
      const StepModelView& model = this->model_;
      hold_share(thread, this->held_, model.skip_product, skip_);
      hold_share(thread, held_head(), model.head_product, head_);
      hold_share(thread, held_output(), model.output_product, output_);
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
  enum class Kind { skip, head, output };

  // This block's part of a vector that head blocks make together.
  struct Share {
    Kind kind = Kind::skip;
    int all = 0;
    int first = 0;
    int count = 0;
    int words = 0;  // where it is exchanged
    int to = 0;     // where it lies in scratch
    bool published = false;
  };

  ONDES_HOST_DEVICE static Share share_of(Kind kind, int outputs, int part, int parts) {
    Share made;
    made.kind = kind;
    made.all = outputs;
    made.first = PersistentShape::first_of(outputs, part, parts);
    made.count = PersistentShape::first_of(outputs, part + 1, parts) - made.first;
    return made;
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
      case 3:
        wait = receive_others(head_);
        if (wait == Wait::ready) {
          output_share();
        }
        break;
      default:
        wait = receive_others(output_);
        if (wait == Wait::ready) {
          finish_sample();
        }
        break;
    }
    if (wait == Wait::ready) {
      ++this->step_;
      if (this->step_ == (last_ ? 5 : (output_.count > 0 ? 4 : 3))) {
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
    const StepModelView& model = this->model_;
    make<Arithmetic>(skip_, model.skip_product,
                     {this->map_.z, this->shape().head_slicing.skip, model.skip_bias, this->held_,
                      1.0F / model.levels});
  }

  ONDES_HOST_DEVICE void head_share() {
    const StepModelView& model = this->model_;
    if constexpr (Arithmetic::kInteger) {
      this->block_.phase(
          [&](int thread) { this->template ready_vector<Arithmetic>(thread, Base::Vector::skip); });
    }
    make<Arithmetic>(head_, model.head_product,
                     {this->map_.skip_x, this->shape().head_slicing.head, model.head_bias,
                      held_head(), this->scale_of(this->misc(0).skip_max, model.levels)});
  }

  ONDES_HOST_DEVICE void output_share() {
    if constexpr (Arithmetic::kPrecision == Precision::i8) {
      if (this->model_.wide_output) {
        output_share_in<I16Arithmetic>();
        return;
      }
    }
    output_share_in<Arithmetic>();
  }
  template <typename A>
  ONDES_HOST_DEVICE void output_share_in() {
    const StepModelView& model = this->model_;
    if constexpr (A::kInteger) {
      this->block_.phase(
          [&](int thread) { this->template ready_vector<A>(thread, Base::Vector::head); });
    }
    make<A>(output_, model.output_product,
            {this->map_.head_x, this->shape().head_slicing.output, model.output_bias, held_output(),
             this->scale_of(this->misc(0).head_max, model.output_levels)});
  }

  ONDES_HOST_DEVICE void finish_sample() {
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

  // --- shares ----------------------------------------------------------------------------------
  struct Source {
    int x = 0;  // scratch offset of the inputs
    int slices = 1;
    std::uint32_t bias = 0;
    const Quad* held = nullptr;
    float x_scale = 1.0F;  // of the integers
  };

  // The own share of a product: here and to the other head blocks. Two phases.
  template <typename A>
  ONDES_HOST_DEVICE void make(const Share& share, const MatrixView& whole, const Source& source) {
    MatrixView matrix = whole;
    matrix.outputs = share.count;
    const float* bias = this->template at<float>(source.bias) + share.first;
    const Product product{matrix, source.x, source.slices, bias, 0, source.held};
    this->template multiply<A>(product);
    this->block_.phase([&](int thread) {
      for (int o = thread; o < share.count; o += this->block_.threads()) {
        float value = finished_share<A>(product, whole, share.first, o, source.x_scale);
        value = share.kind == Kind::output ? value : larger(value, 0.0F);
        if (share.published) {
          this->publish(share.words + share.first + o, std::bit_cast<std::uint32_t>(value));
        }
        keep(share, share.first + o, value);
      }
    });
  }

  // As StepBody::finished(); the scales lie in the whole matrix's rows.
  template <typename A>
  ONDES_HOST_DEVICE float finished_share(
      const Product& product, const MatrixView& whole, int first, int o, float x_scale) const {
    if constexpr (A::kInteger) {
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
      return this->template finished<A>(product, 0, o, x_scale);
    }
  }

  ONDES_HOST_DEVICE void keep(const Share& of, int channel, float value) {
    if (of.kind == Kind::output) {
      this->floats(0, of.to)[channel] = value;
    } else {
      this->rectified(0, of.to, channel, value,
                      of.kind == Kind::skip ? &LaneMisc::skip_max : &LaneMisc::head_max);
    }
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
  Share output_;
  bool last_ = false;
  bool gave_up_ = false;
};

}  // namespace ondes::gpu
