// Streaming change of sample rate (soxr, very high quality: 28 bits, linear phase).
//
//   frames out = ceil(frames in * R_out / R_in), exactly, and frame n of the output stands at the
//   time n / R_out of the input: the filter's delay is taken out, the end is followed by silence.
//
// Any cutting of the input into blocks gives the same output. Equal rates copy. Memory is constant
// but for what is appended to the caller's vector.
// One thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/views.h"

namespace ondes {

// ceil(frames * out / in)
std::int64_t resampled_frames(std::int64_t frames, int in_rate_hz, int out_rate_hz) noexcept;

class Resampler {
 public:
  // Throws Error{usage} unless both rates and the channels are positive.
  Resampler(int in_rate_hz, int out_rate_hz, int channels);
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;

  // Appends what can be told by now, interleaved.
  void process(ConstFrames in, std::vector<float>& out);
  // Appends the rest; afterwards only destruction is left.
  void finish(std::vector<float>& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ondes
