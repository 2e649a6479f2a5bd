#include "apps/interrupt.h"

#include <time.h>

#include <atomic>
#include <csignal>
#include <cstdint>

#include "engine/error.h"

namespace ondes {
namespace {

std::atomic<int> signal_seen{0};

// `timeout` signals the program and then its group, a closing terminal may do as much: two signals
// that are one request.
constexpr std::int64_t kSameRequestNs = 200'000'000;
std::atomic<std::int64_t> first_signal_ns{0};
std::atomic<void (*)()> last_act{nullptr};
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free &&
                  std::atomic<void (*)()>::is_always_lock_free,
              "a signal handler takes no lock");

thread_local const std::atomic<bool>* abandoned_by = nullptr;

void remember(int number) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t now_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  std::int64_t first = 0;
  signal_seen.store(number);
  if (!first_signal_ns.compare_exchange_strong(first, now_ns) && now_ns - first > kSameRequestNs) {
    if (void (*const act)() = last_act.load()) {
      act();
    }
    std::signal(number, SIG_DFL);
    std::raise(number);  // acts once the handler has returned
  }
}

void handle(int number) {
  struct sigaction action {};
  action.sa_handler = remember;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  handle(SIGINT);
  handle(SIGTERM);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) {  // as nohup has it
    handle(SIGHUP);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() noexcept {
  return signal_seen.load() != 0 || (abandoned_by != nullptr && abandoned_by->load());
}

void set_last_act(void (*act)()) noexcept {
  last_act.store(act);
}

AbandonedBy::AbandonedBy(const std::atomic<bool>& flag) noexcept {
  abandoned_by = &flag;
}

AbandonedBy::~AbandonedBy() {
  abandoned_by = nullptr;
}

void check_interrupted() {
  if (interrupted()) {
    throw Error(ErrorCode::interrupted, "interrupted: nothing was written");
  }
}

}  // namespace ondes
