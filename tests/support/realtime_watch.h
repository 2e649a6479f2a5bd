// Counts what a real-time thread must not do, of the calling thread between two points: heap
// traffic, locks and waiting for threads (with and without a time limit), opening, reading and
// writing files, sleeping. What libc does on its own inside another of its functions is not seen,
// nor a system call that is made without it.
//
// Include it in exactly one source file of a test executable, instead of allocation_counter.h: it
// defines the functions of libc that do these things, which count and pass on. Sanitizer builds own
// those functions: there only the heap is watched. Every test that uses it begins with controls
// that must be caught.
#pragma once
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>

#include "tests/support/allocation_counter.h"

namespace ondes {

struct ForbiddenCalls {
  long long heap = 0;
  long long locks = 0;   // and what waits for other threads, wakes them or gives way to them
  long long files = 0;   // opening, reading, writing, closing
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
ONDES_WATCH(locks,
            int,
            pthread_mutex_timedlock,
            (pthread_mutex_t * mutex, const timespec* until),
            (mutex, until),
            noexcept)
ONDES_WATCH(locks,
            int,
            pthread_mutex_clocklock,
            (pthread_mutex_t * mutex, clockid_t clock, const timespec* until),
            (mutex, clock, until),
            noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock), noexcept)
ONDES_WATCH(locks, int, pthread_cond_signal, (pthread_cond_t * condition), (condition), noexcept)
ONDES_WATCH(locks, int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition), noexcept)
ONDES_WATCH(locks,
            int,
            pthread_cond_wait,
            (pthread_cond_t * condition, pthread_mutex_t* mutex),
            (condition, mutex), )
ONDES_WATCH(locks,
            int,
            pthread_cond_timedwait,
            (pthread_cond_t * condition, pthread_mutex_t* mutex, const timespec* until),
            (condition, mutex, until), )
ONDES_WATCH(
    locks,
    int,
    pthread_cond_clockwait,
    (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until),
    (condition, mutex, clock, until), )
ONDES_WATCH(locks, int, pthread_join, (pthread_t thread, void** result), (thread, result), )
ONDES_WATCH(locks, int, sem_post, (sem_t * semaphore), (semaphore), noexcept)
ONDES_WATCH(locks, int, sem_wait, (sem_t * semaphore), (semaphore), )
ONDES_WATCH(locks, int, sem_trywait, (sem_t * semaphore), (semaphore), noexcept)
ONDES_WATCH(
    locks, int, sem_timedwait, (sem_t * semaphore, const timespec* until), (semaphore, until), )
ONDES_WATCH(locks, int, sched_yield, (), (), noexcept)
ONDES_WATCH(
    files, ssize_t, write, (int file, const void* bytes, std::size_t count), (file, bytes, count), )
ONDES_WATCH(
    files, ssize_t, writev, (int file, const iovec* parts, int count), (file, parts, count), )
ONDES_WATCH(
    files, ssize_t, read, (int file, void* bytes, std::size_t count), (file, bytes, count), )
ONDES_WATCH(files, FILE*, fopen, (const char* path, const char* mode), (path, mode), )
ONDES_WATCH(files, FILE*, fopen64, (const char* path, const char* mode), (path, mode), )
ONDES_WATCH(files,
            std::size_t,
            fwrite,
            (const void* bytes, std::size_t size, std::size_t count, FILE* file),
            (bytes, size, count, file), )
ONDES_WATCH(files, int, close, (int file), (file), )
ONDES_WATCH(files, int, fsync, (int file), (file), )
ONDES_WATCH(sleeps, int, nanosleep, (const timespec* wanted, timespec* left), (wanted, left), )
ONDES_WATCH(sleeps,
            int,
            clock_nanosleep,
            (clockid_t clock, int flags, const timespec* wanted, timespec* left),
            (clock, flags, wanted, left), )
ONDES_WATCH(sleeps, int, usleep, (useconds_t microseconds), (microseconds), )
ONDES_WATCH(
    sleeps, int, poll, (pollfd * files, nfds_t count, int most_ms), (files, count, most_ms), )
#undef ONDES_WATCH

// As far as Linux uses it, an argument more than were given does no harm.
#define ONDES_WATCH_OPEN(name, parameters, arguments)                                  \
  extern "C" int name parameters {                                                     \
    using Function = int parameters;                                                   \
    static Function* const real = ondes::realtime_watch_detail::real<Function>(#name); \
    ++ondes::forbidden_calls.files;                                                    \
    va_list rest;                                                                      \
    va_start(rest, flags);                                                             \
    const mode_t mode = va_arg(rest, mode_t);                                          \
    va_end(rest);                                                                      \
    return real arguments;                                                             \
  }
ONDES_WATCH_OPEN(open, (const char* path, int flags, ...), (path, flags, mode))
ONDES_WATCH_OPEN(open64, (const char* path, int flags, ...), (path, flags, mode))
ONDES_WATCH_OPEN(openat,
                 (int folder, const char* path, int flags, ...),
                 (folder, path, flags, mode))
ONDES_WATCH_OPEN(openat64,
                 (int folder, const char* path, int flags, ...),
                 (folder, path, flags, mode))
#undef ONDES_WATCH_OPEN

// How std::atomic waits and wakes. Others than futex are passed on uncounted.
extern "C" long syscall(long number, ...) noexcept {
  using Function = long(long, ...);
  static Function* const real = ondes::realtime_watch_detail::real<Function>("syscall");
  if (number == SYS_futex) {
    ++ondes::forbidden_calls.locks;
  }
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (long& argument : a) {
    argument = va_arg(rest, long);
  }
  va_end(rest);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
#endif
