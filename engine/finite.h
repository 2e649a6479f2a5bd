// Which samples are finite numbers: neither NaN nor infinite.
//
// A network that diverges and a device that has failed both give samples that are none; every way to
// a file and to the ears looks for them. The exponent's bits are compared, not the numbers: that is
// eight samples an instruction, and no compiler's idea of floats can take it away.
//
// Any thread; nothing allocates.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

inline bool all_finite(std::span<const float> x) noexcept ONDES_REALTIME {
  constexpr std::uint32_t kExponent = 0x7F800000U;
  std::uint32_t found = 0;
  for (const float value : x) {
    found |=
        static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent);
  }
  return found == 0;
}

// How many frames stand before the first one with such a sample; all of them if there is none.
inline int finite_frames(ConstFrames x) noexcept ONDES_REALTIME {
  if (x.stride() == x.channels() &&
      all_finite({x.data(),
                  static_cast<std::size_t>(x.frames()) * static_cast<std::size_t>(x.channels())})) {
    return x.frames();
  }
  int frames = 0;
  while (frames < x.frames() && all_finite(x[frames])) {
    ++frames;
  }
  return frames;
}

}  // namespace ondes
