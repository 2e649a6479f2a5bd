#include <hwy/targets.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "dsp/dtw.h"
#include "engine/error.h"

using namespace ondes;

namespace {

struct Features {
  Features(int frame_count, int column_count)
      : values(static_cast<std::size_t>(frame_count) * static_cast<std::size_t>(column_count)),
        frames(frame_count),
        columns(column_count) {}
  ConstFrames view() const { return {values.data(), frames, columns}; }

  std::vector<float> values;
  int frames;
  int columns;
};

// A random walk, so that near frames are alike, as features of sounds are.
Features walk(int frames, int columns, unsigned seed) {
  Features x(frames, columns);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  const auto width = static_cast<std::size_t>(columns);
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    x.values[i] = normal(generator) + (i < width ? 0.0F : x.values[i - width]);
  }
  return x;
}

bool steps_are_legal(const std::vector<DtwStep>& path, int a_frames, int b_frames) {
  bool legal = path.front() == DtwStep{0, 0} && path.back() == DtwStep{a_frames - 1, b_frames - 1};
  for (std::size_t i = 1; i < path.size(); ++i) {
    const int a = path[i].a - path[i - 1].a;
    const int b = path[i].b - path[i - 1].b;
    legal = legal && a >= 0 && a <= 1 && b >= 0 && b <= 1 && a + b >= 1;
  }
  return legal;
}

// Above the optimum by what float sums of up to 1000 terms hide; measured 3e-8 on these pairs.
constexpr double kTolerance = 1e-6;

std::vector<std::int64_t> targets_here() {
  std::vector<std::int64_t> targets;
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    targets.push_back(left & -left);
  }
  return targets;
}

}  // namespace

TEST_CASE("two times one sequence cost nothing along the diagonal") {
  const Features x = walk(100, 13, 1);
  const DtwAlignment alignment = dtw(x.view(), x.view());
  CHECK(alignment.total_cost == 0.0);
  REQUIRE(alignment.path.size() == 100);
  CHECK(alignment.path[57] == DtwStep{57, 57});
  CHECK(alignment.cells == 100 * 100);
}

TEST_CASE("a pair worked by hand") {
  Features a(3, 1);
  a.values = {0.0F, 1.0F, 3.0F};
  Features b(4, 1);
  b.values = {0.0F, 2.0F, 3.0F, 3.0F};
  // c = |0 2 3 3 / 1 1 2 2 / 3 1 0 0|: 0, then 1 to 2 costs 1, 3 to both 3s nothing.
  const std::vector<DtwStep> path = {{0, 0}, {1, 1}, {2, 2}, {2, 3}};
  for (const DtwAlignment& alignment :
       {dtw(a.view(), b.view()), dtw_double(a.view(), b.view()), fast_dtw(a.view(), b.view())}) {
    CHECK(alignment.path == path);
    CHECK(alignment.total_cost == 1.0);
    CHECK(alignment.mean_cost() == 0.25);
    CHECK(alignment.cost_per_frame_of_both() == Approx(1.0 / 7.0));
  }
}

TEST_CASE("every instruction set finds the same path, as good as the double judge's") {
  const auto targets = targets_here();
  WARN(targets.size() << " instruction sets");
  unsigned seed = 10;
  for (const int frames : {1, 2, 7, 8, 15, 16, 17, 33, 100, 401}) {
    for (const int other : {1, 3, 16, 31, 128, 350}) {
      const Features a = walk(frames, 1 + frames % 30, ++seed);
      const Features b = walk(other, 1 + frames % 30, ++seed);
      const DtwAlignment judge = dtw_double(a.view(), b.view());
      std::vector<DtwStep> first;
      for (const std::int64_t target : targets) {
        hwy::SetSupportedTargetsForTest(target);
        CAPTURE(frames, other, hwy::TargetName(target));
        const DtwAlignment alignment = dtw(a.view(), b.view());
        CHECK(steps_are_legal(alignment.path, frames, other));
        CHECK(alignment.total_cost >= judge.total_cost * (1.0 - 1e-12));
        CHECK(alignment.total_cost <= judge.total_cost * (1.0 + kTolerance));
        if (first.empty()) {
          first = alignment.path;
        }
        CHECK(alignment.path == first);
      }
      hwy::SetSupportedTargetsForTest(0);
    }
  }
}

TEST_CASE("a band leaves out cells and agrees with the judge within the same band") {
  const Features a = walk(203, 12, 3);
  const Features b = walk(288, 12, 4);
  const double free_cost = dtw(a.view(), b.view()).total_cost;
  std::int64_t cells_before = 0;
  for (const std::int64_t band : {1, 3, 10, 50, 200}) {
    const DtwOptions options{.band_frames = band};
    const DtwAlignment judge = dtw_double(a.view(), b.view(), options);
    const DtwAlignment alignment = dtw(a.view(), b.view(), options);
    CAPTURE(band);
    CHECK(alignment.total_cost <= judge.total_cost * (1.0 + kTolerance));
    CHECK(alignment.total_cost >= judge.total_cost * (1.0 - 1e-12));
    CHECK(alignment.total_cost >= free_cost * (1.0 - 1e-6));
    CHECK(alignment.cells == judge.cells);
    CHECK(alignment.cells > cells_before);
    CHECK(steps_are_legal(alignment.path, 203, 288));
    const double slope = 287.0 / 202.0;
    const double half = std::max(static_cast<double>(band), std::ceil(slope / 2.0) + 1.0);
    for (const DtwStep& step : alignment.path) {
      CHECK(std::abs(step.b - slope * step.a) <= half + 1e-9);
    }
    cells_before = alignment.cells;
  }
  CHECK(dtw(a.view(), b.view(), {.band_frames = 1000}).total_cost == free_cost);
}

