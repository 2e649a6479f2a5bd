// The lower half of the page but for the details: the table of all pairs, what could not be
// measured, how everything was measured.
//
// Each function returns HTML, escaped; empty where there is nothing to say. Any thread.
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "apps/eval/evaluation.h"
#include "apps/eval/report/pair_rows.h"

namespace ondes::report {

// The anchor of a pair's details: "pair-7" for the row 6.
std::string pair_anchor(std::size_t row);

// `rows` in the order the table opens with, by `metric`; the first `detailed` of them are links.
std::string pairs_html(const Evaluation& evaluation,
                       std::span<const PairRow> rows,
                       std::size_t metric,
                       std::size_t detailed);

// Failures, values without a number, files without a partner, each with its reason.
std::string unmeasured_html(const Evaluation& evaluation);

// Policies, parameters of every metric, the interval's method.
std::string method_html(const Evaluation& evaluation);

}  // namespace ondes::report
