// Progress of a long piece of work on standard error, from real counts: percentage, speed against
// real time, time left.
//
//   automatic  on a terminal one line that is rewritten; elsewhere a line every 10 s
//   json       one JSON object a line, every half second and at the end
//   none       nothing
//
// NO_COLOR is honoured. One thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace ondes {

enum class ProgressMode { automatic, json, none };

// Throws Error{usage} for anything but auto, json, none.
ProgressMode progress_mode(const std::string& name);

class Progress {
 public:
  // `total_samples` at `rate_hz`; `what` names the work.
  Progress(ProgressMode mode, std::string what, std::int64_t total_samples, int rate_hz);
  ~Progress();  // leaves the terminal on a fresh line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::int64_t done_samples);
  double elapsed_s() const;

 private:
  void print(std::int64_t done_samples, double now_s);

  ProgressMode mode_;
  std::string what_;
  std::int64_t total_samples_;
  int rate_hz_;
  bool terminal_;
  bool color_;
  bool line_open_ = false;
  double next_print_s_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace ondes
