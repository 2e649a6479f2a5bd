#include "engine/stream/render_priority.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace ondes {
namespace {

constexpr int kWantedPriority = 60;

}  // namespace

bool take_render_priority() noexcept {
  int allowed = kWantedPriority;
  rlimit limit{};
  // The limit of the user, which a superuser does not have.
  if (geteuid() != 0 && getrlimit(RLIMIT_RTPRIO, &limit) == 0) {
    allowed = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kWantedPriority));
  }
  sched_param parameters{};
  parameters.sched_priority = std::max(allowed, sched_get_priority_min(SCHED_FIFO));
  return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0;
}

void name_this_thread(const char* name) noexcept {
  pthread_setname_np(pthread_self(), name);
}

}  // namespace ondes
