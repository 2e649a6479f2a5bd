// Seeded uniform numbers for the random networks of tests and benches.
//
// Any thread, one at a time for each object.
#pragma once
#include <cstdint>

#include "engine/random/philox.h"

namespace ondes {

// The numbers of one tensor: Philox keyed by the seed, the tensor's index as identity.
class UniformWeights {
 public:
  UniformWeights(std::uint64_t seed, std::uint64_t identity) : seed_(seed), identity_(identity) {}

  // In (-limit, limit).
  float next(float limit) {
    if (position_ % 4 == 0) {
      block_ = philox_draw(seed_, identity_, position_ / 4);
    }
    return (2.0F * uniform_open(block_[position_++ % 4]) - 1.0F) * limit;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t identity_;
  std::uint64_t position_ = 0;
  PhiloxBlock block_{};
};

}  // namespace ondes
