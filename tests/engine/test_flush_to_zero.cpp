#include <catch2/catch.hpp>
#include <cfenv>
#include <limits>
#include <thread>

#include "engine/flush_to_zero.h"

namespace {

using ondes::FlushToZeroScope;

// volatile: the arithmetic must happen at run time, under the mode in force.
volatile float smallest_normal = std::numeric_limits<float>::min();
volatile float half = 0.5F;

// A result below the smallest normal number.
float denormal_result() {
  return smallest_normal * half;
}

// A denormal operand made large.
float scaled_denormal() {
  volatile float denormal = std::numeric_limits<float>::denorm_min();
  volatile float scale = 1e38F;
  return denormal * scale;
}

}  // namespace

TEST_CASE("without a scope denormal numbers survive") {
  CHECK(denormal_result() > 0.0F);
  CHECK(scaled_denormal() > 0.0F);
}

TEST_CASE("inside a scope denormal results and operands are zero, and afterwards they are not") {
  if (!ondes::kFlushToZeroSupported) {
    WARN("skipped: this processor has no flush-to-zero mode known to engine/flush_to_zero.h");
    return;
  }
  {
    const FlushToZeroScope scope;
    CHECK(denormal_result() == 0.0F);
    CHECK(scaled_denormal() == 0.0F);
  }
  CHECK(denormal_result() > 0.0F);
  CHECK(scaled_denormal() > 0.0F);
}

TEST_CASE("an inner scope leaves the outer one in force") {
  if (!ondes::kFlushToZeroSupported) {
    return;
  }
  const FlushToZeroScope outer;
  { const FlushToZeroScope inner; }
  CHECK(denormal_result() == 0.0F);
}

TEST_CASE("the rounding mode is left alone") {
  REQUIRE(std::fesetround(FE_UPWARD) == 0);
  {
    const FlushToZeroScope scope;
    CHECK(std::fegetround() == FE_UPWARD);
  }
  CHECK(std::fegetround() == FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}

TEST_CASE("a scope on another thread does not reach this one") {
  float flushed = 1.0F;
  std::thread([&] {
    const FlushToZeroScope scope;
    flushed = denormal_result();
  }).join();
  CHECK(denormal_result() > 0.0F);
  CHECK((flushed == 0.0F || !ondes::kFlushToZeroSupported));
}
