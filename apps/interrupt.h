// SIGINT, SIGTERM and SIGHUP (the terminal was closed) as a flag that long work asks for between
// blocks. The first signal asks for an orderly end (temporary files go, exit code 130); one that
// comes more than 200 ms after it ends the program at once.
#pragma once
#include <atomic>

namespace ondes {

// Also ignores SIGPIPE and SIGXFSZ, so that a closed pipe or a size limit becomes an Error.
void install_signal_handlers();

bool interrupted() noexcept;

// What is still done where a second signal ends the program at once; null: nothing. Called by a signal
// handler, on any thread: only what such a one may do.
void set_last_act(void (*act)()) noexcept;

// While it lives, interrupted() says yes on this thread also where `flag` is set: what is done on a
// thread of its own can be abandoned wherever a signal would end it. The flag must outlive it; one a
// thread at a time.
class AbandonedBy {
 public:
  explicit AbandonedBy(const std::atomic<bool>& flag) noexcept;
  ~AbandonedBy();
  AbandonedBy(const AbandonedBy&) = delete;
  AbandonedBy& operator=(const AbandonedBy&) = delete;
};

// Throws Error{interrupted} if a signal came.
void check_interrupted();

}  // namespace ondes
