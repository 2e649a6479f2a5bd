// Epilogues (FinishCall): what becomes of rows of sums, vector by vector, with the bits of
// scalar_block_kernels.cpp. Included once per target.
//
// In 8 bits a convolution of few channels takes hardly longer than its epilogue, so the usual ones
// are loops of their own without a decision in them: numbers, the leaky ReLU as numbers or as bytes.
// The rest takes the general loop, which judges them (tests/engine/test_block_runner.cpp).
#if defined(ONDES_CPU_EPILOGUE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ONDES_CPU_EPILOGUE_ROWS_INL_H_
#undef ONDES_CPU_EPILOGUE_ROWS_INL_H_
#else
#define ONDES_CPU_EPILOGUE_ROWS_INL_H_
#endif

#include <hwy/highway.h>

#include "engine/cpu/block_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if ONDES_SIMD_TARGET

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));

// The nearest whole number, the even one of two, held in 0..255.
HWY_INLINE void store_bytes(VF v, std::uint8_t* to) {
  const DF d;
#if HWY_TARGET == HWY_AVX2
  const hn::RebindToSigned<DF> di;
  const hn::Rebind<std::uint8_t, DF> d8;
  const VF held = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0F));
  hn::StoreU(hn::DemoteTo(d8, hn::Vec<decltype(di)>{_mm256_cvtps_epi32(held.raw)}), d8, to);
#else
  // What is too large for 32 bits becomes 2^31 without a sign, which narrows to 255 like the rest.
  const __m512i whole = _mm512_cvtps_epi32(hn::Max(v, hn::Zero(d)).raw);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtusepi32_epi8(whole));
#endif
}

// The steps of some vectors of channels (QuantisedCall), held in registers over frames: a store of
// bytes might change anything, so that a compiler would load them again.
template <int kVectors>
struct Steps {
  VF inverse[kVectors];
  VF zero[kVectors];
  HWY_INLINE explicit Steps(const QuantisedCall& call) {
    const DF d;
    for (int v = 0; v < kVectors; ++v) {
      inverse[v] = call.to == nullptr ? hn::Zero(d) : hn::LoadU(d, call.inverse + v * kLanes);
      zero[v] = call.to == nullptr ? hn::Zero(d) : hn::LoadU(d, call.zero + v * kLanes);
    }
  }
  HWY_INLINE void store(VF x, int vector, std::uint8_t* to) const {
    store_bytes(hn::MulAdd(x, inverse[vector], zero[vector]), to);
  }
};

HWY_INLINE QuantisedCall moved_channels(const QuantisedCall& call, int channels) {
  if (call.to == nullptr) {
    return call;
  }
  return {call.to + channels, call.step, call.inverse + channels, call.zero + channels};
}
// The call's pointers moved on by some channels.
HWY_INLINE FinishCall moved_channels(const FinishCall& call, int channels) {
  FinishCall to = call;
  to.residual = call.residual == nullptr ? nullptr : call.residual + channels;
  to.output = call.output == nullptr ? nullptr : call.output + channels;
  to.mapped = call.mapped == nullptr ? nullptr : call.mapped + channels;
  to.output_bytes = moved_channels(call.output_bytes, channels);
  to.mapped_bytes = moved_channels(call.mapped_bytes, channels);
  if (call.map.alpha != nullptr) {
    to.map.alpha += channels;
    to.map.inverse_beta += channels;
  }
  return to;
}
// And by some frames.
HWY_INLINE FinishCall moved(const FinishCall& call, int frames) {
  FinishCall to = call;
  to.residual = call.residual == nullptr ? nullptr : call.residual + frames * call.residual_step;
  to.output = call.output == nullptr ? nullptr : call.output + frames * call.output_step;
  to.mapped = call.mapped == nullptr ? nullptr : call.mapped + frames * call.mapped_step;
  for (QuantisedCall* bytes : {&to.output_bytes, &to.mapped_bytes}) {
    bytes->to = bytes->to == nullptr ? nullptr : bytes->to + frames * bytes->step;
  }
  return to;
}

template <int kVectors>
HWY_NOINLINE void finish_any_rows(const FinishCall& call,
                                  const float* HWY_RESTRICT sums,
                                  int frames) {
  const DF d;
  const VF scale = hn::Set(d, call.scale);
  const Steps<kVectors> output_steps(call.output_bytes);
  const Steps<kVectors> mapped_steps(call.mapped_bytes);
  with_kind(call.map.kind, [&](auto kind) HWY_ATTR {
    for (int t = 0; t < frames; ++t) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const int at = v * kLanes;
        VF z = hn::Load(d, sums + t * kVectors * kLanes + at);
        if (call.residual != nullptr) {
          z = hn::Add(z, hn::LoadU(d, call.residual + t * call.residual_step + at));
        }
        z = hn::Mul(scale, z);
        if (call.output != nullptr) {
          hn::StoreU(z, d, call.output + t * call.output_step + at);
        }
        if (call.output_bytes.to != nullptr) {
          output_steps.store(z, v, call.output_bytes.to + t * call.output_bytes.step + at);
        }
        if (call.mapped == nullptr && call.mapped_bytes.to == nullptr) {
          continue;
        }
        z = map_simd<decltype(kind)::value>(d, call.map, z, at);
        if (call.mapped != nullptr) {
          hn::StoreU(z, d, call.mapped + t * call.mapped_step + at);
        }
        if (call.mapped_bytes.to != nullptr) {
          mapped_steps.store(z, v, call.mapped_bytes.to + t * call.mapped_bytes.step + at);
        }
      }
    }
  });
}

