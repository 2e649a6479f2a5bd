// A terminal that a program under test reads its keys from, without a person: a pseudo-terminal,
// whose end for the program is a path that ProgramOptions::stdin_file takes.
#pragma once
#include <fcntl.h>
#include <stdlib.h>
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

 private:
  int master_;
  int slave_ = -1;
  std::string path_;
};

}  // namespace ondes
