// One sample of many lanes, stage by stage; the formula is in engine/plan/step_plan.h.
//
// Order of work within a sample: rows that come into force; the past taps of all layers (they do
// not depend on this sample); the input layer; the chain of layers; one long product for all skip
// connections; the head; the draw. Written once for all instruction sets and precisions.
#include "engine/cpu/step_kernels.h"

#include <algorithm>
#include <cstring>

// Scalar work is the judge's; sets between it and AVX2 have no fused multiply-add.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/step_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/cpu/dot_products-inl.h"
#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL

// Rounds x * inverse to integers and stores `count` (a multiple of 16) of them as activations.
template <DotFormat kFormat>
HWY_INLINE void store_quantized(const float* HWY_RESTRICT x,
                                int count,
                                float inverse,
                                std::uint32_t* to) {
  const DF d;
  const VF scale = hn::Set(d, inverse);
  for (int i = 0; i < count; i += kLanesF) {
    const VI q = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), scale));
    if constexpr (kFormat == DotFormat::i8_quads) {
      const hn::Rebind<std::uint8_t, DI> d8;
      hn::StoreU(hn::DemoteTo(d8, hn::Add(q, hn::Set(DI(), 128))), d8,
                 reinterpret_cast<std::uint8_t*>(to) + i);
    } else {
      const hn::Rebind<std::int16_t, DI> d16;
      hn::StoreU(hn::DemoteTo(d16, q), d16, reinterpret_cast<std::int16_t*>(to) + i);
    }
  }
}

// Floats to activations; returns their scale. `count` is a multiple of 16.
template <class Dot>
HWY_INLINE float store_activations(const float* HWY_RESTRICT x, int count, std::uint32_t* to) {
  const DF d;
  if constexpr (!Dot::kInteger) {
    for (int i = 0; i < count; i += kLanesF) {
      hn::StoreU(hn::LoadU(d, x + i), d, reinterpret_cast<float*>(to) + i);
    }
    return 1.0F;
  } else {
    VF largest = hn::Set(d, kSmallestMaximum);
    for (int i = 0; i < count; i += kLanesF) {
      largest = hn::Max(largest, hn::Abs(hn::LoadU(d, x + i)));
    }
    const float maximum = hn::GetLane(hn::MaxOfLanes(d, largest));
    constexpr auto kLevels = static_cast<float>(activation_levels(precision_of(Dot::kFormat)));
    store_quantized<Dot::kFormat>(x, count, kLevels / maximum, to);
    return maximum * (1.0F / kLevels);
  }
}

HWY_INLINE void relu_in_place(float* x, int count) {
  const DF d;
  for (int i = 0; i < count; i += kLanesF) {
    hn::StoreU(hn::Max(hn::LoadU(d, x + i), hn::Zero(d)), d, x + i);
  }
}

// Conditioning of all layers from a row.
HWY_NOINLINE void set_row(const StepModel& model,
                          StepScratch& scratch,
                          SlotState& slot,
                          std::span<const float> row) {
  const DF d;
  float* x = scratch.encoded(0);
  float* y = scratch.encoded(1);
  std::copy(row.begin(), row.end(), x);
  for (const DenseModel& dense : model.encoder) {
    const LaneOperands lane{reinterpret_cast<const std::uint32_t*>(x), 1.0F, dense.bias, y};
    product<DotF32>(dense.matrix, 1, &lane);
    if (dense.activation == Activation::relu) {
      relu_in_place(y, dense.matrix.outputs);
    } else if (dense.activation == Activation::tanh) {
      for (int i = 0; i < dense.matrix.outputs; i += kLanesF) {
        hn::StoreU(tanh_simd(d, hn::LoadU(d, y + i)), d, y + i);
      }
    }
    std::swap(x, y);
  }
  const LaneOperands lane{reinterpret_cast<const std::uint32_t*>(x), 1.0F, model.conditioning_bias,
                          slot.conditioning};
  product<DotF32>(model.conditioning, 1, &lane);
}

// z = tanh(a[0..G)) * sigmoid(a[G..2G)), stored as activations.
template <class Dot>
HWY_INLINE void gate(const float* HWY_RESTRICT a,
                     int gp,
                     const TanhTable& table,
                     std::uint32_t* z) {
  const DF d;
  for (int i = 0; i < gp; i += kLanesF) {
    const VF filter = hn::LoadU(d, a + i);
    const VF opening = hn::LoadU(d, a + gp + i);
    if constexpr (!Dot::kInteger) {
      hn::StoreU(hn::Mul(tanh_simd(d, filter), sigmoid_simd(d, opening)), d,
                 reinterpret_cast<float*>(z) + i);
    } else {
      HWY_ALIGN float value[kLanesF];
      hn::Store(hn::Mul(table_tanh_simd(d, table, filter), table_sigmoid_simd(d, table, opening)),
                d, value);
      constexpr auto kLevels = static_cast<float>(activation_levels(precision_of(Dot::kFormat)));
      store_quantized<Dot::kFormat>(value, kLanesF, kLevels, z + i / inputs_per_step(Dot::kFormat));
    }
  }
}

