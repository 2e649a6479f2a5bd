// One sample of many lanes, stage by stage; the formula is in engine/plan/step_plan.h.
//
// Order of work within a sample: rows that come into force; the past taps of all layers (they do
// not depend on this sample); the input layer; the chain of layers; one long product for all skip
// connections; the head; the draw. Written once for all instruction sets and precisions.
//
// A lane alone can be shared by two cores: one runs the chain, the other follows it layer by layer
// with the skip product, then does the head and the draw, while the first takes the past taps of
// the next sample. They meet twice a sample, through the three words of PairSync. Nobody waits for
// a thread that is not there: a sample's second half is done by whoever claims it first, and the
// chain claims it itself if the other core has not by then. The sums are the same either way.
//
// Longer than other files because it is one class that must be one piece of code for the optimiser:
// every stage is inlined into the loop over samples, once a target and precision.
// Render thread (and the workers of its runner). Included once per target.
#if defined(ONDES_CPU_STEP_GROUP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_STEP_GROUP_INL_H_
#undef ONDES_CPU_STEP_GROUP_INL_H_
#else
#define ONDES_CPU_STEP_GROUP_INL_H_
#endif

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/cpu/step_kernels_internal.h"
#include "engine/cpu/step_stages-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

template <class Dot, class OutDot>
class Group {
 public:
  explicit Group(const GroupCall& call)
      : call_(call),
        m_(*call.model),
        s_(*call.scratch),
        n_(static_cast<int>(call.lanes.size())),
        table_(tanh_table()) {}

  HWY_INLINE void run() {
    if (call_.pair == nullptr) {
      advance();
    } else if (call_.second_half) {
      follow();
    } else {
      lead();
    }
  }

 private:
  HWY_INLINE void advance() {
    std::fill(call_.next_row.begin(), call_.next_row.end(), 0U);
    for (int t = 0; t < call_.samples; ++t) {
      rows_in_force(t);
      past_taps(t);
      input_layer(t);
      for (int l = 0; l < m_.layer_count; ++l) {
        gated_layer(l, t);
      }
      head();
      for (int n = 0; n < n_; ++n) {
        emit(n, t);
      }
    }
    for (int n = 0; n < n_; ++n) {
      slot(n).sample += call_.samples;
    }
  }

  // The chain's core.
  HWY_INLINE void lead() {
    PairSync& pair = *call_.pair;
    call_.next_row[0] = 0;
    rows_in_force(0);
    past_taps(0);
    for (int t = 0; t < call_.samples; ++t) {
      input_layer(t);
      for (int l = 0; l < m_.layer_count; ++l) {
        gated_layer(l, t);
        pair.layers_done.store(layers_before(t) + l + 1, std::memory_order_release);
      }
      const bool mine = pair.claim(t);
      if (mine) {
        head();
        emit(0, t);
        pair.samples_done.store(t + 1, std::memory_order_release);
      }
      if (t + 1 < call_.samples) {
        rows_in_force(t + 1);
        past_taps(t + 1);
      }
      for (Patience patience; !mine && pair.samples_done.load(std::memory_order_acquire) <= t;) {
        patience.wait();
      }
    }
    slot(0).sample += call_.samples;
  }

  // The other core.
  HWY_INLINE void follow() {
    PairSync& pair = *call_.pair;
    for (int t = 0; t < call_.samples; ++t) {
      Patience patience;
      bool mine = false;
      while (!mine && pair.samples_done.load(std::memory_order_acquire) <= t) {
        if (pair.layers_done.load(std::memory_order_acquire) > layers_before(t)) {
          mine = pair.claim(t);
        }
        if (!mine) {
          patience.wait();
        }
      }
      if (mine) {
        skip_behind_chain(t);
        dense_after_relu<Dot>(m_.head, m_.sp, false);
        dense_after_relu<OutDot>(m_.output, m_.ap, true);
        emit(0, t);
        pair.samples_done.store(t + 1, std::memory_order_release);
      }
    }
  }

