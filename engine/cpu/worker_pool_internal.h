// Persistent workers that share the units of one job at a time, without locks.
//
// Everything a worker must know to take a unit stands in one atomic word: the job's number, how
// many units it has, which is next. A worker that comes late finds no unit left, never one of
// another job. The caller works too, so a job ends even if every worker sleeps. Idle workers spin,
// then yield, then nap: waiting costs the caller nothing, and a nap never delays more than one
// share. The caller spins while its workers
// finish, for about half a millisecond. A worker that is not done by then has lost its processor,
// perhaps to the very caller: then the caller yields, the one time that something marked real time
// enters the kernel, because spinning on would only keep the worker away (measured on two busy
// cores: ten times slower). Denormals are flushed on every worker, as they are to
// be on the caller's thread (engine/flush_to_zero.h): which thread takes a unit changes no bit.
// Set-up thread: constructor, destructor. Render thread: run(), one caller at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/realtime.h"

namespace ondes {

class WorkerPool {
 public:
  // `on_worker`: not on the thread that called run().
  using Work = void (*)(void* context, int unit, bool on_worker) noexcept;

  WorkerPool(int workers, Work work, void* context);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls work(context, u, ...) for u = 0..units-1, each once; returns when all are done.
  void run(int units) noexcept ONDES_REALTIME;

 private:
  // ticket = job << 32 | units << 16 | next unit.
  bool take_unit(bool on_worker) noexcept;
  void serve() noexcept;

  Work work_;
  void* context_;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int> done_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

// Tells the processor that this is a waiting loop.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

}  // namespace ondes
