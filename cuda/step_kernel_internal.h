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
// A product's inputs are cut into slices so that its outputs occupy the block; slice sums end in
// scratch and are added in ascending order. Integers: exact in any order, so i8 and i16 give the
// CPU's bytes. f32: slice 0 begins at the product's start value; with one slice a product is the
// CPU's sum to the last bit, with more it differs by rounding.
//
// Assumed: history of a lane is read at the sample's beginning, before its own vector is written
// over the oldest; a lane is in one block of a launch; launches of a stream follow each other.
// Scratch lies in shared memory where it fits, else in global memory: __syncthreads() makes a
// block's writes visible to the block in both. The file is long because it is one class: a kernel's
// phases, in their order, over one scratch. Any thread.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cuda/step_arithmetic_internal.h"
#include "cuda/step_call_internal.h"
#include "cuda/step_math.h"
#include "engine/host_device.h"

#if defined(__CUDA_ARCH__)
#define ONDES_UNROLL _Pragma("unroll")
#define ONDES_UNROLL_4 _Pragma("unroll 4")
#else
#define ONDES_UNROLL
#define ONDES_UNROLL_4
#endif

namespace ondes::gpu {

// What a lane keeps from phase to phase.
struct LaneMisc {
  std::uint32_t h_max = 0;  // bits of max |h|; likewise below
  std::uint32_t skip_max = 0;
  std::uint32_t head_max = 0;
  float x_scale = 0.0F;  // of h as the current product reads it
  float last = 0.0F;
  float u0 = 0.0F;
  float u1 = 0.0F;
  int row = -1;   // of the call, in force; -1: the slot's
  int index = 0;  // class of `last`
  std::uint32_t sample = 0;
};
static_assert(sizeof(LaneMisc) <= 48);

// kResidual > 0: R and G are this number, known to the compiler.
template <typename Arithmetic, int kLanes, int kResidual, typename Block>
class StepBody {
 public:
  ONDES_HOST_DEVICE StepBody(Block& block, const StepModelView& model, const StepCall& call)
      : block_(block), model_(model), call_(call), map_(call.map) {
    first_lane_ = block.index() * kLanes;
    lanes_ = smaller(kLanes, call.lane_count - first_lane_);
    resident_ = block.shared();
    scratch_ = call.scratch != nullptr
                   ? reinterpret_cast<Quad*>(call.scratch) +
                         static_cast<std::size_t>(block.index()) * kLanes *
                             static_cast<std::size_t>(map_.quads)
                   : reinterpret_cast<Quad*>(block.shared() + call.resident_bytes);
    sampler_ = model.sampler;
    sampler_.decoded = at<float>(model.decoded);
    sampler_.log_class_bins = at<float>(model.log_class_bins);
  }

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
  using Sum = typename Arithmetic::Sum;

  // --- where things are ------------------------------------------------------------------------
  template <typename T>
  ONDES_HOST_DEVICE const T* at(std::uint32_t offset) const {
    const std::byte* base = offset < call_.resident_bytes ? resident_ : call_.image;
    return reinterpret_cast<const T*>(base + offset);
  }
  ONDES_HOST_DEVICE Quad* quads(int lane, int offset) const {
    return scratch_ + lane * map_.quads + offset;
  }
  ONDES_HOST_DEVICE float* floats(int lane, int offset) const {
    return reinterpret_cast<float*>(quads(lane, offset));
  }
  ONDES_HOST_DEVICE LaneMisc& misc(int lane) const {
    return *reinterpret_cast<LaneMisc*>(quads(lane, map_.misc));
  }
  ONDES_HOST_DEVICE const DeviceLane& lane(int j) const { return call_.lanes[first_lane_ + j]; }
  ONDES_HOST_DEVICE int residual() const { return kResidual > 0 ? kResidual : model_.residual; }
  ONDES_HOST_DEVICE int gate() const { return kResidual > 0 ? kResidual : model_.gate; }
  ONDES_HOST_DEVICE int quads_r() const {
    return kResidual > 0 ? quads_of(kResidual, values_per_quad(Arithmetic::kPrecision))
                         : model_.quads_r;
  }
  // Index of a vector in the slot arrays: that of layer l, `back` samples ago.
  ONDES_HOST_DEVICE std::size_t ring_at(int j, int l, int back) const {
    const std::uint32_t within = (misc(j).sample - static_cast<std::uint32_t>(back)) &
                                 static_cast<std::uint32_t>(at<int>(model_.ring_mask)[l]);
    return static_cast<std::size_t>(lane(j).slot) * static_cast<std::size_t>(model_.ring_vectors) +
           static_cast<std::size_t>(at<int>(model_.ring_first)[l]) + within;
  }
  ONDES_HOST_DEVICE Quad* ring(int j, int l, int back) const {
    return call_.slots.rings + ring_at(j, l, back) * static_cast<std::size_t>(quads_r());
  }
  ONDES_HOST_DEVICE std::size_t output_at(int j, int t) const {
    return static_cast<std::size_t>(first_lane_ + j) * static_cast<std::size_t>(call_.samples) +
           static_cast<std::size_t>(t);
  }
  ONDES_HOST_DEVICE const float* conditioning(int j) const {
    const auto width = static_cast<std::size_t>(model_.layers * 2 * gate());
    const int row = misc(j).row;
    return row < 0 ? call_.slots.conditioning + static_cast<std::size_t>(lane(j).slot) * width
                   : call_.projected + static_cast<std::size_t>(lane(j).first_row + row) * width;
  }

