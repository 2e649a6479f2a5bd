// The pictures of one pair's details, on one axis of time as far as they share it.
//
// Any thread.
#pragma once
#include <span>
#include <string>

#include "apps/eval/pair_detail.h"

namespace ondes::report {

// What one system made of a pair.
struct SystemDetail {
  std::string label;  // plain text: "Generated", "A: hifigan"
  std::string side;   // class of its colour
  const PairDetail* detail = nullptr;
};

// The reference's pictures are those of the first system; curves of all systems share their plots.
// Empty where `systems` is.
std::string detail_plots_html(std::span<const SystemDetail> systems);

}  // namespace ondes::report
