// Standard input, output and error are there from the start of a program, also where it was begun
// without them (`>&-`, some service managers). A file or a socket that is opened later would get
// their numbers otherwise, and with them what is printed.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace ondes {

// First in main(). What was closed still refuses to be read or written: its null device is opened
// the other way round.
inline void occupy_standard_streams() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) {
      continue;
    }
    const int opened = ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened >= 0 && opened != descriptor) {
      ::dup2(opened, descriptor);
      ::close(opened);
    }
  }
}

}  // namespace ondes
