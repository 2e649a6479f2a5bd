// The comparator that tests rely on (tests/support/largest_difference.h).
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

#include "tests/support/largest_difference.h"

using namespace ondes;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const std::vector<float> kSamples{0.0F, -0.5F, 0.25F, 1.0F};

}  // namespace

TEST_CASE("the largest difference is found wherever it stands, and whatever its sign") {
  CHECK(largest_difference(kSamples, kSamples) == 0.0);
  CHECK(largest_difference(std::vector<float>{}, std::vector<float>{}) == 0.0);
  for (std::size_t i = 0; i < kSamples.size(); ++i) {
    for (const float by : {0.125F, -0.125F}) {
      std::vector<float> other = kSamples;
      other[i] += by;
      CHECK(largest_difference(other, kSamples) == 0.125);
      CHECK(largest_difference(kSamples, other) == 0.125);
    }
  }
  const std::vector<double> flipped{0.0, 0.5, -0.25, -1.0};
  CHECK(largest_difference(kSamples, flipped) == 2.0);
}

TEST_CASE("a NaN, an infinity or another length passes no tolerance and shows no difference") {
  const auto refused = [](const std::vector<float>& found, const std::vector<float>& expected) {
    const double difference = largest_difference(found, expected);
    CHECK_FALSE(difference <= std::numeric_limits<double>::infinity());
    CHECK_FALSE(difference > 0.0);
  };
  for (std::size_t i = 0; i < kSamples.size(); ++i) {
    for (const float wrong : {kNan, kInfinity, -kInfinity}) {
      std::vector<float> other = kSamples;
      other[i] = wrong;
      refused(other, kSamples);
      refused(kSamples, other);
      refused(other, other);
    }
  }
  refused({kSamples.begin(), kSamples.end() - 1}, kSamples);
  refused(kSamples, {});
}
