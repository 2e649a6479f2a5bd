// A picture of what plays, in a terminal: position, levels, lanes, load, underruns, keys.
//
// draw_view() is the picture as lines of text, none longer than the terminal is wide, however narrow
// that is; TerminalView shows it, rewriting its own lines only, and reads keys meanwhile. A terminal
// that has become narrower has wrapped those lines anywhere: it is cleared, and the picture begins at
// its top. Without a terminal there is no picture. NO_COLOR is honoured: then there are no escape
// sequences but those that move the cursor.
//
// A program that is stopped (Ctrl-Z) gives the terminal back first: its mode and its cursor. Once it
// runs on in the foreground it takes it again, and the picture begins anew below; in the background
// (`bg`) it goes on without picture and keys. SIGTSTP and SIGCONT are handled for that while there is
// a view: there is one at a time.
//
// Control thread.
#pragma once
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
  bool holds_terminal();
  bool read_more(int ms);

  bool shows_ = false;  // standard error is a terminal
  bool reads_ = false;  // standard input is one
  int lines_ = 0;       // of the last picture
  int columns_ = 0;
  std::string unread_;
};

}  // namespace ondes
