#include "apps/interrupt.h"

#include <csignal>

#include "engine/error.h"

namespace ondes {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

void remember(int number) {
  signal_seen = number;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = remember;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second signal acts as it always does
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() noexcept {
  return signal_seen != 0;
}

void check_interrupted() {
  if (interrupted()) {
    throw Error(ErrorCode::interrupted, "interrupted: nothing was written");
  }
}

}  // namespace ondes
