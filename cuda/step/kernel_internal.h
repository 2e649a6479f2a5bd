// The step kernel: one block makes all samples of a call for a group of lanes.
//
// Idea and layout. A block holds kLanes lanes; every weight it reads serves all of them. A
// sample is a fixed sequence of phases with a barrier after each (cuda/emulator.h):
//
//   begin     rows, random numbers, h_0; past vectors of all layers from the rings to scratch
//   past      acc = conditioning + past taps, all layers at once: none of it waits for this sample
//   a layer   current tap (sliced sums) | tanh * sigmoid | residual (sliced sums) | h, its maximum
//             | in integer precisions: h to integers | ...
//   head      skip of all layers at once, head, output: each sliced sums | their end
//   choice    maxima, exponentials, sums in rows of 16, as OutputSampler orders them
//   finish    the sample, its likelihood, x(t-1) of the next
//
// Assumed: history of a lane is read at the sample's beginning, before its own vector is written
// over the oldest; a lane is in one block of a launch; launches of a stream follow each other.
// Scratch lies in shared memory where it fits, else in global memory: __syncthreads() makes a
// block's writes visible to the block in both. Any thread.
#pragma once
#include <bit>
#include <cstdint>

#include "cuda/step/products_internal.h"

namespace ondes::gpu {

// kResidual > 0: R and G are this number, known to the compiler.
template <typename Arithmetic, int kLanes, int kResidual, typename Block>
class StepBody : public StepProducts<Arithmetic, kLanes, kResidual, Block> {
  using Base = StepProducts<Arithmetic, kLanes, kResidual, Block>;

 public:
  ONDES_HOST_DEVICE StepBody(Block& block, const StepModelView& model, const StepCall& call)
      : StepBody(block, model, call, call.map) {}
  ONDES_HOST_DEVICE StepBody(Block& block,
                             const StepModelView& model,
                             const StepCall& call,
                             const ScratchMap& map)
      : Base(block, model, call, map) {}

  ONDES_HOST_DEVICE void run() {
    enter();
    for (int t = 0; t < call_.samples; ++t) {
      begin(t);
      past();
      for (int l = 0; l < model_.layers; ++l) {
        layer(l, t);
      }
      top(t);
      if (sampler_.kind != Distribution::gaussian) {
        choose();
      }
      finish(t);
    }
    leave();
  }

 protected:
  using Base::begin_lane;
  using Base::block_;
  using Base::call_;
  using Base::choose;
  using Base::enter;
  using Base::finish;
  using Base::first_lane_;
  using Base::floats;
  using Base::gate;
  using Base::input_base;
  using Base::input_value;
  using Base::lanes_;
  using Base::leave;
  using Base::map_;
  using Base::misc;
  using Base::model_;
  using Base::past_output;
  using Base::probe_lane;
  using Base::probe_row;
  using Base::probed;
  using Base::quads;
  using Base::quads_r;
  using Base::residual;
  using Base::ring;
  using Base::ring_at;
  using Base::sampler_;
  using Base::tap_of;
  using Base::update_of;
  using typename Base::Product;

  // --- before the chain ------------------------------------------------------------------------
  ONDES_HOST_DEVICE void begin(int t) {
    block_.phase([&](int thread) {
      for (int j = thread; j < lanes_; j += block_.threads()) {
        begin_lane(j, t);
      }
      const int r = residual();
      for (int i = thread; i < lanes_ * r; i += block_.threads()) {
        first_value(i / r, i % r, t);
      }
      const int each = model_.layers * (model_.taps - 1) * quads_r();
      for (int i = thread; i < lanes_ * each; i += block_.threads()) {
        fetch(i / each, i % each);
      }
    });
  }

  ONDES_HOST_DEVICE void first_value(int j, int r, int t) {
    set_h(j, r, input_value(j, r, input_base(j, r, t)));
  }

  ONDES_HOST_DEVICE void set_h(int j, int r, float h) {
    if constexpr (Arithmetic::kInteger) {
      floats(j, map_.h)[r] = h;
      raise_maximum(&misc(j).h_max, std::fabs(h));
    } else {
      floats(j, h_at())[r] = h;
      put_x(j, r, h);
    }
  }

  // Where h is kept in floats: beside the vector that a product reads, or as it.
  ONDES_HOST_DEVICE int h_at() const { return Arithmetic::kPlain ? map_.x : map_.h; }
  ONDES_HOST_DEVICE void put_x(int j, int r, float h) {
    if constexpr (!Arithmetic::kInteger && !Arithmetic::kPlain) {
      Arithmetic::put(quads(j, map_.x), r, h);
    }
  }

  ONDES_HOST_DEVICE void fetch(int j, int i) {
    const int q = quads_r();
    const int older = model_.taps - 1;
    const int tap = i / q;  // (layer, tap)
    const int l = tap / older;
    const int back = (older - tap % older) * this->template at<int>(model_.dilations)[l];
    quads(j, map_.past)[i] = ring(j, l, back)[i % q];
    if (Arithmetic::kInteger && i % q == 0) {
      floats(j, map_.past_scale)[tap] = call_.slots.ring_scales[ring_at(j, l, back)];
    }
  }

