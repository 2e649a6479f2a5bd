// Real FFTs of one fixed size, forward and inverse, with their own aligned input and output.
//
//   output()[k] = sum over n of input()[n] * exp(-2 pi i k n / N),   k = 0 .. N/2
//
// and back, scaled so that the inverse of a transform is its input. The imaginary parts of the
// first and the last bin have no meaning there and are ignored.
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
struct fftw_plan_s;

namespace ondes {

// The memory and the plan of one transform: the only owner of FFTW's plans.
class FftPlan {
 public:
  enum class Direction { forward, inverse };
  // Throws Error{usage} if size < 2 or odd.
  FftPlan(int size, Direction direction);
  ~FftPlan();
  FftPlan(FftPlan&& other) noexcept;
  FftPlan& operator=(FftPlan&& other) noexcept;
  FftPlan(const FftPlan&) = delete;
  FftPlan& operator=(const FftPlan&) = delete;

  int size() const noexcept { return size_; }
  int bins() const noexcept { return size_ / 2 + 1; }
  std::span<float> real() const noexcept { return {real_, static_cast<std::size_t>(size_)}; }
  std::span<std::complex<float>> complex() const noexcept {
    return {complex_, static_cast<std::size_t>(bins())};
  }
  void execute() const noexcept ONDES_REALTIME;

 private:
  void release() noexcept;

  int size_ = 0;
  float* real_ = nullptr;
  std::complex<float>* complex_ = nullptr;
  fftwf_plan_s* plan_ = nullptr;
};

class RealFft {
 public:
  // Throws Error{usage} if size < 2 or odd.
  explicit RealFft(int size) : plan_(size, FftPlan::Direction::forward) {}

  int size() const noexcept { return plan_.size(); }
  int bins() const noexcept { return plan_.bins(); }
  std::span<float> input() noexcept { return plan_.real(); }
  std::span<const std::complex<float>> output() const noexcept { return plan_.complex(); }
  // Transforms input() into output(); input() keeps its values.
  void transform() noexcept ONDES_REALTIME { plan_.execute(); }

 private:
  FftPlan plan_;
};

class InverseRealFft {
 public:
  // Throws Error{usage} if size < 2 or odd.
  explicit InverseRealFft(int size) : plan_(size, FftPlan::Direction::inverse) {}

  int size() const noexcept { return plan_.size(); }
  int bins() const noexcept { return plan_.bins(); }
  std::span<std::complex<float>> input() noexcept { return plan_.complex(); }
  std::span<const float> output() const noexcept { return plan_.real(); }
  // Transforms input() into output(), divided by the size; input() keeps its values.
  void transform() noexcept ONDES_REALTIME;

 private:
  FftPlan plan_;
};

// The forward transform in double precision, for analyses whose answer spans more than the 130 dB
// that float holds.
class RealFftDouble {
 public:
  // Throws Error{usage} if size < 2 or odd.
  explicit RealFftDouble(int size);
  ~RealFftDouble();
  RealFftDouble(const RealFftDouble&) = delete;
  RealFftDouble& operator=(const RealFftDouble&) = delete;

  int size() const noexcept { return size_; }
  int bins() const noexcept { return size_ / 2 + 1; }
  std::span<double> input() noexcept { return {real_, static_cast<std::size_t>(size_)}; }
  std::span<const std::complex<double>> output() const noexcept {
    return {complex_, static_cast<std::size_t>(bins())};
  }
  void transform() noexcept ONDES_REALTIME;

 private:
  int size_ = 0;
  double* real_ = nullptr;
  std::complex<double>* complex_ = nullptr;
  fftw_plan_s* plan_ = nullptr;
};

}  // namespace ondes