TEST_CASE("the narrowest band has a path however different the lengths are") {
  for (const auto& [frames, other] : {std::pair(2, 500), std::pair(500, 2), std::pair(40, 399)}) {
    const Features a = walk(frames, 2, 5);
    const Features b = walk(other, 2, 6);
    const DtwOptions options{.band_frames = 1};
    const DtwAlignment alignment = dtw(a.view(), b.view(), options);
    CHECK(steps_are_legal(alignment.path, frames, other));
    CHECK(alignment.total_cost ==
          Approx(dtw_double(a.view(), b.view(), options).total_cost).epsilon(kTolerance));
  }
}

TEST_CASE("only the columns asked for count, and a stride is passed over") {
  const Features wide = walk(60, 9, 7);
  const Features other = walk(70, 9, 8);
  const auto narrowed = [](const Features& x) {
    Features narrow(x.frames, 4);
    for (int t = 0; t < x.frames; ++t) {
      for (int k = 0; k < 4; ++k) {
        narrow.values[static_cast<std::size_t>(t * 4 + k)] =
            x.values[static_cast<std::size_t>(t * 9 + 2 + k)];
      }
    }
    return narrow;
  };
  const Features a = narrowed(wide);
  const Features b = narrowed(other);
  const DtwAlignment expected = dtw(a.view(), b.view());
  const DtwOptions options{.first_column = 2, .last_column = 6};
  CHECK(dtw(wide.view(), other.view(), options).path == expected.path);
  CHECK(dtw(wide.view(), other.view(), options).total_cost == expected.total_cost);
  const ConstFrames strided(wide.values.data() + 2, 60, 4, 9);
  CHECK(dtw(strided, b.view()).path == expected.path);
  CHECK(fast_dtw(wide.view(), other.view(), 1, options).path ==
        fast_dtw(a.view(), b.view(), 1).path);
}

TEST_CASE("costs made by the caller give the same alignment, banded too") {
  const Features a = walk(123, 6, 9);
  const Features b = walk(97, 6, 10);
  std::vector<float> costs;
  for (int i = 0; i < a.frames; ++i) {
    for (int j = 0; j < b.frames; ++j) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < 6; ++k) {
        const float difference = a.view()[i][k] - b.view()[j][k];
        sum += difference * difference;
      }
      costs.push_back(std::sqrt(sum));
    }
  }
  for (const std::int64_t band : {0, 5, 40}) {
    const DtwOptions options{.band_frames = band};
    const DtwAlignment expected = dtw(a.view(), b.view(), options);
    const DtwAlignment alignment = dtw_of_costs(costs, 123, 97, options);
    CHECK(alignment.path == expected.path);
    // Each cost was rounded to float.
    CHECK(alignment.total_cost == Approx(expected.total_cost).epsilon(1e-6));
  }
}

TEST_CASE("swapping the sequences keeps the cost") {
  const Features a = walk(90, 8, 11);
  const Features b = walk(120, 8, 12);
  CHECK(dtw(a.view(), b.view()).total_cost ==
        Approx(dtw(b.view(), a.view()).total_cost).epsilon(kTolerance));
}

TEST_CASE("ways that tie go diagonally") {
  const Features silence(50, 3);
  const Features more(80, 3);
  const DtwAlignment alignment = dtw(silence.view(), more.view());
  CHECK(alignment.total_cost == 0.0);
  CHECK(alignment.path.size() == 80);  // 49 diagonal steps and no detour
  CHECK(alignment.path == dtw_double(silence.view(), more.view()).path);
}

TEST_CASE("fast DTW is never better than exact DTW, and exact with a radius as long as the pair") {
  const Features a = walk(150, 4, 13);
  const Features b = walk(170, 4, 14);
  const double exact = dtw_double(a.view(), b.view()).total_cost;
  const double one = fast_dtw(a.view(), b.view(), 1).total_cost;
  CHECK(one >= exact * (1.0 - 1e-12));
  CHECK(fast_dtw(a.view(), b.view(), 170).total_cost == Approx(exact).epsilon(1e-12));
  CHECK(fast_dtw(a.view(), b.view(), 1).cells < 14 * 170 * 2);
}

TEST_CASE("what cannot be aligned is refused by its name") {
  const Features a = walk(20, 3, 15);
  const Features b = walk(20, 4, 16);
  const Features none(0, 3);
  CHECK_THROWS_WITH(dtw(a.view(), b.view()), Catch::Contains("3 and 4 columns"));
  CHECK_THROWS_WITH(dtw(a.view(), none.view()), Catch::Contains("20 and 0 frames"));
  CHECK_THROWS_WITH(dtw(a.view(), a.view(), {.first_column = 3}), Catch::Contains("3..3"));
  CHECK_THROWS_WITH(dtw(a.view(), a.view(), {.last_column = 4}), Catch::Contains("0..4"));
  CHECK_THROWS_WITH(dtw(a.view(), a.view(), {.max_cells = 399}),
                    Catch::Contains("at most 399 cells") && Catch::Contains("400"));
  CHECK_THROWS_WITH(dtw(a.view(), a.view(), {.band_frames = -1}), Catch::Contains("-1"));
  CHECK_THROWS_WITH(fast_dtw(a.view(), a.view(), 0), Catch::Contains("found 0"));
  const std::vector<float> costs(30);
  CHECK_THROWS_WITH(dtw_of_costs(costs, 5, 7), Catch::Contains("5 x 7"));
  Features bad = a;
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 2e15F}) {
    bad.values[3 * 5 + 1] = value;
    CHECK_THROWS_WITH(dtw(bad.view(), a.view()), Catch::Contains("features a, frame 5, column 1"));
    CHECK_THROWS_WITH(fast_dtw(a.view(), bad.view()), Catch::Contains("features b, frame 5"));
  }
}
