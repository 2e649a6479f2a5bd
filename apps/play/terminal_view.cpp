#include "apps/play/terminal_view.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "apps/play/display_text.h"
#include "apps/play/held_terminal.h"

namespace ondes {
namespace {

constexpr double kMeterFloorDb = -60.0;
constexpr int kMaxColumns = 100;  // wider bars say no more
constexpr int kRestOfKeyMs = 50;  // a sequence's bytes come together; the key Esc is one byte alone
constexpr int kLeastBarColumns = 3;
constexpr int kValueColumns = 18;  // "0:04:04 / 1:31:05", "100 %, worst 100 %"

std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(seconds, 0.0));
  const auto tenths =
      static_cast<int>((std::max(seconds, 0.0) - static_cast<double>(whole)) * 10.0);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}.{}", whole / 60, whole % 60, tenths);
}

std::string repeated(const char* text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

std::string right_aligned(const std::string& text, int columns) {
  return repeated(" ", columns - display_columns(text)) + text;
}

class Painter {
 public:
  explicit Painter(const ViewShape& shape)
      : shape_(shape), columns_(std::clamp(shape.columns, 1, kMaxColumns)) {}

  int columns() const { return columns_; }
  std::string paint(const char* code, const std::string& text) const {
    return shape_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  // A line of text, indented and cut.
  std::string line(const std::string& text) const {
    return cut_to_columns("  " + printable(text, shape_.unicode), columns_);
  }
  std::string heading(const std::string& text) const {
    return paint("1", cut_to_columns(printable(text, shape_.unicode), columns_));
  }
  // "  label ====----  value"; the bars of all lines stand under each other. Where there is no room
  // for a bar of kLeastBarColumns there is none.
  std::string gauge(const char* label,
                    double part,
                    const char* code,
                    const std::string& value) const {
    const int room = columns_ - 8 - kValueColumns;
    if (room < kLeastBarColumns) {
      return paint(code, cut_to_columns(fmt::format("{} {}", label, value), columns_));
    }
    const int full = static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * room));
    const std::string bar = paint(code, repeated(shape_.unicode ? "━" : "=", full)) +
                            paint("2", repeated(shape_.unicode ? "─" : "-", room - full));
    const std::string shown = cut_to_columns(value, kValueColumns);
    return fmt::format("  {:4} {} {}", label, bar, right_aligned(shown, kValueColumns));
  }
  // What the keys do, in as many lines as it takes; parts are separated by two spaces.
  void add_parts(const std::string& text, std::vector<std::string>& lines) const {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find("  ", at), text.size());
      const std::string part = text.substr(at, end - at);
      if (!line.empty() && display_columns(line) + 4 + display_columns(part) > columns_) {
        lines.push_back(paint("2", this->line(line)));
        line.clear();
      }
      line += (line.empty() ? "" : "  ") + part;
      at = end + 2;
    }
    lines.push_back(paint("2", this->line(line)));
  }

 private:
  const ViewShape& shape_;
  int columns_;
};

std::string level_line(const Painter& painter, const char* name, float peak) {
  const double db = peak > 0.0F ? 20.0 * std::log10(static_cast<double>(peak)) : kMeterFloorDb;
  const char* code = db > -1.0 ? "31" : db > -12.0 ? "33" : "32";
  return painter.gauge(name, (db - kMeterFloorDb) / -kMeterFloorDb, code,
                       db <= kMeterFloorDb ? "silent" : fmt::format("{:.1f} dB", db));
}

std::string position_line(const Painter& painter, const PlayView& view) {
  const std::string now = clock_text(view.stream.position_s);
  if (view.duration_s <= 0.0) {
    return painter.line("time " + now);
  }
  return painter.gauge("time", view.stream.position_s / view.duration_s, "36",
                       now + " / " + clock_text(view.duration_s));
}

std::string load_line(const Painter& painter, const StreamTelemetry& stream) {
  const char* code = stream.load > 0.9 ? "31" : stream.load > 0.6 ? "33" : "32";
  return painter.gauge("load", stream.load, code,
                       fmt::format("{:.0f} %, worst {:.0f} %", std::min(100.0 * stream.load, 999.0),
                                   std::min(100.0 * stream.worst_load, 999.0)));
}

