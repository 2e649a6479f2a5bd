// Denormal numbers are flushed to zero while an object of this type lives, on the thread that made
// it.
//
// A decaying signal that sinks below 1.2e-38 would otherwise cost a hundred cycles an operation on
// many processors. x86: FTZ and DAZ of MXCSR. arm64: FZ of FPCR. Elsewhere: nothing, and
// kFlushToZeroSupported says so. Scopes nest; each restores what it found.
//
// Any thread; no allocation, no kernel call. Objects must die on the thread that made them.
#pragma once
#include <cstdint>

#include "engine/realtime.h"

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#define ONDES_FLUSH_TO_ZERO_X86 1
#elif defined(__aarch64__)
#define ONDES_FLUSH_TO_ZERO_ARM64 1
#endif

namespace ondes {

#if defined(ONDES_FLUSH_TO_ZERO_X86) || defined(ONDES_FLUSH_TO_ZERO_ARM64)
inline constexpr bool kFlushToZeroSupported = true;
#else
inline constexpr bool kFlushToZeroSupported = false;
#endif

class FlushToZeroScope {
 public:
  FlushToZeroScope() noexcept ONDES_REALTIME : saved_(read()) { write(saved_ | kBits); }
  ~FlushToZeroScope() ONDES_REALTIME { write(saved_); }
  FlushToZeroScope(const FlushToZeroScope&) = delete;
  FlushToZeroScope& operator=(const FlushToZeroScope&) = delete;

 private:
#if defined(ONDES_FLUSH_TO_ZERO_X86)
  using Register = std::uint32_t;
  static constexpr Register kBits = 0x8040U;  // bit 15 FTZ: results, bit 6 DAZ: operands
  static Register read() noexcept {
    return _mm_getcsr();
  }
  static void write(Register value) noexcept {
    _mm_setcsr(value);
  }
#elif defined(ONDES_FLUSH_TO_ZERO_ARM64)
  using Register = std::uint64_t;
  static constexpr Register kBits = std::uint64_t{1} << 24U;  // FZ: results and operands
  static Register read() noexcept {
    Register value = 0;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) noexcept {
    asm volatile("msr fpcr, %0" : : "r"(value));
  }
#else
  using Register = std::uint32_t;
  static constexpr Register kBits = 0;
  static Register read() noexcept {
    return 0;
  }
  static void write(Register) noexcept {}
#endif

  Register saved_;
};

}  // namespace ondes

#undef ONDES_FLUSH_TO_ZERO_X86
#undef ONDES_FLUSH_TO_ZERO_ARM64
