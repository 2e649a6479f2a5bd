// SIGINT, SIGTERM and SIGHUP (the terminal was closed) as a flag that long work asks for between
// blocks. The first signal asks for an orderly end (temporary files go, exit code 130); one that
// comes more than 200 ms after it ends the program at once.
#pragma once

namespace ondes {

// Also ignores SIGPIPE and SIGXFSZ, so that a closed pipe or a size limit becomes an Error.
void install_signal_handlers();

bool interrupted() noexcept;

// Throws Error{interrupted} if a signal came.
void check_interrupted();

}  // namespace ondes
