// The recursion of DTW over whole vectors. A row cannot be computed at once, because each cell needs
// its left neighbour; the cells of an anti-diagonal can. A block of rows therefore moves as a
// slanted front: lane r is one column behind lane r - 1, so that left is the lane's own last value,
// above the neighbouring lane's last value, and the diagonal the neighbour's value before that.
//
// No fused multiply-add: every instruction set then finds the same costs, bit for bit, and the same
// path.
#include <cstddef>
#include <limits>

#include "dsp/dtw_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/dtw_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ondes::dtw_internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kMaxRows>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;

struct Four {
  V v0, v1, v2, v3;
};

// Distances of the lanes' rows to the columns of four steps from `step` on.
HWY_INLINE Four feature_costs(const KernelBlock& block, int step) {
  const D d;
  Four sum{hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  const float* b = block.b + block.b_last - step;
  const float* a = block.a;
  for (int k = 0; k < block.columns; ++k) {
    const V own = hn::Load(d, a);
    const V d0 = hn::Sub(own, hn::LoadU(d, b));
    const V d1 = hn::Sub(own, hn::LoadU(d, b - 1));
    const V d2 = hn::Sub(own, hn::LoadU(d, b - 2));
    const V d3 = hn::Sub(own, hn::LoadU(d, b - 3));
    sum.v0 = hn::Add(sum.v0, hn::Mul(d0, d0));
    sum.v1 = hn::Add(sum.v1, hn::Mul(d1, d1));
    sum.v2 = hn::Add(sum.v2, hn::Mul(d2, d2));
    sum.v3 = hn::Add(sum.v3, hn::Mul(d3, d3));
    a += kMaxRows;
    b += block.b_stride;
  }
  return {hn::Sqrt(sum.v0), hn::Sqrt(sum.v1), hn::Sqrt(sum.v2), hn::Sqrt(sum.v3)};
}

// Costs that stand in memory: lane r reads row r, column step - r; what lies outside the matrix is
// read from its border and not used.
HWY_INLINE V memory_costs(const KernelBlock& block, VI rows, int step) {
  const D d;
  const DI di;
  const VI lane = hn::Iota(di, 0);
  VI column = hn::Sub(hn::Set(di, step), lane);
  column = hn::Min(hn::Max(column, hn::Zero(di)), hn::Set(di, block.cost_columns - 1));
  return hn::GatherIndex(d, block.costs, hn::Add(rows, column));
}

template <bool kFromMemory>
HWY_INLINE void run(const KernelBlock& block) {
  const D d;
  const DI di;
  const int rows = static_cast<int>(hn::Lanes(d));
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const VI low = hn::LoadU(di, block.low);
  const VI high = hn::LoadU(di, block.high);
  const auto first_lane = hn::FirstN(d, 1);
  HWY_ALIGN std::int32_t from[kMaxRows];
  for (int r = 0; r < rows; ++r) {
    from[r] = r == 0 ? 0 : r - 1;
  }
  const auto neighbour = hn::SetTableIndices(d, from);
  const VI row_offset = hn::Mul(hn::Min(hn::Iota(di, 0), hn::Set(di, block.cost_rows - 1)),
                                hn::Set(di, block.cost_columns));
  const std::size_t mask_bytes = static_cast<std::size_t>(rows + 7) / 8;

  int step = block.first_step;
  V left = infinity;
  V diagonal = hn::IfThenElse(first_lane, hn::Set(d, block.above[step]), infinity);
  std::uint8_t* codes = block.codes;
  const auto advance = [&](V cost) HWY_ATTR {
    const VI now = hn::Set(di, step);
    const auto outside = hn::RebindMask(d, hn::Or(hn::Gt(low, now), hn::Gt(now, high)));
    cost = hn::IfThenElse(outside, infinity, cost);
    const V above = hn::IfThenElse(first_lane, hn::Set(d, block.above[step + 1]),
                                   hn::TableLookupLanes(left, neighbour));
    const V straight = hn::Min(left, above);
    hn::StoreMaskBits(d, hn::Lt(straight, diagonal), codes);
    hn::StoreMaskBits(d, hn::Lt(above, left), codes + mask_bytes);
    codes += 2 * mask_bytes;
    left = hn::Add(cost, hn::Min(straight, diagonal));
    diagonal = above;
    const int last_column = step - (rows - 1);
    if (last_column >= 0) {
      block.above[last_column + 1] = hn::ExtractLane(left, static_cast<std::size_t>(rows - 1));
    }
    ++step;
  };
  for (int group = 0; group < block.groups; ++group) {
    if constexpr (kFromMemory) {
      for (int s = 0; s < kGroup; ++s) {
        advance(memory_costs(block, row_offset, step));
      }
    } else {
      const Four cost = feature_costs(block, step);
      advance(cost.v0);
      advance(cost.v1);
      advance(cost.v2);
      advance(cost.v3);
    }
  }
}

void run_features(const KernelBlock& block) noexcept {
  run<false>(block);
}

void run_costs(const KernelBlock& block) noexcept {
  run<true>(block);
}

Kernel make_kernel() {
  const int rows = static_cast<int>(hn::Lanes(D()));
  return {rows, (rows + 7) / 8, &run_features, &run_costs};
}

}  // namespace HWY_NAMESPACE
}  // namespace ondes::dtw_internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ondes::dtw_internal {

HWY_EXPORT(make_kernel);

Kernel kernel() {
  return HWY_DYNAMIC_DISPATCH(make_kernel)();
}

}  // namespace ondes::dtw_internal
#endif  // HWY_ONCE
