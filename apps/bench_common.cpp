#include "apps/bench_common.h"

#include <cmath>
#include <ctime>
#include <fstream>

#include "apps/interrupt.h"
#include "engine/error.h"

namespace ondes {

void check_bench_interrupted() {
  if (interrupted()) {
    throw Error(ErrorCode::interrupted,
                "bench: interrupted: the lines above are all that was measured");
  }
}

double bench_seconds(bool cpu_time) {
  timespec time{};
  clock_gettime(cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double quantile(const std::vector<double>& sorted, double share) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::ceil(share * last))];
}

std::string line_after(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) {
      const std::size_t colon = line.find(':');
      return colon == std::string::npos ? line : line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace ondes
