// Alignments against those of librosa (exact) and of the Python package fastdtw
// (tests/golden/dtw/make_golden.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dsp/dtw.h"
#include "tests/support/golden_values.h"
#include "tests/support/npy_values.h"

using namespace ondes;

namespace {

NpyValues<double> load(const std::string& name) {
  return read_npy_doubles(golden_path("dtw/" + name + ".npy"));
}

struct Features {
  explicit Features(const std::string& name) {
    const NpyValues<double> array = load(name);
    frames = static_cast<int>(array.shape.at(0));
    columns = static_cast<int>(array.shape.at(1));
    for (const double value : array.values) {
      values.push_back(static_cast<float>(value));  // they were float32
    }
  }
  ConstFrames view() const { return {values.data(), frames, columns}; }

  std::vector<float> values;
  int frames = 0;
  int columns = 0;
};

std::vector<DtwStep> load_path(const std::string& name) {
  std::vector<DtwStep> path;
  const NpyValues<double> array = load(name);
  for (std::size_t i = 0; i < array.values.size(); i += 2) {
    path.push_back({static_cast<std::int32_t>(array.values[i]),
                    static_cast<std::int32_t>(array.values[i + 1])});
  }
  return path;
}

struct Case {
  explicit Case(const std::string& case_name)
      : name(case_name), a(name + ".a"), b(name + ".b"), costs(load(name + ".costs").values) {}
  std::string name;
  Features a;
  Features b;
  std::vector<double> costs;  // librosa, fastdtw radius 1, radius 3
};

// Sums of some hundred terms in double, in other orders of addition.
constexpr double kTolerance = 1e-12;

}  // namespace

TEST_CASE("exact DTW finds librosa's path and cost") {
  for (const char* name : {"plain", "long", "short"}) {
    CAPTURE(name);
    const Case c(name);
    const DtwAlignment fast = dtw(c.a.view(), c.b.view());
    const DtwAlignment judge = dtw_double(c.a.view(), c.b.view());
    CHECK(fast.path == load_path(c.name + ".librosa"));
    CHECK(judge.path == load_path(c.name + ".librosa"));
    CHECK(fast.total_cost == Approx(c.costs[0]).epsilon(kTolerance));
    CHECK(judge.total_cost == Approx(c.costs[0]).epsilon(kTolerance));
  }
}

TEST_CASE("where ways tie, the cost is librosa's") {
  // The path may differ: sums that are equal in exact arithmetic differ in their last bits by the
  // order of addition.
  const Case c("ties");
  CHECK(dtw_double(c.a.view(), c.b.view()).total_cost == Approx(c.costs[0]).epsilon(kTolerance));
  // Of float sums below 64, two that tie may be taken for different by some 1e-5.
  CHECK(dtw(c.a.view(), c.b.view()).total_cost == Approx(c.costs[0]).epsilon(1e-6));
}

TEST_CASE("fast DTW takes the path of the package fastdtw, ties included") {
  for (const char* name : {"plain", "long", "short", "ties"}) {
    CAPTURE(name);
    const Case c(name);
    const DtwAlignment one = fast_dtw(c.a.view(), c.b.view(), 1);
    CHECK(one.path == load_path(c.name + ".fastdtw_1"));
    CHECK(one.total_cost == Approx(c.costs[1]).epsilon(kTolerance));
    const DtwAlignment three = fast_dtw(c.a.view(), c.b.view(), 3);
    CHECK(three.path == load_path(c.name + ".fastdtw_3"));
    CHECK(three.total_cost == Approx(c.costs[2]).epsilon(kTolerance));
  }
}