  // --- the call's ends -------------------------------------------------------------------------
  ONDES_HOST_DEVICE void enter() {
    block_.phase([&](int thread) {
      const auto resident = static_cast<int>(call_.resident_bytes / sizeof(Quad));
      for (int i = thread; i < resident; i += block_.threads()) {
        reinterpret_cast<Quad*>(resident_)[i] = reinterpret_cast<const Quad*>(call_.image)[i];
      }
      // Paddings stay zero from here on, and so do lanes that are not there.
      for (int i = thread; i < kLanes * map_.quads; i += block_.threads()) {
        scratch_[i] = Quad{{0, 0, 0, 0}};
      }
    });
    block_.phase([&](int thread) {
      for (int j = thread; j < lanes_; j += block_.threads()) {
        const SlotState& state = call_.slots.states[lane(j).slot];
        LaneMisc fresh;
        fresh.last = state.last;
        fresh.sample = state.sample;
        fresh.index = model_.embedded ? class_of(sampler_, state.last) : 0;
        misc(j) = fresh;
      }
    });
  }

  ONDES_HOST_DEVICE void leave() {
    block_.phase([&](int thread) {
      const int width = model_.layers * 2 * gate();
      for (int i = thread; i < lanes_ * width; i += block_.threads()) {
        const int j = i / width;
        if (misc(j).row >= 0) {
          call_.slots.conditioning[static_cast<std::size_t>(lane(j).slot) *
                                       static_cast<std::size_t>(width) +
                                   static_cast<std::size_t>(i % width)] =
              conditioning(j)[i % width];
        }
      }
      for (int j = thread; j < lanes_; j += block_.threads()) {
        call_.slots.states[lane(j).slot] = {misc(j).sample, misc(j).last};
      }
    });
  }

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

  ONDES_HOST_DEVICE void begin_lane(int j, int t) {
    LaneMisc& own = misc(j);
    const DeviceLane& call = lane(j);
    while (own.row + 1 < call.rows && call_.row_starts[call.first_row + own.row + 1] <= t) {
      ++own.row;
    }
    const PhiloxBlock random =
        philox_draw(call.seed, call.identity, static_cast<std::uint64_t>(call.first_sample + t));
    own.u0 = uniform_open(random[0]);
    own.u1 = uniform_open(random[1]);
    own.skip_max = 0;
    own.head_max = 0;
  }

  ONDES_HOST_DEVICE void first_value(int j, int r, int t) {
    const LaneMisc& own = misc(j);
    float h = call_.input_base[output_at(j, t) * static_cast<std::size_t>(residual()) +
                               static_cast<std::size_t>(r)];
    if (model_.embedded) {
      h += at<float>(model_.embedding)[own.index * residual() + r];
    } else {
      h = exact::fma(at<float>(model_.sample_weights)[r], own.last, h);
    }
    set_h(j, r, h);
  }

  ONDES_HOST_DEVICE void set_h(int j, int r, float h) {
    if constexpr (Arithmetic::kInteger) {
      floats(j, map_.h)[r] = h;
      raise_maximum(&misc(j).h_max, std::fabs(h));
    } else {
      floats(j, map_.x)[r] = h;
    }
  }

