#include "apps/play/held_terminal.h"

#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "apps/interrupt.h"

namespace ondes {
namespace {

constexpr char kHideCursor[] = "\x1b[?25l";
constexpr char kShowCursor[] = "\x1b[?25h";

// The handlers look at these, whatever thread they interrupt.
termios lines;  // the terminal's mode as it was
termios single_keys;
bool has_keys = false;
bool has_cursor = false;
std::atomic<bool> held{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler takes no lock");
struct sigaction stop_before {};
struct sigaction continue_before {};
bool stops_handled = false;

// Not through stdio: a handler may have interrupted it.
void write_cursor(const char (&sequence)[sizeof kShowCursor]) {
  if (has_cursor) {
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, sequence, sizeof sequence - 1);  // nothing helps if it fails
  }
}

void on_stop(int number);

void handle_stop() {
  struct sigaction action {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTSTP, &action, nullptr);
}

// Only what a handler may call. The signal is blocked while it is handled: it acts when it is let
// through, and the program is stopped until it is continued.
void on_stop(int number) {
  const int error = errno;
  give_terminal_back();
  std::signal(number, SIG_DFL);
  std::raise(number);
  sigset_t this_one;
  sigemptyset(&this_one);
  sigaddset(&this_one, number);
  pthread_sigmask(SIG_UNBLOCK, &this_one, nullptr);
  handle_stop();
  errno = error;
}

// After a SIGSTOP, which cannot be handled, the shell has changed the terminal meanwhile.
void on_continue(int) {
  held.store(false);
}

}  // namespace

bool borrow_terminal(bool hides_cursor) {
  has_cursor = hides_cursor;
  has_keys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &lines) == 0;
  single_keys = lines;
  single_keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals stay: Ctrl-C is one
  single_keys.c_cc[VMIN] = 0;
  single_keys.c_cc[VTIME] = 0;
  return has_keys;
}

bool is_in_foreground() {
  const pid_t foreground = tcgetpgrp(has_keys ? STDIN_FILENO : STDERR_FILENO);
  return foreground < 0 || foreground == getpgrp();
}

bool take_terminal() {
  if (held.exchange(true)) {
    return false;
  }
  if (has_keys) {
    tcsetattr(STDIN_FILENO, TCSANOW, &single_keys);
  }
  write_cursor(kHideCursor);
  return true;
}

// A program in the background would be stopped for it.
void give_terminal_back() {
  if (!held.exchange(false) || !is_in_foreground()) {
    return;
  }
  write_cursor(kShowCursor);
  if (has_keys) {
    tcsetattr(STDIN_FILENO, TCSANOW, &lines);
  }
}

void handle_stops() {
  if (!has_keys && !has_cursor) {
    return;
  }
  struct sigaction action {};
  action.sa_handler = on_continue;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGCONT, &action, &continue_before);
  set_last_act(give_terminal_back);
  sigaction(SIGTSTP, nullptr, &stop_before);
  if (stop_before.sa_handler != SIG_IGN) {
    handle_stop();
  }
  stops_handled = true;
}

void forget_stops() {
  if (stops_handled) {
    set_last_act(nullptr);
    sigaction(SIGTSTP, &stop_before, nullptr);
    sigaction(SIGCONT, &continue_before, nullptr);
    stops_handled = false;
  }
}

}  // namespace ondes
