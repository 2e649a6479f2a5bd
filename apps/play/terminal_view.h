// A picture of what plays, in a terminal: position, levels, lanes, load, underruns, keys.
//
// draw_view() is the picture as lines of text, no longer than the terminal is wide; TerminalView
// shows it, rewriting its own lines only, and reads keys meanwhile. Without a terminal there is no
// picture. NO_COLOR is honoured: then there are no escape sequences but those that move the cursor.
//
// Control thread.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/play/keys.h"
#include "apps/play/telemetry.h"

namespace ondes {

struct ViewShape {
  int columns = 80;
  bool color = true;
  bool unicode = true;
};

// Display columns: a character counts one, escape sequences none.
std::vector<std::string> draw_view(const PlayView& view, const ViewShape& shape);

class TerminalView {
 public:
  TerminalView();   // puts the terminal into single-key mode, if there is one
  ~TerminalView();  // and back, the cursor below the picture
  TerminalView(const TerminalView&) = delete;
  TerminalView& operator=(const TerminalView&) = delete;

  bool shows() const noexcept { return shows_; }
  void show(const PlayView& view);
  // The next key that was pressed; waits at most `ms`.
  std::optional<PlayKey> key(int ms);

 private:
  struct Saved;

  bool read_more(int ms);

  bool shows_ = false;   // standard error is a terminal
  bool reads_ = false;   // standard input is one
  bool single_ = false;  // and was put into single-key mode
  int lines_ = 0;        // of the last picture
  int columns_ = 0;
  std::string unread_;
  std::unique_ptr<Saved> saved_;
};

}  // namespace ondes
