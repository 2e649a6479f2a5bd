#include "dsp/resample.h"

#include <soxr.h>

#include <algorithm>
#include <string>

#include "engine/error.h"

namespace ondes {

namespace {

constexpr int kBlockFrames = 4096;

[[noreturn]] void fail(const char* reason) {
  throw Error(ErrorCode::usage, std::string("resampling: ") + reason);
}

}  // namespace

std::int64_t resampled_frames(std::int64_t frames, int in_rate_hz, int out_rate_hz) noexcept {
  // Whole seconds apart, so that the product cannot overflow.
  const std::int64_t seconds = frames / in_rate_hz;
  const std::int64_t rest = frames % in_rate_hz;
  return seconds * out_rate_hz + (rest * out_rate_hz + in_rate_hz - 1) / in_rate_hz;
}

struct Resampler::Impl {
  int in_rate_hz;
  int out_rate_hz;
  int channels;
  soxr_t soxr = nullptr;  // none where the rates are equal
  std::int64_t frames_in = 0;
  std::int64_t frames_out = 0;
  std::vector<float> packed;
  std::vector<float> made;

  Impl(int in_rate, int out_rate, int channel_count)
      : in_rate_hz(in_rate), out_rate_hz(out_rate), channels(channel_count) {
    if (in_rate < 1 || out_rate < 1 || channel_count < 1) {
      throw Error(ErrorCode::usage, "resampling: expected positive rates and channels, found " +
                                        std::to_string(in_rate) + " Hz to " +
                                        std::to_string(out_rate) + " Hz, " +
                                        std::to_string(channel_count) + " channels");
    }
    made.resize(static_cast<std::size_t>(kBlockFrames) * static_cast<std::size_t>(channels));
    if (in_rate == out_rate) {
      return;
    }
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
    const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);  // one thread: one order of sums
    soxr_error_t error = nullptr;
    soxr = soxr_create(in_rate, out_rate, static_cast<unsigned>(channels), &error, &io, &quality,
                       &runtime);
    if (error != nullptr) {
      fail(soxr_strerror(error));
    }
  }
  ~Impl() {
    if (soxr != nullptr) {
      soxr_delete(soxr);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Appends at most as many frames as the input so far is worth.
  void append(const float* frames, std::size_t count, std::vector<float>& out) {
    const std::int64_t due = resampled_frames(frames_in, in_rate_hz, out_rate_hz) - frames_out;
    const std::int64_t taken = std::clamp<std::int64_t>(due, 0, static_cast<std::int64_t>(count));
    out.insert(out.end(), frames, frames + taken * channels);
    frames_out += taken;
  }

  // in == nullptr: the end. Returns the frames made in the last round.
  void run(const float* in, std::size_t frames, std::vector<float>& out) {
    std::size_t done = 0;
    for (;;) {
      std::size_t taken = 0;
      std::size_t count = 0;
      const float* rest = in == nullptr ? nullptr : in + done * static_cast<std::size_t>(channels);
      const soxr_error_t error = soxr_process(soxr, rest, in == nullptr ? 0 : frames - done, &taken,
                                              made.data(), kBlockFrames, &count);
      if (error != nullptr) {
        fail(soxr_strerror(error));
      }
      done += taken;
      append(made.data(), count, out);
      if (count == 0 && (in == nullptr || done == frames)) {
        return;
      }
    }
  }
};

Resampler::Resampler(int in_rate_hz, int out_rate_hz, int channels)
    : impl_(std::make_unique<Impl>(in_rate_hz, out_rate_hz, channels)) {}
Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

void Resampler::process(ConstFrames in, std::vector<float>& out) {
  if (in.channels() != impl_->channels) {
    throw Error(ErrorCode::usage, "resampling: expected blocks of " +
                                      std::to_string(impl_->channels) + " channels, found " +
                                      std::to_string(in.channels()));
  }
  if (in.empty()) {
    return;
  }
  const float* samples = in.data();
  if (in.stride() != in.channels()) {
    impl_->packed.clear();
    for (int t = 0; t < in.frames(); ++t) {
      const auto frame = in[t];
      impl_->packed.insert(impl_->packed.end(), frame.begin(), frame.end());
    }
    samples = impl_->packed.data();
  }
  impl_->frames_in += in.frames();
  if (impl_->soxr == nullptr) {
    impl_->append(samples, static_cast<std::size_t>(in.frames()), out);
  } else {
    impl_->run(samples, static_cast<std::size_t>(in.frames()), out);
  }
}

void Resampler::finish(std::vector<float>& out) {
  if (impl_->soxr != nullptr && impl_->frames_in > 0) {
    impl_->run(nullptr, 0, out);
  }
  // soxr rounds the length to the nearest frame; the last one may be missing and lies past the end.
  const std::int64_t missing =
      resampled_frames(impl_->frames_in, impl_->in_rate_hz, impl_->out_rate_hz) - impl_->frames_out;
  out.insert(out.end(), static_cast<std::size_t>(missing * impl_->channels), 0.0F);
  impl_->frames_out += missing;
}

}  // namespace ondes
