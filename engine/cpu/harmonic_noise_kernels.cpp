#include "engine/cpu/harmonic_noise_kernels_internal.h"
#include "engine/cpu/isa_table.h"
#include "engine/deterministic_math.h"
#include "engine/ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/harmonic_noise_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/ops/math_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ondes {
namespace HWY_NAMESPACE {

#if ONDES_SIMD_TARGET

void write_partials(const PartialStretch& s) noexcept {
  const hn::ScalableTag<float> d;
  const auto step = static_cast<int>(hn::Lanes(d));
  const auto magic = hn::Set(d, 12582912.0F);
  for (int j = 0; j < s.samples; j += step) {
    const auto phase = hn::LoadU(d, s.phase + j);
    const auto position = hn::LoadU(d, s.position + j);
    const auto ramp = hn::LoadU(d, s.ramp + j);
    auto sum = hn::Zero(d);
    for (int h = 0; h < s.partials; ++h) {
      const auto own = hn::MulAdd(hn::Set(d, s.turns[h]), position, hn::Set(d, s.psi[h]));
      auto x = hn::MulAdd(hn::Set(d, static_cast<float>(h + 1)), phase, own);
      x = hn::Sub(x, hn::Sub(hn::Add(x, magic), magic));
      const auto amplitude = hn::MulAdd(hn::Set(d, s.slope[h]), ramp, hn::Set(d, s.from[h]));
      sum = hn::MulAdd(amplitude, sin_turns_simd(d, x), sum);
    }
    hn::StoreU(sum, d, s.out + j);
  }
}

void add_noise(const NoiseStretch& s) noexcept {
  const hn::ScalableTag<float> d;
  const auto step = static_cast<int>(hn::Lanes(d));
  for (int j = 0; j < s.samples; j += step) {
    const auto ramp = hn::LoadU(d, s.ramp + j);
    auto sum = hn::LoadU(d, s.out + j);
    const float* noise = s.noise + j + s.taps;
    for (int i = 0; i < s.taps; ++i) {
      const auto tap = hn::MulAdd(hn::Set(d, s.slope[i]), ramp, hn::Set(d, s.from[i]));
      sum = hn::MulAdd(tap, hn::LoadU(d, noise - i), sum);
    }
    hn::StoreU(sum, d, s.out + j);
  }
}

void multiply(const float* matrix, const float* x, int rows, int columns, float* y) noexcept {
  const hn::CappedTag<float, kHarmonicNoisePadding> d;
  const auto step = static_cast<int>(hn::Lanes(d));
  for (int r = 0; r < rows; r += step) {
    auto sum = hn::Zero(d);
    for (int c = 0; c < columns; ++c) {
      sum = hn::MulAdd(hn::LoadU(d, matrix + c * rows + r), hn::Set(d, x[c]), sum);
    }
    hn::StoreU(sum, d, y + r);
  }
}

const HarmonicNoiseKernels* harmonic_noise_table() {
#if HWY_TARGET == HWY_AVX2
  constexpr const char* kName = "avx2";
#else
  constexpr const char* kName = "avx512";
#endif
  static constexpr HarmonicNoiseKernels kKernels{kName, &write_partials, &add_noise, &multiply};
  return &kKernels;
}

#else

const HarmonicNoiseKernels* harmonic_noise_table() {
  return nullptr;
}

#endif  // targets with fused multiply-add

}  // namespace HWY_NAMESPACE
}  // namespace ondes
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes {
namespace {

void write_partials_plainly(const PartialStretch& s) noexcept {
  for (int j = 0; j < s.samples; ++j) {
    float sum = 0.0F;
    for (int h = 0; h < s.partials; ++h) {
      const float own = exact::fma(s.turns[h], s.position[j], s.psi[h]);
      float x = exact::fma(static_cast<float>(h + 1), s.phase[j], own);
      x -= (x + 12582912.0F) - 12582912.0F;
      const float amplitude = exact::fma(s.slope[h], s.ramp[j], s.from[h]);
      sum = exact::fma(amplitude, exact::sin_turns(x), sum);
    }
    s.out[j] = sum;
  }
}

void add_noise_plainly(const NoiseStretch& s) noexcept {
  for (int j = 0; j < s.samples; ++j) {
    for (int i = 0; i < s.taps; ++i) {
      const float tap = exact::fma(s.slope[i], s.ramp[j], s.from[i]);
      s.out[j] = exact::fma(tap, s.noise[j + s.taps - i], s.out[j]);
    }
  }
}

void multiply_plainly(
    const float* matrix, const float* x, int rows, int columns, float* y) noexcept {
  for (int r = 0; r < rows; ++r) {
    float sum = 0.0F;
    for (int c = 0; c < columns; ++c) {
      sum = exact::fma(matrix[c * rows + r], x[c], sum);
    }
    y[r] = sum;
  }
}

}  // namespace

const HarmonicNoiseKernels* harmonic_noise_kernels(Isa isa) {
  static constexpr HarmonicNoiseKernels kPlain{"scalar", &write_partials_plainly,
                                               &add_noise_plainly, &multiply_plainly};
  if (isa == Isa::scalar) {
    return &kPlain;
  }
  return table_of_isa<HarmonicNoiseKernels>(isa, HWY_CHOOSE_AVX2(harmonic_noise_table),
                                            HWY_CHOOSE_AVX3(harmonic_noise_table),
                                            HWY_CHOOSE_AVX3_DL(harmonic_noise_table));
}

}  // namespace ondes
#endif  // HWY_ONCE
