#include "apps/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr double kTerminalEveryS = 0.1;
constexpr double kJsonEveryS = 0.5;
constexpr double kLogEveryS = 10.0;

std::string clock_text(double seconds) {
  const int whole = static_cast<int>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string(term) != "dumb");
}

}  // namespace

ProgressMode progress_mode(const std::string& name) {
  if (name == "auto") {
    return ProgressMode::automatic;
  }
  if (name == "json") {
    return ProgressMode::json;
  }
  if (name == "none") {
    return ProgressMode::none;
  }
  throw Error(ErrorCode::usage, "--progress: expected auto, json or none, found '" + name + "'");
}

Progress::Progress(ProgressMode mode, std::string what, std::int64_t total_samples, int rate_hz)
    : mode_(mode),
      what_(std::move(what)),
      total_samples_(total_samples),
      rate_hz_(rate_hz),
      terminal_(isatty(STDERR_FILENO) == 1),
      color_(terminal_ && wants_color()),
      next_print_s_(mode == ProgressMode::json ? 0.0
                    : terminal_                ? kTerminalEveryS
                                               : kLogEveryS),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (line_open_) {
    std::fputs("\r\033[K", stderr);
  }
}

double Progress::elapsed_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::update(std::int64_t done_samples) {
  if (mode_ == ProgressMode::none) {
    return;
  }
  const double now_s = elapsed_s();
  const bool last = done_samples >= total_samples_ && mode_ == ProgressMode::json;
  if (now_s < next_print_s_ && !last) {
    return;
  }
  next_print_s_ = now_s + (mode_ == ProgressMode::json ? kJsonEveryS
                           : terminal_                 ? kTerminalEveryS
                                                       : kLogEveryS);
  print(done_samples, now_s);
}

void Progress::print(std::int64_t done_samples, double now_s) {
  const double fraction =
      total_samples_ > 0 ? static_cast<double>(done_samples) / static_cast<double>(total_samples_)
                         : 1.0;
  const double sound_s = static_cast<double>(done_samples) / rate_hz_;
  const double speed = now_s > 0.0 ? sound_s / now_s : 0.0;
  const double left_s = fraction > 0.0 ? now_s * (1.0 - fraction) / fraction : 0.0;
  if (mode_ == ProgressMode::json) {
    const nlohmann::json line = {
        {"progress", what_},    {"samples", done_samples},  {"total_samples", total_samples_},
        {"fraction", fraction}, {"times_real_time", speed}, {"elapsed_s", now_s},
        {"eta_s", left_s}};
    std::fputs((line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n").c_str(),
               stderr);
    return;
  }
  const std::string text = fmt::format("{}: {:5.1f} %  {:.1f}x real time  {} left", what_,
                                       100.0 * fraction, speed, clock_text(left_s));
  if (!terminal_) {
    std::fputs((text + "\n").c_str(), stderr);
    return;
  }
  const char* on = color_ ? "\033[36m" : "";
  const char* off = color_ ? "\033[0m" : "";
  std::fputs(fmt::format("\r{}{}{}\033[K", on, text, off).c_str(), stderr);
  std::fflush(stderr);
  line_open_ = true;
}

}  // namespace ondes
