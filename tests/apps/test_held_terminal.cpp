// `ondes play` in a terminal that it is stopped in (Ctrl-Z) and goes on in (fg).
#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <thread>

#include "apps/interrupt.h"
#include "apps/play/held_terminal.h"
#include "tests/support/keys_terminal.h"
#include "tests/support/ondes_program.h"

using namespace ondes;
using namespace std::chrono_literals;

namespace {

const std::string kHide = "\x1b[?25l";
const std::string kShow = "\x1b[?25h";

// The player with its picture and its keys in a terminal of its own, in a process group of its own,
// as a shell starts it.
class Player {
 public:
  explicit Player(int columns = 80) {
    terminal.resize(columns, 24);
    rig.run({"voices"});  // throws where there is no program to run
    write_bytes(rig.folder.file("long.mid"), test_score(60));
    ProgramOptions options;
    options.stdin_file = terminal.path();
    options.folder = rig.folder.path().string();
    options.environment = {{"ONDES_VOICES", rig.folder.path().string()}, {"TERM", "xterm"}};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      program_detail::become(ONDES_BINARY_DIR "/bin/ondes",
                             {"play", "long.mid", "--voice", "voice", "--audio-device", "clock"},
                             options, rig.folder.file("out"), terminal.path());
    }
  }
  ~Player() {
    if (!ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  bool shows(const std::string& text) {
    return wait_for([&] {
      shown += terminal.shown();
      return shown.find(text) != std::string::npos;
    });
  }
  void send(int number) const { ::kill(pid_, number); }
  bool stops() {
    return wait_for([&] { return ::waitpid(pid_, &status_, WNOHANG | WUNTRACED) == pid_; }) &&
           WIFSTOPPED(status_);
  }
  int exit_code() {
    ended_ = wait_for([&] {
      shown += terminal.shown();
      return ::waitpid(pid_, &status_, WNOHANG) == pid_;
    });
    return ended_ && WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }
  static bool wait_for(const std::function<bool()>& condition) {
    for (int tries = 0; tries < 2000; ++tries) {
      if (condition()) {
        return true;
      }
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  OndesRig rig;
  KeysTerminal terminal;
  std::string shown;  // since it was cleared

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace

TEST_CASE("Ctrl-Z gives the terminal back; after fg the picture begins anew and keys are read") {
  Player player;
  REQUIRE(player.shows("underruns"));
  CHECK(player.shown.find(kHide) != std::string::npos);
  CHECK_FALSE(player.terminal.reads_lines());
  for (int time = 0; time < 2; ++time) {
    player.send(SIGTSTP);
    REQUIRE(player.stops());
    CHECK(player.terminal.reads_lines());
    player.shown += player.terminal.shown();
    CHECK(player.shown.ends_with(kShow));
    player.shown.clear();
    player.send(SIGCONT);
    REQUIRE(player.shows("q quit"));
    CHECK(player.shown.starts_with(kHide + "\r"));  // where the cursor is, not some lines above
    CHECK_FALSE(player.terminal.reads_lines());
  }
  player.terminal.press("q");
  CHECK(player.exit_code() == 0);
  CHECK(player.terminal.reads_lines());
  CHECK(player.shown.rfind(kShow) > player.shown.rfind(kHide));
}

// A shell takes the terminal's mode back after a stop that no program can see.
TEST_CASE("after a stop that cannot be handled the terminal is taken again") {
  Player player;
  REQUIRE(player.shows("underruns"));
  player.send(SIGSTOP);
  REQUIRE(player.stops());
  player.terminal.read_lines();
  player.terminal.shown();
  player.shown.clear();
  player.send(SIGCONT);
  REQUIRE(player.shows("q quit"));
  CHECK(player.shown.find(kHide + "\r") != std::string::npos);
  CHECK_FALSE(player.terminal.reads_lines());
  player.terminal.press("q");
  CHECK(player.exit_code() == 0);
}

// A program that takes its time to end in order.
TEST_CASE("a second Ctrl-C, which ends the program at once, gives the terminal back") {
  KeysTerminal terminal;
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int descriptor : {STDIN_FILENO, STDERR_FILENO}) {
      ::dup2(::open(terminal.path().c_str(), O_RDWR | O_NOCTTY), descriptor);
    }
    install_signal_handlers();
    borrow_terminal(true);
    handle_stops();
    take_terminal();
    for (;;) {
      ::pause();
    }
  }
  REQUIRE(Player::wait_for([&] { return terminal.shown().ends_with(kHide); }));
  CHECK_FALSE(terminal.reads_lines());
  int status = 0;
  ::kill(child, SIGINT);
  std::this_thread::sleep_for(300ms);  // later it is another request
  CHECK(::waitpid(child, &status, WNOHANG) == 0);
  ::kill(child, SIGINT);
  REQUIRE(Player::wait_for([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGINT));
  CHECK(terminal.shown() == kShow);
  CHECK(terminal.reads_lines());
}

TEST_CASE("in a terminal of 12 columns no line of the picture is longer than those") {
  Player player(12);
  REQUIRE(player.shows("underruns"));
  player.terminal.press("q");
  REQUIRE(player.exit_code() == 0);
  // What comes after the cursor is back are whole sentences.
  const std::string picture = player.shown.substr(0, player.shown.rfind(kShow));
  int columns = 0;
  int longest = 0;
  for (std::size_t i = 0; i < picture.size(); ++i) {
    if (picture[i] == '\x1b') {
      i = picture.find_first_of("ABCDHJKlhm", i);
      REQUIRE(i != std::string::npos);
    } else {
      columns = picture[i] == '\r' || picture[i] == '\n' ? 0 : columns + 1;
    }
    longest = std::max(longest, columns);
  }
  CHECK(longest <= 12);
  CHECK(longest > 6);
}
