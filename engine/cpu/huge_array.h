// Memory for weights and histories: zeroed, cache-line aligned, in huge pages where it is large.
//
// A working set of a megabyte spans 280 small pages, more than the first-level TLB holds; in one
// huge page it spans one entry. The advice is given before the first touch, and ignored without
// harm. Set-up thread: allocate().
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace ondes {

class HugeArray {
 public:
  // Replaces the contents by `bytes` zeros.
  void allocate(std::size_t bytes) {
    const bool large = bytes >= kHugePageBytes / 2;
    const std::size_t alignment = large ? kHugePageBytes : kSmallAlignment;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
    if (memory_ == nullptr && bytes != 0) {
      throw std::bad_alloc();
    }
#ifdef __linux__
    if (large) {
      madvise(memory_.get(), rounded, MADV_HUGEPAGE);
    }
#endif
    if (memory_ != nullptr) {
      std::memset(memory_.get(), 0, bytes);
    }
    bytes_ = bytes;
  }
  std::byte* data() noexcept {
    return memory_.get();
  }
  const std::byte* data() const noexcept {
    return memory_.get();
  }
  std::size_t bytes() const noexcept {
    return bytes_;
  }

 private:
  static constexpr std::size_t kHugePageBytes = std::size_t{1} << 21U;
  static constexpr std::size_t kSmallAlignment = 64;
  struct Free {
    void operator()(std::byte* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace ondes
