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

}  // namespace

RealFft::RealFft(int size) : size_(size) {
  if (size < 2 || size % 2 != 0) {
    throw Error(ErrorCode::usage,
                "FFT size: expected an even number of at least 2, found " + std::to_string(size));
  }
  const std::lock_guard lock(planner_mutex());
  // std::complex<float> and fftwf_complex have the same layout by both standards.
  input_ = fftwf_alloc_real(static_cast<std::size_t>(size));
  auto* output = fftwf_alloc_complex(static_cast<std::size_t>(bins()));
  output_ = reinterpret_cast<std::complex<float>*>(output);
  if (input_ != nullptr && output != nullptr) {
    plan_ = fftwf_plan_dft_r2c_1d(size, input_, output, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
  }
  if (plan_ == nullptr) {
    fftwf_free(input_);
    fftwf_free(output_);
    throw std::bad_alloc();
  }
}

RealFft::~RealFft() {
  release();
}

RealFft::RealFft(RealFft&& other) noexcept
    : size_(std::exchange(other.size_, 0)),
      input_(std::exchange(other.input_, nullptr)),
      output_(std::exchange(other.output_, nullptr)),
      plan_(std::exchange(other.plan_, nullptr)) {}

RealFft& RealFft::operator=(RealFft&& other) noexcept {
  if (this != &other) {
    release();
    size_ = std::exchange(other.size_, 0);
    input_ = std::exchange(other.input_, nullptr);
    output_ = std::exchange(other.output_, nullptr);
    plan_ = std::exchange(other.plan_, nullptr);
  }
  return *this;
}

void RealFft::transform() noexcept {
  fftwf_execute(plan_);
}

void RealFft::release() noexcept {
  if (plan_ != nullptr) {
    const std::lock_guard lock(planner_mutex());
    fftwf_destroy_plan(plan_);
    fftwf_free(input_);
    fftwf_free(output_);
  }
}

}  // namespace ondes
