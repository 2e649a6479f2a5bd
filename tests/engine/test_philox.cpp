// Philox4x32-10 against the known answers published with Random123 (kat_vectors, Salmon et al.).
#include <catch2/catch.hpp>

#include "engine/random/philox.h"

namespace ondes {
namespace {

TEST_CASE("Philox4x32-10 gives the published known answers") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        PhiloxBlock{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U});
  CHECK(philox4x32({0xffffffffU, 0xffffffffU, 0xffffffffU, 0xffffffffU},
                   {0xffffffffU, 0xffffffffU}) ==
        PhiloxBlock{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU});
  CHECK(philox4x32({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U},
                   {0xa4093822U, 0x299f31d0U}) ==
        PhiloxBlock{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("a draw is Philox at (sample, identity) under the seed") {
  CHECK(philox_draw(0x299f31d0a4093822ULL, 0x0370734413198a2eULL, 0x85a308d3243f6a88ULL) ==
        PhiloxBlock{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("uniform numbers stay inside the open interval") {
  CHECK(uniform_open(0) > 0.0F);
  CHECK(uniform_open(0xFFFFFFFFU) < 1.0F);
  CHECK(uniform_open(0x80000000U) > 0.5F);
  CHECK(uniform_open(0x7FFFFFFFU) < 0.5F);
}

}  // namespace
}  // namespace ondes
