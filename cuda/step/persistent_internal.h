// The step kernel across the chip: every block owns a part of the model, its weights in shared
// memory for the whole launch, and waits for nothing but the words it needs. For devices without
// clusters, and for models whose chain does not fit one.
//
// Idea and layout. After the persistent kernel of nv-wavenet (NVIDIA, 2018), with words that carry
// their own readiness (cuda/step/persistent_words_internal.h) instead of locks:
//
//   stage s       its layers in order: past taps and conditioning before h is there; then current
//                 tap, gates (z goes to all head blocks), residual; h to stage s+1
//   head block k  a share of the skip sums' channels over all layers, then of the head's outputs;
//                 shares are exchanged between the head blocks
//   the last one  also the output product, the sample, x to stage 0
//
// Lanes follow each other through the stages: every block takes (sample, lane) in the same order,
// lanes within a sample, so that lane j is in one stage while lane j+1 is in the stage before. No
// block can wait for ever: a (sample, lane) needs only itself in blocks before this one, and its
// lane's sample before.
//
// A block is a sequence of steps, each of which may find that words are not there yet: on a GPU the
// threads of a block wait in place, each for its own words; the emulator
// (cuda/step/persistent_emulator.h) lets other blocks run meanwhile, in any interleaving, with words
// becoming visible in any order.
//
// Assumed: all blocks run at once (a cooperative launch, one block a multiprocessor); aligned 64-bit
// stores and loads are whole; a stored word becomes visible in finite time. Memory that is not words
// is a block's own: a layer's ring is its stage's. Exception: the states of slots, which the last
// head block writes after the last sample, when every block has read them. A block whose words do
// not come gives up after so many looks, and those that wait for it give up after it; the last head
// block then makes NaN of the samples that are left, which the runner takes for a failure of the
// device. Any thread.
#pragma once
#include <limits>

#include "cuda/step/kernel_internal.h"
#include "cuda/step/persistent_words_internal.h"

namespace ondes::gpu {

enum class Progress { moved, waiting, finished };

// A value of a vector as 32 bits: the integer itself, or the number's bits. Read and written as the
// type that the arithmetic writes and reads, so that a compiler sees that they are the same.
template <typename Arithmetic>
ONDES_HOST_DEVICE std::uint32_t vector_bits(const Quad* vector, int c) {
  if constexpr (Arithmetic::kPrecision == Precision::i8) {
    return static_cast<std::uint32_t>(reinterpret_cast<const std::int8_t*>(vector)[c]);
  } else if constexpr (Arithmetic::kPrecision == Precision::i16) {
    return static_cast<std::uint32_t>(reinterpret_cast<const std::int16_t*>(vector)[c]);
  } else if constexpr (Arithmetic::kPrecision == Precision::f16) {
    return reinterpret_cast<const std::uint16_t*>(vector)[c];
  } else {
    return std::bit_cast<std::uint32_t>(reinterpret_cast<const float*>(vector)[c]);
  }
}

template <typename Arithmetic>
ONDES_HOST_DEVICE void set_vector_bits(Quad* vector, int c, std::uint32_t bits) {
  if constexpr (Arithmetic::kInteger) {
    Arithmetic::store(vector, c, static_cast<std::int32_t>(bits));
  } else if constexpr (Arithmetic::kPrecision == Precision::f16) {
    reinterpret_cast<std::uint16_t*>(vector)[c] = static_cast<std::uint16_t>(bits);
  } else {
    reinterpret_cast<float*>(vector)[c] = std::bit_cast<float>(bits);
  }
}

// The scratch of a stage whose first layer is `first`. StepBody finds layer l's part at the l-th
// place: shifted so that the first own layer's is at the map's beginning, or up to three floats
// behind it.
struct StageMap {
  ONDES_HOST_DEVICE StageMap(const StepModelView& model, const ScratchMap& map, int first)
      : stage_map(map) {
    const int older = model.taps - 1;
    stage_map.acc -= first * 2 * model.gate / 4;
    stage_map.past -= first * older * model.quads_r;
    stage_map.past_scale -= first * older / 4;
    stage_map.z -= first * model.quads_g;
  }
  ScratchMap stage_map;
};

// What stages and head blocks share: the order of samples and lanes, words, giving up.
// A Block here also has publish(word, value), and await(count, sample, at, take): that waits for the
// words at(i), i < count, of a sample, gives their bits to take(i, bits), each in some thread, and
// ends with a barrier.
template <typename Arithmetic, int kResidual, typename Block>
class PersistentPart : public StepBody<Arithmetic, 1, kResidual, Block> {
  using Base = StepBody<Arithmetic, 1, kResidual, Block>;

 protected:
  using Product = typename Base::Product;