  // acc of every layer, and h_0 ready for the first product.
  ONDES_HOST_DEVICE void past() {
    block_.phase([&](int thread) {
      const int rows = 2 * gate();
      for (int i = thread; i < model_.layers * rows; i += block_.threads()) {
        past_output(i / rows, i % rows, nullptr);
      }
      ready_h(thread, 0);
    });
  }

  // h of layer l as its products read it, in scratch and in the ring. Part of a phase.
  ONDES_HOST_DEVICE void ready_h(int thread, int l) {
    const int r = residual();
    for (int i = thread; i < lanes_ * r; i += block_.threads()) {
      const int j = i / r;
      const int c = i % r;
      if constexpr (Arithmetic::kInteger) {
        const float largest = larger(kSmallestMaximum, std::bit_cast<float>(misc(j).h_max));
        const auto q =
            static_cast<std::int32_t>(round_even(floats(j, map_.h)[c] * (model_.levels / largest)));
        Arithmetic::store(quads(j, map_.x), c, q);
        Arithmetic::store(ring(j, l, 0), c, q);
        if (c == 0) {
          misc(j).x_scale = largest * (1.0F / model_.levels);
          call_.slots.ring_scales[ring_at(j, l, 0)] = misc(j).x_scale;
        }
      } else {
        const float h = floats(j, h_at())[c];
        put_x(j, c, h);  // another block may have left h alone
        Arithmetic::put(ring(j, l, 0), c, h);
      }
    }
  }