template <class Dot, class OutDot>
class Group {
 public:
  explicit Group(const GroupCall& call)
      : call_(call),
        m_(*call.model),
        s_(*call.scratch),
        n_(static_cast<int>(call.lanes.size())),
        table_(tanh_table()) {}

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
  }

 private:
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
    LaneOperands* all = s_.operands();
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
        past_of_layer(l, n_, [](int n) { return PastAt{n, 0, n}; });
      } else if (from.dilation < kPastWindow) {
        past_of_layer(l, 1, [ahead](int) { return PastAt{0, 0, ahead}; });
      } else if (ahead == 0) {
        past_of_layer(l, window_end_ - t, [](int i) { return PastAt{0, i, i}; });
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
  HWY_INLINE void past_of_layer(int l, int count, const At& at) {
    const LayerModel& from = layer(l);
    for (int k = 0; k + 1 < m_.taps; ++k) {
      const std::int64_t back = (m_.taps - 1 - k) * from.dilation;
      multiply<Dot>(from.taps[static_cast<std::size_t>(k)], count, [&](int i) {
        const PastAt where = at(i);
        SlotState& state = slot(where.lane);
        float* past = s_.past(where.region) + gates(l);
        const std::int64_t sample = state.sample + where.ahead - back;
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
          store_activations<Dot>(s_.h(n), m_.rp, history_row(m_, from, state, state.sample));
      if constexpr (Dot::kInteger) {
        *history_scale(from, state, state.sample) = scale;
      }
      if (call_.probe != nullptr) {
        std::copy_n(s_.h(n), m_.rp, s_.probe_h(n) + l * m_.rp);
      }
    }
    const int ahead = n_ == 1 && m_.taps > 1 ? t - window_first_ : 0;
    multiply<Dot>(from.taps.back(), n_, [&](int n) {
      SlotState& state = slot(n);
      return LaneOperands{history_row(m_, from, state, state.sample),
                          Dot::kInteger ? *history_scale(from, state, state.sample) : 1.0F,
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

  // Classes are many: their exponentials are taken in vectors, the same bits as the scalar ones.
  HWY_INLINE float draw(int n, const PhiloxBlock& random) {
    const DF d;
    const float temperature = lane(n).temperature;
    const std::span<const float> out(s_.out(n), static_cast<std::size_t>(m_.o));
    const std::span<float> weights(s_.weights(n), static_cast<std::size_t>(m_.o));
    if (m_.sampler.distribution() != Distribution::mu_law_categorical || temperature <= 0.0F) {
      return m_.sampler.draw(out, temperature, random, weights);
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
    ++state.sample;
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
};

// i8 keeps 16 bits in the last product of continuous distributions (engine/cpu/runner_options.h).
void advance_f32(const GroupCall& call) noexcept {
  Group<DotF32, DotF32>(call).advance();
}
void advance_i16(const GroupCall& call) noexcept {
  Group<DotI16, DotI16>(call).advance();
}
void advance_i8(const GroupCall& call) noexcept {
  if (call.model->output_format == DotFormat::i16_pairs) {
    Group<DotI8, DotI16>(call).advance();
  } else {
    Group<DotI8, DotI8>(call).advance();
  }
}

const StepKernels* kernels() {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr const char* kName = "avx512 (vnni)";
#elif HWY_TARGET == HWY_AVX3
  constexpr const char* kName = "avx512";
#else
  constexpr const char* kName = "avx2";
#endif
  static constexpr StepKernels kKernels{kName, DotI8::kFormat, &advance_f32, &advance_i16,
                                        &advance_i8};
  return &kKernels;
}

#else

const StepKernels* kernels() {
  return nullptr;
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

using Maker = const StepKernels* (*)();

const StepKernels* made(Maker maker) {
  return maker == nullptr ? nullptr : maker();
}

}  // namespace

const StepKernels* step_kernels(Isa isa) {
  const std::int64_t supported = hwy::SupportedTargets();
  if (isa == Isa::avx2 && (supported & HWY_AVX2) != 0) {
    return made(HWY_CHOOSE_AVX2(kernels));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3_DL) != 0) {
    return made(HWY_CHOOSE_AVX3_DL(kernels));
  }
  if (isa == Isa::avx512 && (supported & HWY_AVX3) != 0) {
    return made(HWY_CHOOSE_AVX3(kernels));
  }
  return nullptr;
}

}  // namespace ondes
#endif  // HWY_ONCE