  ONDES_HOST_DEVICE PersistentPart(Block& block,
                                   const StepModelView& model,
                                   const StepCall& call,
                                   const ScratchMap& map)
      : Base(block, model, call, map), words_(model, call.persistent) {
    this->lanes_ = 1;
    held_ = this->quads(0, this->map_.quads);
    set_lane(0);
  }

  ONDES_HOST_DEVICE const PersistentShape& shape() const { return this->call_.persistent; }

  // --- samples and lanes -----------------------------------------------------------------------
  ONDES_HOST_DEVICE bool done() const { return t_ == this->call_.samples; }
  ONDES_HOST_DEVICE void next_lane() {
    step_ = 0;
    set_lane(this->first_lane_ + 1);
    if (this->first_lane_ == this->call_.lane_count) {
      set_lane(0);
      ++t_;
    }
  }
  ONDES_HOST_DEVICE void set_lane(int lane) {
    this->first_lane_ = lane;
    this->misc_offset_ = lane * kQuadsOfMisc;
  }

  // Scratch, and where every lane is. hold(thread) copies the block's weights.
  template <typename Hold>
  ONDES_HOST_DEVICE void enter_with(const Hold& hold) {
    this->block_.phase([&](int thread) {
      for (int i = thread; i < this->map_.quads; i += this->block_.threads()) {
        this->scratch_[i] = Quad{{0, 0, 0, 0}};
      }
      hold(thread);
    });
    for (int j = 0; j < this->call_.lane_count; ++j) {
      set_lane(j);
      this->block_.phase([&](int thread) { this->enter_lanes(thread); });
    }
    set_lane(0);
  }

  // --- words -----------------------------------------------------------------------------------
  ONDES_HOST_DEVICE std::uint32_t number() const { return static_cast<std::uint32_t>(t_) + 1; }
  // The words of this lane's sample `number`.
  ONDES_HOST_DEVICE Word* word(std::uint32_t number, int index) const {
    return this->call_.words + words_.first(this->first_lane_, number) + index;
  }
  ONDES_HOST_DEVICE void publish(int index, std::uint32_t bits) {
    this->block_.publish(word(number(), index), make_word(bits, number()));
  }
  // Waits for this sample's words from index `first` on.
  template <typename Take>
  ONDES_HOST_DEVICE Wait await(int count, int first, const Take& take) {
    return this->block_.await(
        count, number(), [&](int i) { return word(number(), first + i); }, take);
  }

  ONDES_HOST_DEVICE void hold(int thread, Quad* to, const Quad* from, int count) {
    for (int i = thread; i < count; i += this->block_.threads()) {
      to[i] = from[i];
    }
  }
  ONDES_HOST_DEVICE const Quad* weights_of(const MatrixView& matrix) const {
    return this->template at<Quad>(matrix.weights);
  }
  ONDES_HOST_DEVICE static int quads_in(const MatrixView& matrix) {
    return matrix.quads * matrix.outputs;
  }

  WordMap words_;
  Quad* held_ = nullptr;  // own weights
  int t_ = 0;             // of the call
  int step_ = 0;          // of (t_, lane)
};

// A stage of the pipeline: layers [first_, end_).
template <typename Arithmetic, int kResidual, typename Block>
class PersistentStage : private StageMap, public PersistentPart<Arithmetic, kResidual, Block> {
  using Part = PersistentPart<Arithmetic, kResidual, Block>;
  using Product = typename Part::Product;

 public:
  ONDES_HOST_DEVICE PersistentStage(Block& block, const StepModelView& model, const StepCall& call)
      : StageMap(model, call.map, first_layer(model, call, block.index())),
        Part(block, model, call, StageMap::stage_map),
        stage_(block.index()) {
    first_ = first_layer(model, call, stage_);
    end_ = first_layer(model, call, stage_ + 1);
  }

  ONDES_HOST_DEVICE void enter() {
    this->enter_with([&](int thread) {
      for (int l = first_; l < end_; ++l) {
        Quad* to = this->held_ + (l - first_) * layer_quads();
        const StepModelView& model = this->model_;
        to += hold_layer(thread, to, model.current, l);
        to += hold_layer(thread, to, model.update, l);
        if (holds_past()) {
          hold_layer(thread, to, model.past, l);
        }
      }
    });
  }

  ONDES_HOST_DEVICE Progress advance() {
    if (this->done()) {
      return Progress::finished;
    }
    if (this->step_ == 0) {
      prepare();
      this->step_ = 1;
      return Progress::moved;
    }
    const Wait wait = receive();
    if (wait != Wait::ready) {
      this->t_ = wait == Wait::gave_up ? this->call_.samples : this->t_;
      return wait == Wait::gave_up ? Progress::finished : Progress::waiting;
    }
    for (int l = first_; l < end_; ++l) {
      layer(l);
    }
    this->next_lane();
    return Progress::moved;
  }