  ONDES_HOST_DEVICE void fetch(int j, int i) {
    const int q = quads_r();
    const int older = model_.taps - 1;
    const int tap = i / q;  // (layer, tap)
    const int l = tap / older;
    const int back = (older - tap % older) * at<int>(model_.dilations)[l];
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

  ONDES_HOST_DEVICE void past_output(int l, int o, const Quad* held) {
    const int rows = 2 * gate();
    const int older = model_.taps - 1;
    float values[static_cast<std::size_t>(kLanes)];
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      values[j] = j < lanes_ ? conditioning(j)[l * rows + o] : 0.0F;
    }
    const MatrixView matrix = matrix_of_layer(model_.past, l);
    const Quad* weights = (held != nullptr ? held : at<Quad>(matrix.weights)) + o;
    for (int k = 0; k < older; ++k) {
      Sum sums[static_cast<std::size_t>(kLanes)];
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        sums[j] = Arithmetic::kInteger ? Sum{0} : static_cast<Sum>(values[j]);
      }
      const int first = (l * older + k) * quads_r();
      ONDES_UNROLL_4
      for (int q = 0; q < quads_r(); ++q) {
        const Quad w = weights[(k * quads_r() + q) * rows];
        ONDES_UNROLL
        for (int j = 0; j < kLanes; ++j) {
          sums[j] = Arithmetic::dot(w, quads(j, map_.past)[first + q], sums[j]);
        }
      }
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        if constexpr (Arithmetic::kInteger) {
          const float scale =
              at<float>(matrix.scales)[k * rows + o] * floats(j, map_.past_scale)[l * older + k];
          values[j] = exact::fma(static_cast<float>(sums[j]), scale, values[j]);
        } else {
          values[j] = sums[j];
        }
      }
    }
    for (int j = 0; j < lanes_; ++j) {
      floats(j, map_.acc)[l * rows + o] = values[j];
    }
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
        reinterpret_cast<float*>(ring(j, l, 0))[c] = floats(j, map_.x)[c];
      }
    }
  }

  // --- products --------------------------------------------------------------------------------
  struct Product {
    MatrixView matrix;
    int x = 0;                      // scratch offset of the inputs
    int slices = 1;                 // of a segment
    const float* starts = nullptr;  // (outputs) of lane 0
    int starts_stride = 0;          // from lane to lane
    const Quad* weights = nullptr;  // where the caller holds them; null: in the image
  };

  ONDES_HOST_DEVICE static int segments_of(const MatrixView& m) {
    return (m.quads + m.segment_quads - 1) / m.segment_quads;
  }

  // Partial sums of every slice and output. A phase.
  template <typename A>
  ONDES_HOST_DEVICE void multiply(const Product& product) {
    block_.phase([&](int thread) {
      const MatrixView& m = product.matrix;
      const int slices = segments_of(m) * product.slices;
      for (int i = thread; i < slices * m.outputs; i += block_.threads()) {
        slice_sum<A>(product, i / m.outputs, i % m.outputs);
      }
    });
  }

  template <typename A>
  ONDES_HOST_DEVICE void slice_sum(const Product& product, int slice, int o) {
    const MatrixView& m = product.matrix;
    const int segment_first = slice / product.slices * m.segment_quads;
    const int length = smaller(m.segment_quads, m.quads - segment_first);
    const int part = slice % product.slices;
    const int first = segment_first + part * length / product.slices;
    const int end = segment_first + (part + 1) * length / product.slices;
    typename A::Sum sums[static_cast<std::size_t>(kLanes)];
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      sums[j] = A::kInteger || slice > 0
                    ? typename A::Sum{0}
                    : static_cast<typename A::Sum>(product.starts[j * product.starts_stride + o]);
    }
    const Quad* weights = (product.weights != nullptr ? product.weights : at<Quad>(m.weights)) + o;
    ONDES_UNROLL_4
    for (int q = first; q < end; ++q) {
      const Quad w = weights[static_cast<std::size_t>(q) * static_cast<std::size_t>(m.outputs)];
      ONDES_UNROLL
      for (int j = 0; j < kLanes; ++j) {
        sums[j] = A::dot(w, quads(j, product.x)[q], sums[j]);
      }
    }
    ONDES_UNROLL
    for (int j = 0; j < kLanes; ++j) {
      reinterpret_cast<typename A::Sum*>(quads(j, map_.partials))[slice * m.outputs + o] = sums[j];
    }
  }

  // The end of a product for one lane and output. x_scale: of the integers it read.
  template <typename A>
  ONDES_HOST_DEVICE float finished(const Product& product, int j, int o, float x_scale) const {
    const MatrixView& m = product.matrix;
    const auto* partials = reinterpret_cast<const typename A::Sum*>(quads(j, map_.partials)) + o;
    if constexpr (A::kInteger) {
      float value = product.starts[j * product.starts_stride + o];
      const float* scales = at<float>(m.scales) + o;
      for (int segment = 0; segment < segments_of(m); ++segment) {
        std::int32_t sum = 0;
        for (int s = 0; s < product.slices; ++s) {
          sum += partials[(segment * product.slices + s) * m.outputs];
        }
        value = exact::fma(static_cast<float>(sum), scales[segment * m.outputs] * x_scale, value);
      }
      return value;
    } else {
      float sum = partials[0];
      for (int s = 1; s < segments_of(m) * product.slices; ++s) {
        sum += partials[s * m.outputs];
      }
      return sum;
    }
  }

  // --- the chain -------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void layer(int l, int t) {
    const int g = gate();
    if (call_.probe != nullptr) {
      probe_h(l, t);
    }
    const Product tap{matrix_of_layer(model_.current, l), map_.x, call_.slicing.current,
                      floats(0, map_.acc) + l * 2 * g, map_.quads * 4};
    multiply<Arithmetic>(tap);
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
    const Product update{matrix_of_layer(model_.update, l), map_.z + l * model_.quads_g,
                         call_.slicing.residual, at<float>(model_.residual_bias) + l * r, 0};
    multiply<Arithmetic>(update);
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * r; i += block_.threads()) {
        const int j = i / r;
        const int c = i % r;
        const float change = finished<Arithmetic>(update, j, c, 1.0F / model_.levels);
        const float h = floats(j, Arithmetic::kInteger ? map_.h : map_.x)[c] + change;
        set_h(j, c, h);
        if constexpr (!Arithmetic::kInteger) {
          reinterpret_cast<float*>(ring(j, l + 1, 0))[c] = h;
        }
      }
    });
    if constexpr (Arithmetic::kInteger) {
      block_.phase([&](int thread) { ready_h(thread, l + 1); });
    }
  }

  ONDES_HOST_DEVICE void gated(const Product& tap, int l, int j, int c) {
    const int g = gate();
    const float filter = finished<Arithmetic>(tap, j, c, misc(j).x_scale);
    const float gating = finished<Arithmetic>(tap, j, g + c, misc(j).x_scale);
    Quad* z = quads(j, map_.z + l * model_.quads_g);
    if constexpr (Arithmetic::kInteger) {
      const float* table = at<float>(model_.tanh_table);
      const float value = table_tanh(table, filter) * table_sigmoid(table, gating);
      Arithmetic::store(z, c, static_cast<std::int32_t>(round_even(value * model_.levels)));
    } else {
      reinterpret_cast<float*>(z)[c] = exact::tanh(filter) * exact::sigmoid(gating);
    }
  }

  // --- the head --------------------------------------------------------------------------------
  ONDES_HOST_DEVICE void top(int t) {
    const Product skip{model_.skip_product, map_.z, call_.slicing.skip, at<float>(model_.skip_bias),
                       0};
    multiply<Arithmetic>(skip);
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
    const Product head{model_.head_product,         map_.skip_x, call_.slicing.head,
                       at<float>(model_.head_bias), 0,           held_head};
    multiply<Arithmetic>(head);
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
        const float value = larger(finished<Arithmetic>(product, j, i % outputs, x_scale(j)), 0.0F);
        floats(j, to)[i % outputs] = value;
        if constexpr (Arithmetic::kInteger) {
          raise_maximum(&(misc(j).*maximum), value);
        }
      }
    });
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
    const Product last{model_.output_product,         map_.head_x, call_.slicing.output,
                       at<float>(model_.output_bias), 0,           held};
    multiply<A>(last);
    block_.phase([&](int thread) {
      const int outputs = model_.outputs;
      for (int i = thread; i < lanes_ * outputs; i += block_.threads()) {
        const int j = i / outputs;
        floats(j, map_.out)[i % outputs] =
            finished<A>(last, j, i % outputs, scale_of(misc(j).head_max, model_.output_levels));
      }
    });
    if (call_.probe != nullptr) {
      probe_top(t);
    }
  }

  // Exponentials of the logits and their sums, in OutputSampler's order. Three phases.
  ONDES_HOST_DEVICE void choose() {
    const int n = sampler_.choices;
    const int rows = quads_of(n, kCdfRow);
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * rows; i += block_.threads()) {
        const int first = i % rows * kCdfRow;
        const float* logits = floats(i / rows, map_.out) + first;
        floats(i / rows, map_.row_max)[i % rows] =
            logits[index_of_largest(logits, smaller(kCdfRow, n - first))];
      }
    });
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * n; i += block_.threads()) {
        const int j = i / n;
        const float temperature = lane(j).temperature;
        const float* maxima = floats(j, map_.row_max);
        const float largest = maxima[index_of_largest(maxima, rows)];
        if (temperature > 0.0F) {
          floats(j, map_.weights)[i % n] =
              exact::exp((floats(j, map_.out)[i % n] - largest) * (1.0F / temperature));
        }
      }
    });
    block_.phase([&](int thread) {
      for (int i = thread; i < lanes_ * rows; i += block_.threads()) {
        floats(i / rows, map_.row_sum)[i % rows] =
            cdf_row_sum(floats(i / rows, map_.weights), n, i % rows);
      }
    });
  }

  ONDES_HOST_DEVICE void finish(int t) {
    block_.phase([&](int thread) {
      for (int j = thread; j < lanes_; j += block_.threads()) {
        finish_lane(j, t);
      }
    });
  }

  ONDES_HOST_DEVICE void finish_lane(int j, int t) {
    LaneMisc& own = misc(j);
    const DeviceLane& call = lane(j);
    const float* out = floats(j, map_.out);
    float sample = 0.0F;
    if (call.forced != 0) {
      sample = call_.teacher[output_at(j, t)];
      if (call.scored != 0) {
        call_.likelihood[output_at(j, t)] = log_likelihood(sampler_, out, sample);
      }
    } else {
      int choice = 0;
      if (sampler_.kind != Distribution::gaussian) {
        const float* row_sums = floats(j, map_.row_sum);
        choice = call.temperature > 0.0F
                     ? pick_by_inverse_cdf(floats(j, map_.weights), sampler_.choices, own.u0,
                                           [row_sums](int row) { return row_sums[row]; })
                     : index_of_largest(out, sampler_.choices);
      }
      sample = sample_of_choice(sampler_, out, call.temperature, own.u1, choice);
    }
    call_.output[output_at(j, t)] = sample;
    own.last = sample;
    own.index = model_.embedded ? class_of(sampler_, sample) : 0;
    own.h_max = 0;
    ++own.sample;
  }

  // --- looking inside --------------------------------------------------------------------------
  ONDES_HOST_DEVICE float* probe_row(int t) const {
    return call_.probe +
           static_cast<std::size_t>(t) *
               static_cast<std::size_t>(model_.layers * (residual() + gate()) + model_.outputs);
  }
  ONDES_HOST_DEVICE int probe_lane() const { return call_.probe_lane - first_lane_; }
  ONDES_HOST_DEVICE bool probed() const { return probe_lane() >= 0 && probe_lane() < lanes_; }

  ONDES_HOST_DEVICE void probe_h(int l, int t) {
    block_.phase([&](int thread) {
      for (int c = thread; probed() && c < residual(); c += block_.threads()) {
        probe_row(t)[l * residual() + c] =
            floats(probe_lane(), Arithmetic::kInteger ? map_.h : map_.x)[c];
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
    } else {
      return reinterpret_cast<const float*>(z)[c];
    }
  }

  Block& block_;
  const StepModelView& model_;
  const StepCall& call_;
  const ScratchMap& map_;
  DistributionView sampler_;
  std::byte* resident_ = nullptr;
  Quad* scratch_ = nullptr;
  int first_lane_ = 0;
  int lanes_ = 0;
};

}  // namespace ondes::gpu