  // The skip product, as the layers' gated outputs become known.
  HWY_INLINE void skip_behind_chain(int t) {
    PairSync& pair = *call_.pair;
    std::uint32_t* parts = s_.act(0);
    const int z_words = static_cast<int>(m_.z_words);
    int l = 0;
    for (const SkipChunk& chunk : m_.skip) {
      const float* init = l == 0 ? m_.skip_bias : s_.sums(0);
      begin_parts<Dot>(chunk.matrix, init, parts);
      for (int step = 0; step < chunk.matrix.steps; step += z_words, ++l) {
        for (Patience patience;
             pair.layers_done.load(std::memory_order_acquire) <= layers_before(t) + l;) {
          patience.wait();
        }
        add_part<Dot>(chunk.matrix, step, z_words,
                      s_.z(0) + static_cast<std::size_t>(l) * m_.z_words, parts);
      }
      finish_parts<Dot>(chunk.matrix, kZScale, init, parts, s_.sums(0));
    }
  }

  std::int64_t layers_before(int t) const { return std::int64_t{t} * m_.layer_count; }

  static constexpr float kZScale =
      1.0F / static_cast<float>(activation_levels(precision_of(Dot::kFormat)));

  const StepLane& lane(int n) const { return call_.lanes[static_cast<std::size_t>(n)]; }
  SlotState& slot(int n) const { return call_.slots[lane(n).slot]; }
  const LayerModel& layer(int l) const { return m_.layers[static_cast<std::size_t>(l)]; }
  std::size_t gates(int l) const { return static_cast<std::size_t>(l * 2 * m_.gp); }

  static std::uint32_t* history_row(const StepModel& m,
                                    const LayerModel& layer,
                                    SlotState& slot,
                                    std::int64_t sample) {
    const auto row = static_cast<std::size_t>(sample & layer.ring_mask);
    return reinterpret_cast<std::uint32_t*>(slot.history + layer.ring_offset + row * m.row_bytes);
  }
  static float* history_scale(const LayerModel& layer, SlotState& slot, std::int64_t sample) {
    const auto row = static_cast<std::size_t>(sample & layer.ring_mask);
    return reinterpret_cast<float*>(slot.history + layer.scale_offset) + row;
  }

  // `operands(n)` gives the LaneOperands of lanes 0..count-1.
  template <class D, class Operands>
  HWY_INLINE void multiply(const PackedMatrix& m, int count, const Operands& operands) {
    LaneOperands* all = call_.second_half ? &own_operand_ : s_.operands();
    for (int n = 0; n < count; ++n) {
      all[n] = operands(n);
    }
    product<D>(m, count, all);
  }

  HWY_INLINE void rows_in_force(int t) {
    for (int n = 0; n < n_; ++n) {
      const StepLane& each = lane(n);
      std::uint32_t& next = call_.next_row[static_cast<std::size_t>(n)];
      for (; next < each.row_starts.size() && each.row_starts[next] <= t; ++next) {
        set_row(m_, s_, slot(n), each.rows[static_cast<int>(next)]);
      }
    }
  }

  // past = conditioning + past taps, all layers. A lane alone looks ahead: where the dilation
  // allows it, the taps of the next kPastWindow samples are known already and are taken in one pass
  // over the weights.
  HWY_INLINE void past_taps(int t) {
    if (m_.taps == 1) {
      for (int n = 0; n < n_; ++n) {
        std::memcpy(s_.past(n), slot(n).conditioning, gates(m_.layer_count) * sizeof(float));
      }
      return;
    }
    const bool alone = n_ == 1;
    if (alone && t == window_end_) {
      window_first_ = t;
      window_end_ = end_of_window(t);
    }
    const int ahead = alone ? t - window_first_ : 0;
    for (int l = 0; l < m_.layer_count; ++l) {
      const LayerModel& from = layer(l);
      if (!alone) {
        past_of_layer(l, t, n_, [](int n) { return PastAt{n, 0, n}; });
      } else if (from.dilation < kPastWindow) {
        past_of_layer(l, t, 1, [ahead](int) { return PastAt{0, 0, ahead}; });
      } else if (ahead == 0) {
        past_of_layer(l, t, window_end_ - t, [](int i) { return PastAt{0, i, i}; });
      }
    }
  }

  // A window ends where a row comes into force: it changes the conditioning.
  int end_of_window(int t) const {
    const std::uint32_t next = call_.next_row[0];
    const std::span<const int> starts = lane(0).row_starts;
    const int end = HWY_MIN(t + kPastWindow, call_.samples);
    return next < starts.size() ? HWY_MIN(end, starts[next]) : end;
  }

  struct PastAt {
    int lane;
    int ahead;   // samples from now
    int region;  // of the scratch
  };

