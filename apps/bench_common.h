// What the benchmarks of `ondes bench` share. One thread.
#pragma once
#include <string>
#include <vector>

namespace ondes {

// Throws Error{interrupted} if a signal came: the lines printed so far are whole, the table is not.
void check_bench_interrupted();

// Seconds that passed, or that this thread ran.
double bench_seconds(bool cpu_time = false);

// The value below which a share of the (sorted) values lies.
double quantile(const std::vector<double>& sorted, double share);

// What follows the colon of the first line of a file that begins with `key` ("model name" of
// /proc/cpuinfo); the line itself if it has none.
std::string line_after(const std::string& path, const std::string& key);

}  // namespace ondes
