// The pool's caller is a render thread: it enters the kernel only where a worker has lost its
// processor.
#include <sched.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <thread>

#include "engine/cpu/worker_pool_internal.h"
#include "engine/flush_to_zero.h"

namespace {

thread_local int yields_of_this_thread = 0;
thread_local std::chrono::steady_clock::time_point first_yield;
thread_local std::atomic<bool>* told_of_yields = nullptr;

}  // namespace

// Stands before the C library's, and so hears std::this_thread::yield() of everything linked here.
extern "C" int sched_yield() noexcept {
  if (yields_of_this_thread++ == 0) {
    first_yield = std::chrono::steady_clock::now();
  }
  if (told_of_yields != nullptr) {
    *told_of_yields = true;
  }
  return 0;
}

using namespace ondes;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);  // with a caller that never yields

struct Job {
  std::atomic<bool> caller_yielded{false};
  std::atomic<int> by_workers{0};
  std::atomic<int> denormals{0};
};

// The worker's unit takes until the caller has given up waiting for it; the caller's unit waits until
// a worker has taken the other one, so that there is something to wait for. No sleep of any length
// would do: a busy machine may keep the caller from its processor for longer.
void work(void* context, int, bool on_worker) noexcept {
  auto* job = static_cast<Job*>(context);
  volatile float smallest = std::numeric_limits<float>::min();
  if (smallest * 0.5F != 0.0F) {
    ++job->denormals;
  }
  if (on_worker) {
    ++job->by_workers;
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!job->caller_yielded && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  } else {
    while (job->by_workers.load() == 0) {
    }
  }
}

// Two units, one of them by a worker.
void run(WorkerPool& pool, Job& job) {
  told_of_yields = &job.caller_yielded;
  pool.run(2);
  told_of_yields = nullptr;
}

}  // namespace

TEST_CASE("the control: a yield is counted") {
  yields_of_this_thread = 0;
  std::this_thread::yield();
  CHECK(yields_of_this_thread == 1);
}

TEST_CASE("a caller whose worker is late spins first, and gives up the processor then") {
  Job job;
  WorkerPool pool(1, &work, &job);
  yields_of_this_thread = 0;
  const auto start = std::chrono::steady_clock::now();
  run(pool, job);
  CHECK(job.by_workers >= 1);
  REQUIRE(yields_of_this_thread > 0);
  // 20,000 pauses of at least 4 cycles, at 5 GHz at most.
  CHECK(first_yield - start > std::chrono::microseconds(16));
}

TEST_CASE("workers flush denormals as the caller does, so that it is all one who takes a unit") {
  if (!kFlushToZeroSupported) {
    WARN("skipped: this processor has no flush-to-zero mode known to engine/flush_to_zero.h");
    return;
  }
  Job job;
  WorkerPool pool(1, &work, &job);
  const FlushToZeroScope flush;
  run(pool, job);
  CHECK(job.by_workers >= 1);
  CHECK(job.denormals == 0);
}