  template <class At>
  HWY_INLINE void past_of_layer(int l, int t, int count, const At& at) {
    const LayerModel& from = layer(l);
    for (int k = 0; k + 1 < m_.taps; ++k) {
      const std::int64_t back = (m_.taps - 1 - k) * from.dilation;
      multiply<Dot>(from.taps[static_cast<std::size_t>(k)], count, [&](int i) {
        const PastAt where = at(i);
        SlotState& state = slot(where.lane);
        float* past = s_.past(where.region) + gates(l);
        const std::int64_t sample = state.sample + t + where.ahead - back;
        return LaneOperands{history_row(m_, from, state, sample),
                            Dot::kInteger ? *history_scale(from, state, sample) : 1.0F,
                            k == 0 ? state.conditioning + gates(l) : past, past};
      });
    }
  }

  HWY_INLINE void input_layer(int t) {
    const DF d;
    multiply<DotF32>(m_.input_features, n_, [&](int n) {
      const float* features = m_.sample_features > 0 ? lane(n).sample_features[t].data() : s_.h(n);
      return LaneOperands{reinterpret_cast<const std::uint32_t*>(features), 1.0F, m_.input_bias,
                          s_.h(n)};
    });
    for (int n = 0; n < n_; ++n) {
      float* h = s_.h(n);
      const float last = slot(n).last;
      if (m_.input_embedding != nullptr) {
        const float* row = m_.input_embedding + m_.sampler.class_of(last) * m_.rp;
        for (int i = 0; i < m_.rp; i += kLanesF) {
          hn::StoreU(hn::Add(hn::LoadU(d, h + i), hn::LoadU(d, row + i)), d, h + i);
        }
        continue;
      }
      const VF x = hn::Set(d, last);
      for (int i = 0; i < m_.rp; i += kLanesF) {
        hn::StoreU(hn::MulAdd(hn::LoadU(d, m_.input_scalar + i), x, hn::LoadU(d, h + i)), d, h + i);
      }
    }
  }

  HWY_INLINE void gated_layer(int l, int t) {
    const DF d;
    const LayerModel& from = layer(l);
    const std::size_t z_at = static_cast<std::size_t>(l) * m_.z_words;
    for (int n = 0; n < n_; ++n) {
      SlotState& state = slot(n);
      const float scale =
          store_activations<Dot>(s_.h(n), m_.rp, history_row(m_, from, state, state.sample + t));
      if constexpr (Dot::kInteger) {
        *history_scale(from, state, state.sample + t) = scale;
      }
      if (call_.probe != nullptr) {
        std::copy_n(s_.h(n), m_.rp, s_.probe_h(n) + l * m_.rp);
      }
    }
    const int ahead = n_ == 1 && m_.taps > 1 ? t - window_first_ : 0;
    multiply<Dot>(from.taps.back(), n_, [&](int n) {
      SlotState& state = slot(n);
      return LaneOperands{history_row(m_, from, state, state.sample + t),
                          Dot::kInteger ? *history_scale(from, state, state.sample + t) : 1.0F,
                          s_.past(n + ahead) + gates(l), s_.a(n)};
    });
    for (int n = 0; n < n_; ++n) {
      gate<Dot>(s_.a(n), m_.gp, table_, s_.z(n) + z_at);
    }
    if (from.residual.outputs == 0) {
      return;
    }
    multiply<Dot>(from.residual, n_, [&](int n) {
      return LaneOperands{s_.z(n) + z_at, kZScale, from.residual_bias, s_.update(n)};
    });
    for (int n = 0; n < n_; ++n) {
      float* h = s_.h(n);
      for (int i = 0; i < m_.rp; i += kLanesF) {
        hn::StoreU(hn::Add(hn::LoadU(d, h + i), hn::LoadU(d, s_.update(n) + i)), d, h + i);
      }
    }
  }

  HWY_INLINE void head() {
    for (const SkipChunk& chunk : m_.skip) {
      const bool first = &chunk == &m_.skip.front();
      multiply<Dot>(chunk.matrix, n_, [&](int n) {
        return LaneOperands{s_.z(n) + chunk.first_word, kZScale, first ? m_.skip_bias : s_.sums(n),
                            s_.sums(n)};
      });
    }
    dense_after_relu<Dot>(m_.head, m_.sp, false);
    dense_after_relu<OutDot>(m_.output, m_.ap, true);
  }

