// Forward real FFT of one fixed size, with its own aligned input and output.
//
//   output()[k] = sum over n of input()[n] * exp(-2 pi i k n / N),   k = 0 .. N/2
//
// The plan is an estimated one (never measured), so two runs of a program take the same steps and
// round alike. FFTW's planner is not thread-safe: one process-wide mutex stands around it here.
//
// Set-up thread: constructor, destructor. One thread at a time: everything else.
#pragma once
#include <complex>
#include <span>

#include "engine/realtime.h"

struct fftwf_plan_s;

namespace ondes {

class RealFft {
 public:
  // Throws Error{usage} if size < 2 or odd.
  explicit RealFft(int size);
  ~RealFft();
  RealFft(RealFft&& other) noexcept;
  RealFft& operator=(RealFft&& other) noexcept;
  RealFft(const RealFft&) = delete;
  RealFft& operator=(const RealFft&) = delete;

  int size() const noexcept { return size_; }
  int bins() const noexcept { return size_ / 2 + 1; }
  std::span<float> input() noexcept { return {input_, static_cast<std::size_t>(size_)}; }
  std::span<const std::complex<float>> output() const noexcept {
    return {output_, static_cast<std::size_t>(bins())};
  }
  // Transforms input() into output(); input() keeps its values.
  void transform() noexcept ONDES_REALTIME;

 private:
  void release() noexcept;

  int size_ = 0;
  float* input_ = nullptr;
  std::complex<float>* output_ = nullptr;
  fftwf_plan_s* plan_ = nullptr;
};

}  // namespace ondes