enum class MappedForm { none, floats, bytes };

// From frame `first` of the call on; maps by the leaky ReLU if by anything.
template <int kVectors, bool kResidual, bool kOutput, MappedForm kMapped>
HWY_NOINLINE void finish_usual_rows(const FinishCall& call,
                                    int first,
                                    const float* HWY_RESTRICT sums,
                                    int frames) {
  const DF d;
  const VF scale = hn::Set(d, call.scale);
  const Steps<kVectors> steps(call.mapped_bytes);
  const std::ptrdiff_t residual_step = call.residual_step;
  const std::ptrdiff_t output_step = call.output_step;
  const std::ptrdiff_t mapped_step =
      kMapped == MappedForm::bytes ? call.mapped_bytes.step : call.mapped_step;
  const float* residual = call.residual + (kResidual ? first * residual_step : 0);
  float* output = call.output + (kOutput ? first * output_step : 0);
  float* mapped = call.mapped + (kMapped == MappedForm::floats ? first * mapped_step : 0);
  std::uint8_t* bytes =
      call.mapped_bytes.to + (kMapped == MappedForm::bytes ? first * mapped_step : 0);
  const PackedMap map = call.map;
  for (int t = 0; t < frames; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      VF z = hn::Load(d, sums + v * kLanes);
      if constexpr (kResidual) {
        z = hn::Add(z, hn::LoadU(d, residual + v * kLanes));
      }
      z = hn::Mul(scale, z);
      if constexpr (kOutput) {
        hn::StoreU(z, d, output + v * kLanes);
      }
      if constexpr (kMapped != MappedForm::none) {
        z = map_simd<MapKind::leaky_relu>(d, map, z, 0);
      }
      if constexpr (kMapped == MappedForm::floats) {
        hn::StoreU(z, d, mapped + v * kLanes);
      } else if constexpr (kMapped == MappedForm::bytes) {
        steps.store(z, v, bytes + v * kLanes);
      }
    }
    sums += kVectors * kLanes;
    residual += kResidual ? residual_step : 0;
    output += kOutput ? output_step : 0;
    mapped += kMapped == MappedForm::floats ? mapped_step : 0;
    bytes += kMapped == MappedForm::bytes ? mapped_step : 0;
  }
}

// Epilogue of `frames` rows of kVectors vectors, contiguous in `sums`, from frame `first` of the
// call on.
template <int kVectors>
HWY_INLINE void finish_rows(const FinishCall& call, int first, const float* sums, int frames) {
  const bool maps = call.mapped != nullptr || call.mapped_bytes.to != nullptr;
  const bool both = call.mapped != nullptr && call.mapped_bytes.to != nullptr;
  if (call.output_bytes.to != nullptr || both || (maps && call.map.kind != MapKind::leaky_relu)) {
    finish_any_rows<kVectors>(moved(call, first), sums, frames);
    return;
  }
  using Rows = void (*)(const FinishCall&, int, const float*, int);
  static constexpr Rows kRows[] = {
      &finish_usual_rows<kVectors, false, false, MappedForm::none>,
      &finish_usual_rows<kVectors, false, false, MappedForm::floats>,
      &finish_usual_rows<kVectors, false, false, MappedForm::bytes>,
      &finish_usual_rows<kVectors, false, true, MappedForm::none>,
      &finish_usual_rows<kVectors, false, true, MappedForm::floats>,
      &finish_usual_rows<kVectors, false, true, MappedForm::bytes>,
      &finish_usual_rows<kVectors, true, false, MappedForm::none>,
      &finish_usual_rows<kVectors, true, false, MappedForm::floats>,
      &finish_usual_rows<kVectors, true, false, MappedForm::bytes>,
      &finish_usual_rows<kVectors, true, true, MappedForm::none>,
      &finish_usual_rows<kVectors, true, true, MappedForm::floats>,
      &finish_usual_rows<kVectors, true, true, MappedForm::bytes>,
  };
  const int form = call.mapped != nullptr ? 1 : (call.mapped_bytes.to != nullptr ? 2 : 0);
  kRows[(call.residual != nullptr ? 6 : 0) + (call.output != nullptr ? 3 : 0) + form](call, first,
                                                                                      sums, frames);
}

#endif  // ONDES_SIMD_TARGET

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
