// Non-owning views of multichannel data, passed by value.
//
// A frame is one instant of all channels. Storage is time-major: channel c of frame t stands at
// data[t * stride + c], stride >= channels. Bounds are asserted in debug builds only.
#pragma once
#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

namespace ondes {

template <typename T>
class BasicFrames {
 public:
  BasicFrames() = default;
  BasicFrames(T* data, int frames, int channels, int stride)
      : data_(data), frames_(frames), channels_(channels), stride_(stride) {
    assert(frames >= 0 && channels >= 0 && stride >= channels);
  }
  BasicFrames(T* data, int frames, int channels) : BasicFrames(data, frames, channels, channels) {}
  // A writable view is also a readable one.
  template <typename U>
  requires(std::is_same_v<const U, T> && !std::is_same_v<U, T>)
      BasicFrames(BasicFrames<U> other)  // NOLINT(google-explicit-constructor): a view conversion
      : BasicFrames(other.data(), other.frames(), other.channels(), other.stride()) {}

  T* data() const noexcept { return data_; }
  int frames() const noexcept { return frames_; }
  int channels() const noexcept { return channels_; }
  int stride() const noexcept { return stride_; }
  bool empty() const noexcept { return frames_ == 0; }

  std::span<T> operator[](int frame) const noexcept {
    assert(frame >= 0 && frame < frames_);
    return {data_ + static_cast<std::ptrdiff_t>(frame) * stride_,
            static_cast<std::size_t>(channels_)};
  }
  // Frames [first, first + count).
  BasicFrames subview(int first, int count) const noexcept {
    assert(first >= 0 && count >= 0 && first + count <= frames_);
    return {data_ + static_cast<std::ptrdiff_t>(first) * stride_, count, channels_, stride_};
  }

 private:
  T* data_ = nullptr;
  int frames_ = 0;
  int channels_ = 0;
  int stride_ = 0;
};

using Frames = BasicFrames<float>;
using ConstFrames = BasicFrames<const float>;

}  // namespace ondes
