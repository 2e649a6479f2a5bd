// Counts what a real-time thread must not do, of the calling thread between two points: heap
// traffic, locks, reading and writing files, sleeping.
//
// Include it in exactly one source file of a test executable, instead of allocation_counter.h: it
// defines the functions of libc that do these things, which count and pass on. Sanitizer builds own
// those functions: there only the heap is watched. Every test that uses it begins with controls
// that must be caught.
#pragma once
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/allocation_counter.h"

namespace ondes {

struct ForbiddenCalls {
  long long heap = 0;
  long long locks = 0;   // and what waits for other threads or wakes them
  long long files = 0;   // reading, writing, opening
  long long sleeps = 0;  // of a render thread between two blocks: allowed

  friend ForbiddenCalls operator-(const ForbiddenCalls& a, const ForbiddenCalls& b) {
    return {a.heap - b.heap, a.locks - b.locks, a.files - b.files, a.sleeps - b.sleeps};
  }
};

inline thread_local ForbiddenCalls forbidden_calls;

// Since the thread began.
inline ForbiddenCalls forbidden_now() {
  ForbiddenCalls now = forbidden_calls;
  now.heap = heap_calls;
  return now;
}

class RealtimeWatch {
 public:
  RealtimeWatch() : at_start_(forbidden_now()) {}
  ForbiddenCalls count() const { return forbidden_now() - at_start_; }

 private:
  ForbiddenCalls at_start_;
};

#ifdef ONDES_TEST_SANITIZED
inline constexpr bool kWatchesSystemCalls = false;
#else
inline constexpr bool kWatchesSystemCalls = true;

namespace realtime_watch_detail {
template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
}  // namespace realtime_watch_detail
#endif

}  // namespace ondes

#ifndef ONDES_TEST_SANITIZED
// The first call of each finds the function of libc.
#define ONDES_WATCH(kind, result, name, parameters, arguments, properties)             \
  extern "C" result name parameters properties {                                       \
    using Function = result parameters;                                                \
    static Function* const real = ondes::realtime_watch_detail::real<Function>(#name); \
    ++ondes::forbidden_calls.kind;                                                     \
    return real arguments;                                                             \
  }

ONDES_WATCH(locks, int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), noexcept)
ONDES_WATCH(locks, int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex), noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_cond_signal, (pthread_cond_t * condition), (condition), noexcept)
ONDES_WATCH(locks, int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition), noexcept)
ONDES_WATCH(locks,
            int,
            pthread_cond_wait,
            (pthread_cond_t * condition, pthread_mutex_t* mutex),
            (condition, mutex), )
ONDES_WATCH(locks, int, sem_post, (sem_t * semaphore), (semaphore), noexcept)
ONDES_WATCH(locks, int, sem_wait, (sem_t * semaphore), (semaphore), )
ONDES_WATCH(
    files, ssize_t, write, (int file, const void* bytes, std::size_t count), (file, bytes, count), )
ONDES_WATCH(
    files, ssize_t, read, (int file, void* bytes, std::size_t count), (file, bytes, count), )
ONDES_WATCH(files, int, close, (int file), (file), )
ONDES_WATCH(files, int, fsync, (int file), (file), )
ONDES_WATCH(sleeps, int, nanosleep, (const timespec* wanted, timespec* left), (wanted, left), )
ONDES_WATCH(sleeps,
            int,
            clock_nanosleep,
            (clockid_t clock, int flags, const timespec* wanted, timespec* left),
            (clock, flags, wanted, left), )
#undef ONDES_WATCH
#endif
