#include "dsp/fft.h"

#include <fftw3.h>

#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "engine/error.h"

namespace ondes {

namespace {

std::mutex& planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

void require_even(int size) {
  if (size < 2 || size % 2 != 0) {
    throw Error(ErrorCode::usage,
                "FFT size: expected an even number of at least 2, found " + std::to_string(size));
  }
}

}  // namespace

FftPlan::FftPlan(int size, Direction direction) : size_(size) {
  require_even(size);
  const std::lock_guard lock(planner_mutex());
  // std::complex<float> and fftwf_complex have the same layout by both standards.
  real_ = fftwf_alloc_real(static_cast<std::size_t>(size));
  auto* complex = fftwf_alloc_complex(static_cast<std::size_t>(bins()));
  complex_ = reinterpret_cast<std::complex<float>*>(complex);
  if (real_ != nullptr && complex != nullptr) {
    constexpr unsigned kFlags = FFTW_ESTIMATE | FFTW_PRESERVE_INPUT;
    plan_ = direction == Direction::forward ? fftwf_plan_dft_r2c_1d(size, real_, complex, kFlags)
                                            : fftwf_plan_dft_c2r_1d(size, complex, real_, kFlags);
  }
  if (plan_ == nullptr) {
    fftwf_free(real_);
    fftwf_free(complex_);
    throw std::bad_alloc();
  }
}

FftPlan::~FftPlan() {
  release();
}

FftPlan::FftPlan(FftPlan&& other) noexcept
    : size_(std::exchange(other.size_, 0)),
      real_(std::exchange(other.real_, nullptr)),
      complex_(std::exchange(other.complex_, nullptr)),
      plan_(std::exchange(other.plan_, nullptr)) {}

FftPlan& FftPlan::operator=(FftPlan&& other) noexcept {
  if (this != &other) {
    release();
    size_ = std::exchange(other.size_, 0);
    real_ = std::exchange(other.real_, nullptr);
    complex_ = std::exchange(other.complex_, nullptr);
    plan_ = std::exchange(other.plan_, nullptr);
  }
  return *this;
}

void FftPlan::execute() const noexcept {
  fftwf_execute(plan_);
}

void FftPlan::release() noexcept {
  if (plan_ != nullptr) {
    const std::lock_guard lock(planner_mutex());
    fftwf_destroy_plan(plan_);
    fftwf_free(real_);
    fftwf_free(complex_);
  }
}

void InverseRealFft::transform() noexcept {
  plan_.execute();
  const float scale = 1.0F / static_cast<float>(size());
  for (float& value : plan_.real()) {
    value *= scale;
  }
}

RealFftDouble::RealFftDouble(int size) : size_(size) {
  require_even(size);
  const std::lock_guard lock(planner_mutex());
  real_ = fftw_alloc_real(static_cast<std::size_t>(size));
  auto* complex = fftw_alloc_complex(static_cast<std::size_t>(bins()));
  complex_ = reinterpret_cast<std::complex<double>*>(complex);
  if (real_ != nullptr && complex != nullptr) {
    plan_ = fftw_plan_dft_r2c_1d(size, real_, complex, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
  }
  if (plan_ == nullptr) {
    fftw_free(real_);
    fftw_free(complex_);
    throw std::bad_alloc();
  }
}

RealFftDouble::~RealFftDouble() {
  const std::lock_guard lock(planner_mutex());
  fftw_destroy_plan(plan_);
  fftw_free(real_);
  fftw_free(complex_);
}

void RealFftDouble::transform() noexcept {
  fftw_execute(plan_);
}

}  // namespace ondes
