// What every step kernel does for the lanes of a block beside its products: where a lane's things
// lie, its states at a call's ends, the sample's beginning (conditioning row, random numbers, h_0,
// past vectors) and its end (the choice among outputs, the sample, its likelihood).
//
//   choice    maxima, exponentials, sums in rows of 16, as OutputSampler orders them
//   finish    the sample, its likelihood, x(t-1) of the next
//
// Products derive from it, and bodies from them: cuda/step/products_internal.h a block's, with
// kernel_internal.h, the cluster's and the chip's on top; cuda/step/tile_products_internal.h those of
// tensor cores. Any thread.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cuda/step/arithmetic_internal.h"
#include "cuda/step/call_internal.h"
#include "cuda/step/thread_math.h"
#include "cuda/unroll.h"
#include "engine/host_device.h"

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
class StepLanes {
 public:
  // Its lanes are the kLanes of the block's index; `map` is the call's, or a body's own.
  ONDES_HOST_DEVICE StepLanes(Block& block,
                              const StepModelView& model,
                              const StepCall& call,
                              const ScratchMap& map)
      : block_(block), model_(model), call_(call), map_(map) {
    first_lane_ = block.index() * kLanes;
    lanes_ = smaller(kLanes, call.lane_count - first_lane_);
    resident_ = block.shared();
    resident_bytes_ = call.resident_bytes;
    scratch_ = call.scratch != nullptr
                   ? reinterpret_cast<Quad*>(call.scratch) +
                         static_cast<std::size_t>(block.index()) * kLanes *
                             static_cast<std::size_t>(map_.quads)
                   : reinterpret_cast<Quad*>(block.shared() + call.resident_bytes);
    sampler_ = model.sampler;
    sampler_.decoded = at<float>(model.decoded);
    sampler_.log_class_bins = at<float>(model.log_class_bins);
  }

 protected:
  // --- where things are ------------------------------------------------------------------------
  template <typename T>
  ONDES_HOST_DEVICE const T* at(std::uint32_t offset) const {
    const std::byte* base = offset < resident_bytes_ ? resident_ : call_.image;
    return reinterpret_cast<const T*>(base + offset);
  }
  ONDES_HOST_DEVICE Quad* quads(int lane, int offset) const {
    return scratch_ + lane * map_.quads + offset;
  }
  ONDES_HOST_DEVICE float* floats(int lane, int offset) const {
    return reinterpret_cast<float*>(quads(lane, offset));
  }
  ONDES_HOST_DEVICE LaneMisc& misc(int lane) const {
    return *reinterpret_cast<LaneMisc*>(quads(lane, map_.misc + misc_offset_));
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
    block_.phase([&](int thread) { enter_lanes(thread); });
  }

  // Lanes begin where their slots are. Part of a phase.
  ONDES_HOST_DEVICE void enter_lanes(int thread) {
    for (int j = thread; j < lanes_; j += block_.threads()) {
      const SlotState& state = call_.slots.states[lane(j).slot];
      LaneMisc fresh;
      fresh.last = state.last;
      fresh.sample = state.sample;
      fresh.index = model_.embedded ? class_of(sampler_, state.last) : 0;
      misc(j) = fresh;
    }
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

  // --- a sample's beginning --------------------------------------------------------------------
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

  // What of h_0 is known ahead: bias and sample features.
  ONDES_HOST_DEVICE float input_base(int j, int r, int t) const {
    return call_.input_base[output_at(j, t) * static_cast<std::size_t>(residual()) +
                            static_cast<std::size_t>(r)];
  }

  // h_0: that and x(t-1).
  ONDES_HOST_DEVICE float input_value(int j, int r, float h) const {
    const LaneMisc& own = misc(j);
    if (model_.embedded) {
      h += at<float>(model_.embedding)[own.index * residual() + r];
    } else {
      h = exact::fma(at<float>(model_.sample_weights)[r], own.last, h);
    }
    return h;
  }

  // --- a sample's end --------------------------------------------------------------------------
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

  Block& block_;
  const StepModelView& model_;
  const StepCall& call_;
  const ScratchMap& map_;
  DistributionView sampler_;
  std::byte* resident_ = nullptr;
  std::uint32_t resident_bytes_ = 0;  // of the image
  Quad* scratch_ = nullptr;
  int misc_offset_ = 0;  // quads, for bodies that keep more lanes than they work on at a time
  int first_lane_ = 0;
  int lanes_ = 0;
};

}  // namespace ondes::gpu