std::string counts_line(const Painter& painter, const PlayView& view) {
  const StreamTelemetry& stream = view.stream;
  std::string text = fmt::format("underruns {}", stream.underruns);
  if (stream.silenced_frames > 0) {
    text += fmt::format("  silenced {} frames", stream.silenced_frames);
  }
  text += fmt::format("  latency {:.0f} ms", view.latency_ms);
  if (stream.source.lanes_limit > 0) {
    text += fmt::format("  notes {} of {}{}", stream.source.lanes_now, stream.source.lanes_limit,
                        stream.lane_limit > 0 ? " (lowered)" : "");
  }
  if (stream.source.stolen_notes > 0) {
    text += fmt::format("  stolen {}", stream.source.stolen_notes);
  }
  if (view.late_events + view.lost_events > 0) {
    text += fmt::format("  late keys {}  lost {}", view.late_events, view.lost_events);
  }
  const std::string line = painter.line(text);
  return stream.underruns + stream.silenced_frames > 0 ? painter.paint("31", line) : line;
}

}  // namespace

std::vector<std::string> draw_view(const PlayView& view, const ViewShape& shape) {
  const Painter painter(shape);
  const StreamTelemetry& stream = view.stream;
  const std::string state = stream.finished ? "done"
                            : view.stopped  ? "stopped"
                            : stream.paused ? "paused"
                                            : "playing";
  const std::string item =
      view.items > 1 ? fmt::format(" {} of {}", view.item + 1, view.items) : "";
  std::vector<std::string> lines;
  lines.push_back(painter.heading(fmt::format("{}{}: {}", state, item, view.title)));
  lines.push_back(painter.line(fmt::format("{} on {}", view.voice, view.device)));
  lines.push_back(position_line(painter, view));
  lines.push_back(level_line(painter, "L", stream.peak[0]));
  lines.push_back(level_line(painter, "R", stream.peak[1]));
  lines.push_back(load_line(painter, stream));
  lines.push_back(counts_line(painter, view));
  std::string settings = fmt::format("temperature {:.2f}", view.temperature);
  if (view.duration_s > 0.0) {
    settings = fmt::format("tempo {:.0f} %  {}", 100.0 * view.tempo, settings);
  }
  if (view.loop_from_s >= 0.0) {
    settings += fmt::format("  loop {} to {}", clock_text(view.loop_from_s),
                            view.loop_to_s >= 0.0 ? clock_text(view.loop_to_s) : "...");
  }
  if (view.recording) {
    settings += view.recording_failed ? "  recording FAILED" : "  recording";
  }
  if (stream.scheduling == RenderScheduling::refused) {
    settings += "  real-time scheduling refused";
  } else if (stream.scheduling == RenderScheduling::real_time) {
    settings += "  real time";
  }
  lines.push_back(painter.line(settings));
  lines.push_back(painter.paint("33", painter.line(view.message)));
  painter.add_parts(view.keys, lines);
  return lines;
}

TerminalView::TerminalView() {
  const char* term = std::getenv("TERM");
  shows_ = isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
  reads_ = borrow_terminal(shows_);
  handle_stops();
  holds_terminal();
}

TerminalView::~TerminalView() {
  if (shows_) {
    std::fflush(stderr);
  }
  give_terminal_back();
  forget_stops();
}

// Whether the picture may be drawn and keys be read: not in the background. Takes the terminal if it
// is not held.
bool TerminalView::holds_terminal() {
  if (!is_in_foreground()) {
    return false;
  }
  if (take_terminal()) {
    lines_ = 0;  // what stands above now is the shell's
  }
  return true;
}

void TerminalView::show(const PlayView& view) {
  if (!shows_ || !holds_terminal()) {
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

// False if nothing came.
bool TerminalView::read_more(int ms) {
  const bool reads = reads_ && holds_terminal();
  pollfd wanted{STDIN_FILENO, POLLIN, 0};
  if (poll(reads ? &wanted : nullptr, reads ? 1 : 0, ms) <= 0 || !is_in_foreground()) {
    return false;
  }
  char bytes[64];
  const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
  if (count < 0 && errno == EINTR) {
    return false;
  }
  if (count <= 0) {
    reads_ = false;  // the terminal is gone
    return false;
  }
  unread_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::optional<PlayKey> TerminalView::key(int ms) {
  if (unread_.empty() && !read_more(ms)) {
    return std::nullopt;
  }
  while (is_cut_off(unread_) && read_more(kRestOfKeyMs)) {
  }
  const KeyPress press = read_key(unread_);
  unread_.erase(0, press.bytes);
  return press.key;
}

}  // namespace ondes
