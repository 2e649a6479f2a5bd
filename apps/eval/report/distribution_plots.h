// Small plots of many values: intervals of means for tables, distributions as dots or bars.
//
// Each function returns HTML; empty where there are no values. Any thread.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "apps/eval/evaluation.h"

namespace ondes::report {

// One metric of one system on the scale of all systems: all values, mean, its interval, median.
std::string interval_plot(const Evaluation& evaluation, std::size_t metric, std::size_t system);

// The mean difference and its interval beside zero.
std::string difference_plot(const PairedDifference& difference);

// A card: all systems on one scale, one above the other.
std::string distribution_plot(const Evaluation& evaluation, std::size_t metric);

// Quantile by linear interpolation; `sorted` ascending and not empty, 0 <= share <= 1.
double quantile(std::span<const double> sorted, double share);

// How many values fall into each of `bins` equal parts of low..high; the ends belong to them.
std::vector<std::size_t> histogram(std::span<const double> values,
                                   double low,
                                   double high,
                                   std::size_t bins);

}  // namespace ondes::report