  // --- the chain -------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void layer(int l, int t) {
    const int g = gate();
    if (call_.probe != nullptr) {
      probe_h(l, t);
    }
    const Product tap = tap_of(l);
    this->template multiply<Arithmetic>(tap);
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * g; i += block_.threads()) {
        gated(tap, l, i / g, i % g);
      }
      for (int j = thread; j < lanes_; j += block_.threads()) {
        misc(j).h_max = 0;  // read in the phase before, raised in the one after next
      }
    });
    if (l + 1 == model_.layers) {
      return;  // nothing reads the h that would follow
    }
    const int r = residual();
    const Product update = update_of(l);
    this->template multiply<Arithmetic>(update);
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * r; i += block_.threads()) {
        const int j = i / r;
        const int c = i % r;
        const float change =
            this->template finished<Arithmetic>(update, j, c, 1.0F / model_.levels);
        const float h = floats(j, h_at())[c] + change;
        set_h(j, c, h);
        if constexpr (!Arithmetic::kInteger) {
          Arithmetic::put(ring(j, l + 1, 0), c, h);
        }
      }
    });
    if constexpr (Arithmetic::kInteger) {
      block_.phase([&](int thread) { ready_h(thread, l + 1); });
    }
  }

  ONDES_HOST_DEVICE void gated(const Product& tap, int l, int j, int c) {
    const int g = gate();
    const float filter = this->template finished<Arithmetic>(tap, j, c, misc(j).x_scale);
    const float gating = this->template finished<Arithmetic>(tap, j, g + c, misc(j).x_scale);
    Quad* z = quads(j, map_.z + l * model_.quads_g);
    if constexpr (Arithmetic::kInteger) {
      const float* table = this->template at<float>(model_.tanh_table);
      const float value = table_tanh(table, filter) * table_sigmoid(table, gating);
      Arithmetic::store(z, c, static_cast<std::int32_t>(round_even(value * model_.levels)));
    } else if constexpr (Arithmetic::kPlain) {
      Arithmetic::put(z, c, exact::tanh(filter) * exact::sigmoid(gating));
    } else {
      Arithmetic::put(z, c, gated_value(filter, gating));
    }
  }

  // --- the head --------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void top(int t) {
    const Product skip{model_.skip_product, map_.z, call_.slicing.skip,
                       this->template at<float>(model_.skip_bias), 0};
    this->template multiply<Arithmetic>(skip);
    rectify(skip, map_.skip, &LaneMisc::skip_max, [&](int) { return 1.0F / model_.levels; });
    upper(t);
  }

  // From the rectified skip sums to the outputs. The last two products may be held elsewhere.
  ONDES_HOST_DEVICE void upper(int t,
                               const Quad* held_head = nullptr,
                               const Quad* held_output = nullptr) {
    if constexpr (Arithmetic::kInteger) {
      block_.phase([&](int thread) { ready_vector<Arithmetic>(thread, Vector::skip); });
    }
    const Product head{model_.head_product,
                       map_.skip_x,
                       call_.slicing.head,
                       this->template at<float>(model_.head_bias),
                       0,
                       held_head};
    this->template multiply<Arithmetic>(head);
    rectify(head, map_.head, &LaneMisc::head_max,
            [&](int j) { return scale_of(misc(j).skip_max, model_.levels); });
    if constexpr (Arithmetic::kPrecision == Precision::i8) {
      if (model_.wide_output) {
        output<I16Arithmetic>(t, held_output);
        return;
      }
    }
    output<Arithmetic>(t, held_output);
  }

  ONDES_HOST_DEVICE static float scale_of(std::uint32_t maximum, float levels) {
    return larger(kSmallestMaximum, std::bit_cast<float>(maximum)) * (1.0F / levels);
  }

  // max(product, 0) to `to`. A phase.
  template <typename Scale>
  ONDES_HOST_DEVICE void rectify(const Product& product,
                                 int to,
                                 std::uint32_t LaneMisc::*maximum,
                                 const Scale& x_scale) {
    block_.phase([&](int thread) {
      const int outputs = product.matrix.outputs;
      for (int i = thread; i < lanes_ * outputs; i += block_.threads()) {
        const int j = i / outputs;
        const float value =
            larger(this->template finished<Arithmetic>(product, j, i % outputs, x_scale(j)), 0.0F);
        rectified(j, to, i % outputs, value, maximum);
      }
    });
  }

  // Integers wait for the largest of all; else the next product reads it where it is put.
  ONDES_HOST_DEVICE void rectified(
      int j, int to, int index, float value, std::uint32_t LaneMisc::*maximum) {
    if constexpr (Arithmetic::kInteger) {
      floats(j, to)[index] = value;
      raise_maximum(&(misc(j).*maximum), value);
    } else {
      Arithmetic::put(quads(j, to), index, value);
    }
  }

  enum class Vector { skip, head };

  // Rectified sums to integers. Part of a phase.
  template <typename A>
  ONDES_HOST_DEVICE void ready_vector(int thread, Vector which) {
    const bool skip = which == Vector::skip;
    const int count = skip ? model_.skip : model_.head;
    const float levels = skip ? model_.levels : model_.output_levels;
    for (int i = thread; i < lanes_ * count; i += block_.threads()) {
      const int j = i / count;
      const float largest = larger(
          kSmallestMaximum, std::bit_cast<float>(skip ? misc(j).skip_max : misc(j).head_max));
      const float value = floats(j, skip ? map_.skip : map_.head)[i % count];
      A::store(quads(j, skip ? map_.skip_x : map_.head_x), i % count,
               static_cast<std::int32_t>(round_even(value * (levels / largest))));
    }
  }

  template <typename A>
  ONDES_HOST_DEVICE void output(int t, const Quad* held) {
    if constexpr (A::kInteger) {
      block_.phase([&](int thread) { ready_vector<A>(thread, Vector::head); });
    }
    const Product last{model_.output_product,
                       map_.head_x,
                       call_.slicing.output,
                       this->template at<float>(model_.output_bias),
                       0,
                       held};
    this->template multiply<A>(last);
    block_.phase([&](int thread) {
      const int outputs = model_.outputs;
      for (int i = thread; i < lanes_ * outputs; i += block_.threads()) {
        const int j = i / outputs;
        floats(j, map_.out)[i % outputs] = this->template finished<A>(
            last, j, i % outputs, scale_of(misc(j).head_max, model_.output_levels));
      }
    });
    if (call_.probe != nullptr) {
      probe_top(t);
    }
  }

  // --- looking inside --------------------------------------------------------------------------
  ONDES_HOST_DEVICE void probe_h(int l, int t) {
    block_.phase([&](int thread) {
      for (int c = thread; probed() && c < residual(); c += block_.threads()) {
        probe_row(t)[l * residual() + c] = floats(probe_lane(), h_at())[c];
      }
    });
  }

  ONDES_HOST_DEVICE void probe_top(int t) {
    block_.phase([&](int thread) {
      const int g = gate();
      for (int i = thread; probed() && i < model_.layers * g; i += block_.threads()) {
        const Quad* z = quads(probe_lane(), map_.z + i / g * model_.quads_g);
        probe_row(t)[model_.layers * residual() + i] = z_value(z, i % g);
      }
      for (int o = thread; probed() && o < model_.outputs; o += block_.threads()) {
        probe_row(t)[model_.layers * (residual() + g) + o] = floats(probe_lane(), map_.out)[o];
      }
    });
  }

  ONDES_HOST_DEVICE float z_value(const Quad* z, int c) const {
    if constexpr (Arithmetic::kPrecision == Precision::i8) {
      return static_cast<float>(reinterpret_cast<const std::int8_t*>(z)[c]) *
             (1.0F / model_.levels);
    } else if constexpr (Arithmetic::kPrecision == Precision::i16) {
      return static_cast<float>(reinterpret_cast<const std::int16_t*>(z)[c]) *
             (1.0F / model_.levels);
    } else if constexpr (Arithmetic::kPrecision == Precision::f16) {
      return half_to_float(reinterpret_cast<const std::uint16_t*>(z)[c]);
    } else {
      return reinterpret_cast<const float*>(z)[c];
    }
  }
};

}  // namespace ondes::gpu
