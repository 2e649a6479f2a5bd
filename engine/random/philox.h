// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3" (SC 2011). Pure function of (key, counter): no state, no order, no sharing.
//
// Ondes keys it with the render's seed; the counter holds the sample index (low 64 bits) and the
// lane's identity (high 64 bits), so that a note draws the same numbers alone, in a chord, in a
// batch.
#pragma once
#include <array>
#include <cstdint>

namespace ondes {

using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

// The draws of one sample of one lane.
constexpr PhiloxBlock philox_draw(std::uint64_t seed,
                                  std::uint64_t identity,
                                  std::uint64_t sample) noexcept {
  return philox4x32(
      {static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32U),
       static_cast<std::uint32_t>(identity), static_cast<std::uint32_t>(identity >> 32U)},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)});
}

// Uniform in the open interval (0, 1): 23 bits, centred in their cells, exact in float.
constexpr float uniform_open(std::uint32_t bits) noexcept {
  return (static_cast<float>(bits >> 9U) + 0.5F) * (1.0F / 8388608.0F);
}

}  // namespace ondes
