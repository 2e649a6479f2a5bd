#include "apps/play/terminal_view.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ondes {
namespace {

constexpr double kMeterFloorDb = -60.0;

std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(seconds, 0.0));
  const auto tenths =
      static_cast<int>((std::max(seconds, 0.0) - static_cast<double>(whole)) * 10.0);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}.{}", whole / 60, whole % 60, tenths);
}

// Cuts a text of plain or UTF-8 characters (no escape sequences) to `columns`.
std::string cut(const std::string& text, int columns) {
  int width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins && width++ == columns) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::string repeated(const char* text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

class Painter {
 public:
  explicit Painter(const ViewShape& shape) : shape_(shape) {}

  std::string paint(const char* code, const std::string& text) const {
    return shape_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  // `part` of a bar of `columns`.
  std::string bar(double part, int columns, const char* code) const {
    const int full = static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * columns));
    const char* on = shape_.unicode ? "━" : "=";
    const char* off = shape_.unicode ? "─" : "-";
    return paint(code, repeated(on, full)) + paint("2", repeated(off, columns - full));
  }

 private:
  const ViewShape& shape_;
};

std::string level_line(const Painter& painter, const char* name, float peak, int columns) {
  const double db = peak > 0.0F ? 20.0 * std::log10(static_cast<double>(peak)) : kMeterFloorDb;
  const char* code = db > -1.0 ? "31" : db > -12.0 ? "33" : "32";
  const std::string number = db <= kMeterFloorDb ? "  silent" : fmt::format("{:6.1f} dB", db);
  return fmt::format(
      "  {} {} {}", name,
      painter.bar((db - kMeterFloorDb) / -kMeterFloorDb, std::max(columns - 4 - 10, 4), code),
      number);
}

std::string position_line(const Painter& painter, const PlayView& view, int columns) {
  const std::string left = clock_text(view.stream.position_s);
  if (view.duration_s <= 0.0) {
    return "  " + left;
  }
  const std::string right = clock_text(view.duration_s);
  const int room = columns - 6 - static_cast<int>(left.size() + right.size());
  return fmt::format("  {} {} {}", left,
                     painter.bar(view.stream.position_s / view.duration_s, std::max(room, 4), "36"),
                     right);
}

}  // namespace

std::vector<std::string> draw_view(const PlayView& view, const ViewShape& shape) {
  const Painter painter(shape);
  const int columns = std::max(shape.columns, 20);
  const StreamTelemetry& stream = view.stream;
  std::vector<std::string> lines;
  const std::string state = stream.finished ? "done" : stream.paused ? "paused" : "playing";
  const std::string item =
      view.items > 1 ? fmt::format(" ({} of {})", view.item + 1, view.items) : "";
  lines.push_back(
      painter.paint("1", cut(fmt::format("{}{}: {}", state, item, view.title), columns)));
  lines.push_back(cut(fmt::format("  {} on {}", view.voice, view.device), columns));
  lines.push_back(position_line(painter, view, columns));
  lines.push_back(level_line(painter, "L", stream.peak[0], columns));
  lines.push_back(level_line(painter, "R", stream.peak[1], columns));

  const char* load_code = stream.load > 0.9 ? "31" : stream.load > 0.6 ? "33" : "32";
  const std::string load =
      fmt::format(" {:3.0f} %, worst {:3.0f} %", 100.0 * stream.load, 100.0 * stream.worst_load);
  lines.push_back("  load " +
                  painter.bar(stream.load, std::max(columns - 7 - static_cast<int>(load.size()), 4),
                              load_code) +
                  load);
  std::string counts;
  if (stream.source.lanes_limit > 0) {
    counts += fmt::format("lanes {}/{}{}  stolen {}  ", stream.source.lanes_now,
                          stream.source.lanes_limit, stream.lane_limit > 0 ? " (lowered)" : "",
                          stream.source.stolen_notes);
  }
  counts += fmt::format("latency {:.0f} ms  underruns ", view.latency_ms);
  const std::string underruns = std::to_string(stream.underruns);
  counts = cut(counts, columns - 2 - static_cast<int>(underruns.size()));
  lines.push_back("  " + counts + painter.paint(stream.underruns > 0 ? "31" : "32", underruns));
  std::string settings =
      fmt::format("tempo {:.0f} %  temperature {:.2f}", 100.0 * view.tempo, view.temperature);
  if (view.loop_from_s >= 0.0) {
    settings += fmt::format("  loop {} to {}", clock_text(view.loop_from_s),
                            view.loop_to_s >= 0.0 ? clock_text(view.loop_to_s) : "...");
  }
  lines.push_back(cut("  " + settings, columns));
  lines.push_back(cut("  " + view.message, columns));
  lines.push_back(painter.paint("2", cut("  " + view.keys, columns)));
  return lines;
}

struct TerminalView::Saved {
  termios settings{};
};

TerminalView::TerminalView() {
  const char* term = std::getenv("TERM");
  shows_ = isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
  saved_ = std::make_unique<Saved>();
  if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &saved_->settings) == 0) {
    termios single = saved_->settings;
    single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals stay: Ctrl-C is one
    single.c_cc[VMIN] = 0;
    single.c_cc[VTIME] = 0;
    single_ = reads_ = tcsetattr(STDIN_FILENO, TCSANOW, &single) == 0;
  }
  if (shows_) {
    std::fputs("\x1b[?25l", stderr);
  }
}

TerminalView::~TerminalView() {
  if (shows_) {
    std::fputs("\x1b[?25h", stderr);
    std::fflush(stderr);
  }
  if (single_) {
    tcsetattr(STDIN_FILENO, TCSANOW, &saved_->settings);
  }
}

void TerminalView::show(const PlayView& view) {
  if (!shows_) {
    return;
  }
  winsize size{};
  ViewShape shape;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    shape.columns = size.ws_col;
  }
  const char* no_color = std::getenv("NO_COLOR");
  shape.color = no_color == nullptr || *no_color == '\0';
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      locale = value;
      break;
    }
  }
  shape.unicode =
      locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  const std::vector<std::string> lines = draw_view(view, shape);
  // A narrower terminal has wrapped the old picture: it begins anew below.
  const bool anew = lines_ == 0 || shape.columns < columns_;
  std::string text = anew ? "" : fmt::format("\x1b[{}A", lines_);
  if (anew && lines_ > 0) {
    text = "\x1b[2J\x1b[H";
  }
  const int rows = size.ws_row > 0 ? std::max<int>(size.ws_row - 1, 1) : 24;
  const auto shown = std::min(lines.size(), static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < shown; ++i) {
    text += "\r\x1b[2K" + lines[i] + "\n";
  }
  text += "\x1b[J";
  lines_ = static_cast<int>(shown);
  columns_ = shape.columns;
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

std::optional<PlayKey> TerminalView::key(int ms) {
  if (unread_.empty()) {
    pollfd wanted{STDIN_FILENO, POLLIN, 0};
    if (poll(reads_ ? &wanted : nullptr, reads_ ? 1 : 0, ms) <= 0) {
      return std::nullopt;
    }
    char bytes[64];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) {
      reads_ = false;  // the terminal is gone
      return std::nullopt;
    }
    unread_.assign(bytes, static_cast<std::size_t>(count));
  }
  const KeyPress press = read_key(unread_);
  unread_.erase(0, press.bytes);
  return press.key;
}

}  // namespace ondes
