// The pool's caller is a render thread: it may wait for a worker, but not by entering the kernel.
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

}  // namespace

// Stands before the C library's, and so hears std::this_thread::yield() of everything linked here.
extern "C" int sched_yield() noexcept {
  ++yields_of_this_thread;
  return 0;
}

using namespace ondes;

namespace {

struct Job {
  std::atomic<int> by_workers{0};
  std::atomic<int> denormals{0};
};

// The worker's unit takes far longer than any patience; the caller's unit waits until a worker has
// taken the other one, so that there is something to wait for.
void work(void* context, int, bool on_worker) noexcept {
  auto* job = static_cast<Job*>(context);
  volatile float smallest = std::numeric_limits<float>::min();
  if (smallest * 0.5F != 0.0F) {
    ++job->denormals;
  }
  if (on_worker) {
    ++job->by_workers;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } else {
    while (job->by_workers.load() == 0) {
    }
  }
}

}  // namespace

TEST_CASE("the control: a yield is counted") {
  yields_of_this_thread = 0;
  std::this_thread::yield();
  CHECK(yields_of_this_thread == 1);
}

TEST_CASE("a caller that waits for a worker does not give up the processor") {
  Job job;
  WorkerPool pool(1, &work, &job);
  yields_of_this_thread = 0;
  pool.run(2);
  CHECK(job.by_workers >= 1);
  CHECK(yields_of_this_thread == 0);
}

TEST_CASE("workers flush denormals as the caller does, so that it is all one who takes a unit") {
  if (!kFlushToZeroSupported) {
    WARN("skipped: this processor has no flush-to-zero mode known to engine/flush_to_zero.h");
    return;
  }
  Job job;
  WorkerPool pool(1, &work, &job);
  const FlushToZeroScope flush;
  pool.run(2);
  CHECK(job.by_workers >= 1);
  CHECK(job.denormals == 0);
}