  // From relu(sums) to sums, or to the outputs.
  template <class D>
  HWY_INLINE void dense_after_relu(const DenseModel& model, int inputs, bool last) {
    multiply<D>(model.matrix, n_, [&](int n) {
      float* x = s_.sums(n);
      relu_in_place(x, inputs);
      const float scale = store_activations<D>(x, inputs, s_.act(n));
      return LaneOperands{s_.act(n), scale, model.bias, last ? s_.out(n) : x};
    });
  }

  // Flattened, so that the scalar code gets this target's fused multiply-add.
  HWY_NOINLINE __attribute__((flatten)) float draw_inline(int n, const PhiloxBlock& random) {
    const auto outputs = static_cast<std::size_t>(m_.o);
    return m_.sampler.draw({s_.out(n), outputs}, lane(n).temperature, random,
                           {s_.weights(n), outputs});
  }

  // Classes are many: their exponentials are taken in vectors, the same bits as the scalar ones.
  HWY_INLINE float draw(int n, const PhiloxBlock& random) {
    const DF d;
    const float temperature = lane(n).temperature;
    const std::span<const float> out(s_.out(n), static_cast<std::size_t>(m_.o));
    const std::span<float> weights(s_.weights(n), static_cast<std::size_t>(m_.o));
    if (m_.sampler.distribution() != Distribution::mu_law_categorical || temperature <= 0.0F) {
      return draw_inline(n, random);
    }
    float largest = out[0];
    for (const float logit : out) {
      largest = std::max(largest, logit);
    }
    const VF peak = hn::Set(d, largest);
    const VF sharpness = hn::Set(d, 1.0F / temperature);
    for (int i = 0; i < m_.op; i += kLanesF) {
      const VF x = hn::Mul(hn::Sub(hn::LoadU(d, out.data() + i), peak), sharpness);
      hn::StoreU(exp_simd(d, x), d, weights.data() + i);
    }
    return m_.sampler.pick_class(weights, uniform_open(random[0]));
  }

  HWY_INLINE void emit(int n, int t) {
    const StepLane& each = lane(n);
    SlotState& state = slot(n);
    const auto at = static_cast<std::size_t>(t);
    float sample = 0.0F;
    if (each.teacher.empty()) {
      const auto index = static_cast<std::uint64_t>(each.first_sample + t);
      sample = draw(n, philox_draw(each.seed, each.identity, index));
    } else {
      sample = each.teacher[at];
      if (!each.log_likelihood.empty()) {
        each.log_likelihood[at] =
            m_.sampler.log_likelihood({s_.out(n), static_cast<std::size_t>(m_.o)}, sample);
      }
    }
    each.output[at] = sample;
    state.last = sample;
    if (call_.probe != nullptr && call_.probe->slot == each.slot &&
        call_.probe->next_frame < call_.probe->values.frames()) {
      fill_probe(n);
    }
  }

  HWY_NOINLINE void fill_probe(int n) {
    float* to = call_.probe->values[call_.probe->next_frame++].data();
    for (int l = 0; l < m_.layer_count; ++l) {
      to = std::copy_n(s_.probe_h(n) + l * m_.rp, m_.r, to);
    }
    for (int l = 0; l < m_.layer_count; ++l) {
      const std::uint32_t* z = s_.z(n) + static_cast<std::size_t>(l) * m_.z_words;
      for (int i = 0; i < m_.g; ++i) {
        if constexpr (!Dot::kInteger) {
          *to++ = reinterpret_cast<const float*>(z)[i];
        } else if constexpr (Dot::kFormat == DotFormat::i8_quads) {
          *to++ = static_cast<float>(reinterpret_cast<const std::uint8_t*>(z)[i] - 128) * kZScale;
        } else {
          *to++ = static_cast<float>(reinterpret_cast<const std::int16_t*>(z)[i]) * kZScale;
        }
      }
    }
    std::copy_n(s_.out(n), m_.o, to);
  }

  const GroupCall& call_;
  const StepModel& m_;
  StepScratch& s_;
  int n_;
  const TanhTable& table_;
  int window_first_ = 0;  // samples of the call whose far past taps are in the scratch
  int window_end_ = 0;
  LaneOperands own_operand_{};  // the second core's: the scratch's are the first's
};

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