  ONDES_HOST_DEVICE void leave() {}

 private:
  ONDES_HOST_DEVICE static int first_layer(const StepModelView& model,
                                           const StepCall& call,
                                           int stage) {
    return PersistentShape::first_of(model.layers, stage, call.persistent.stages);
  }
  ONDES_HOST_DEVICE bool holds_past() const {
    return this->shape().holds_past && this->model_.taps > 1;
  }
  ONDES_HOST_DEVICE int past_at() const {
    return this->quads_in(this->model_.current) + this->quads_in(this->model_.update);
  }
  ONDES_HOST_DEVICE int layer_quads() const {
    return past_at() + (holds_past() ? this->quads_in(this->model_.past) : 0);
  }
  ONDES_HOST_DEVICE const Quad* held_layer(int l) const {
    return this->held_ + (l - first_) * layer_quads();
  }
  ONDES_HOST_DEVICE int hold_layer(int thread, Quad* to, const MatrixView& first, int l) {
    const MatrixView matrix = matrix_of_layer(first, l);
    this->hold(thread, to, this->weights_of(matrix), this->quads_in(matrix));
    return this->quads_in(matrix);
  }

  // What needs nothing of this sample: rows, past taps, conditioning.
  ONDES_HOST_DEVICE void prepare() {
    const int each = (this->model_.taps - 1) * this->quads_r();
    this->block_.phase([&](int thread) {
      if (thread == 0) {
        this->begin_lane(0, this->t_);
        this->misc(0).h_max = 0;
      }
      for (int i = first_ * each + thread; i < end_ * each; i += this->block_.threads()) {
        this->fetch(0, i);
      }
    });
    const int rows = 2 * this->gate();
    this->block_.phase([&](int thread) {
      for (int i = first_ * rows + thread; i < end_ * rows; i += this->block_.threads()) {
        const int l = i / rows;
        this->past_output(l, i % rows, holds_past() ? held_layer(l) + past_at() : nullptr);
      }
    });
  }

  // h: from the stage before, or made here of x(t-1).
  ONDES_HOST_DEVICE Wait receive() {
    if (stage_ > 0) {
      return this->await(
          this->residual(), this->words_.h + stage_ * this->residual(),
          [&](int c, std::uint32_t bits) { this->set_h(0, c, std::bit_cast<float>(bits)); });
    }
    if (this->t_ > 0) {
      const std::uint32_t before = this->number() - 1;
      const Wait wait = this->block_.await(
          1, before, [&](int) { return this->word(before, 0); },
          [&](int, std::uint32_t bits) {
            LaneMisc& own = this->misc(0);
            own.last = std::bit_cast<float>(bits);
            own.index = this->model_.embedded ? class_of(this->sampler_, own.last) : 0;
          });
      if (wait != Wait::ready) {
        return wait;
      }
    }
    this->block_.phase([&](int thread) {
      for (int c = thread; c < this->residual(); c += this->block_.threads()) {
        this->first_value(0, c, this->t_);
      }
    });
    return Wait::ready;
  }

  ONDES_HOST_DEVICE void layer(int l) {
    const int g = this->gate();
    this->block_.phase([&](int thread) { this->ready_h(thread, l); });
    const Product tap = this->tap_of(l, held_layer(l));
    this->template multiply<Arithmetic>(tap);
    this->block_.phase([&](int thread) {
      const Quad* z = this->quads(0, this->map_.z + l * this->model_.quads_g);
      for (int c = thread; c < g; c += this->block_.threads()) {
        this->gated(tap, l, 0, c);
        this->publish(this->words_.z + l * g + c, vector_bits<Arithmetic>(z, c));
      }
      if (thread == 0) {
        this->misc(0).h_max = 0;
        this->misc(0).sample += l + 1 == end_ ? 1U : 0U;  // rings are not looked at any more
      }
    });
    if (l + 1 < this->model_.layers) {
      update(l);
    }
  }

  // h of layer l+1, here or in the next stage.
  ONDES_HOST_DEVICE void update(int l) {
    const int r = this->residual();
    const Product product =
        this->update_of(l, held_layer(l) + this->quads_in(this->model_.current));
    this->template multiply<Arithmetic>(product);
    this->block_.phase([&](int thread) {
      const float* before = this->floats(0, this->h_at());
      for (int c = thread; c < r; c += this->block_.threads()) {
        const float h = before[c] + this->template finished<Arithmetic>(product, 0, c,
                                                                        1.0F / this->model_.levels);
        if (l + 1 == end_) {
          this->publish(this->words_.h + (stage_ + 1) * r + c, std::bit_cast<std::uint32_t>(h));
        } else {
          this->set_h(0, c, h);
        }
      }
    });
  }

  int stage_;
  int first_ = 0;
  int end_ = 0;
};

}  // namespace ondes::gpu
