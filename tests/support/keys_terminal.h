// A terminal that a program under test reads its keys from, without a person: a pseudo-terminal,
// whose end for the program is a path that ProgramOptions::stdin_file takes; what it shows there can
// be read.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace ondes {

class KeysTerminal {
 public:
  KeysTerminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char name[128] = "";
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0 ||
        ::ptsname_r(master_, name, sizeof name) != 0) {
      throw std::runtime_error("no pseudo-terminal");
    }
    path_ = name;
    // Kept open, so that keys wait for the program instead of being lost.
    slave_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  ~KeysTerminal() {
    ::close(slave_);
    ::close(master_);
  }
  KeysTerminal(const KeysTerminal&) = delete;
  KeysTerminal& operator=(const KeysTerminal&) = delete;

  const std::string& path() const { return path_; }
  void press(std::string_view keys) {
    if (::write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
      throw std::runtime_error("the pseudo-terminal takes no keys");
    }
  }
  // What has been written to it since the last time.
  std::string shown() {
    std::string text;
    pollfd ready{master_, POLLIN, 0};
    while (::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0) {
      char bytes[4096];
      const ssize_t count = ::read(master_, bytes, sizeof bytes);
      if (count <= 0) {
        break;
      }
      text.append(bytes, static_cast<std::size_t>(count));
    }
    return text;
  }
  void resize(int columns, int rows) {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(columns);
    size.ws_row = static_cast<unsigned short>(rows);
    ::ioctl(master_, TIOCSWINSZ, &size);
  }
  // Whether keys come as lines that are shown while they are typed, as a shell's user has it.
  bool reads_lines() const {
    termios mode{};
    return ::tcgetattr(slave_, &mode) == 0 && (mode.c_lflag & ICANON) != 0 &&
           (mode.c_lflag & ECHO) != 0;
  }
  void read_lines() {
    termios mode{};
    ::tcgetattr(slave_, &mode);
    mode.c_lflag |= ICANON | ECHO;
    ::tcsetattr(slave_, TCSANOW, &mode);
  }

 private:
  int master_;
  int slave_ = -1;
  std::string path_;
};

}  // namespace ondes
