// The only owner of sample memory: 64-byte aligned, zeroed, sized once at set-up.
//
// Set-up thread: constructor, allocate(). Any thread: everything else.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "engine/views.h"

namespace ondes {

inline constexpr std::size_t kBufferAlignmentBytes = 64;  // one cache line, one AVX-512 register

template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(std::size_t size) { allocate(size); }

  // Replaces the contents by `size` zeros. The only member that allocates.
  void allocate(std::size_t size) {
    const std::size_t bytes = (size * sizeof(T) + kBufferAlignmentBytes - 1) /
                              kBufferAlignmentBytes * kBufferAlignmentBytes;
    void* memory = bytes == 0 ? nullptr : std::aligned_alloc(kBufferAlignmentBytes, bytes);
    if (bytes != 0 && memory == nullptr) {
      throw std::bad_alloc();
    }
    if (memory != nullptr) {
      std::memset(memory, 0, bytes);
    }
    data_.reset(static_cast<T*>(memory));
    size_ = size;
  }
  void zero() noexcept {
    if (size_ != 0) {
      std::memset(data_.get(), 0, size_ * sizeof(T));
    }
  }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_.get()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_.get()[i]; }
  std::span<T> span() noexcept { return {data_.get(), size_}; }
  std::span<const T> span() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(T* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

// Frames with their memory.
class Buffer {
 public:
  Buffer() = default;
  Buffer(int frames, int channels) { allocate(frames, channels); }
  void allocate(int frames, int channels) {
    memory_.allocate(static_cast<std::size_t>(frames) * static_cast<std::size_t>(channels));
    frames_ = frames;
    channels_ = channels;
  }
  void zero() noexcept { memory_.zero(); }
  Frames view() noexcept { return {memory_.data(), frames_, channels_}; }
  ConstFrames view() const noexcept { return {memory_.data(), frames_, channels_}; }
  int frames() const noexcept { return frames_; }
  int channels() const noexcept { return channels_; }

 private:
  AlignedArray<float> memory_;
  int frames_ = 0;
  int channels_ = 0;
};

}  // namespace ondes
