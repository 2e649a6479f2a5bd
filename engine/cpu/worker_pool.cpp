#include <chrono>

#include "engine/cpu/worker_pool_internal.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

constexpr int kSpins = 4000;  // some 50 microseconds: the gap between blocks of a render
constexpr int kYields = 200;
constexpr int kCallerSpins = 20000;  // a good part of a millisecond
constexpr auto kNap = std::chrono::microseconds(100);

}  // namespace

WorkerPool::WorkerPool(int workers, Work work, void* context) : work_(work), context_(context) {
  for (int i = 0; i < workers; ++i) {
    threads_.emplace_back([this] { serve(); });
  }
}

WorkerPool::~WorkerPool() {
  stop_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

bool WorkerPool::take_unit(bool on_worker) noexcept {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while ((ticket & 0xFFFFU) < ((ticket >> 16U) & 0xFFFFU)) {
    if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      work_(context_, static_cast<int>(ticket & 0xFFFFU), on_worker);
      done_.fetch_add(1, std::memory_order_release);
      return true;
    }
  }
  return false;
}

void WorkerPool::run(int units) noexcept {
  done_.store(0, std::memory_order_relaxed);
  const std::uint64_t job = (ticket_.load(std::memory_order_relaxed) >> 32U) + 1;
  ticket_.store(job << 32U | static_cast<std::uint64_t>(units) << 16U, std::memory_order_release);
  while (take_unit(false)) {
  }
  for (int spins = 0; done_.load(std::memory_order_acquire) != units;) {
    if (++spins < kCallerSpins) {
      spin_pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void WorkerPool::serve() noexcept {
  const FlushToZeroScope flush;
  int idle = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (take_unit(true)) {
      idle = 0;
    } else if (++idle < kSpins) {
      spin_pause();
    } else if (idle < kSpins + kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kNap);
    }
  }
}

}  // namespace ondes
