// The vector kernels of one instruction set: a group of lanes advanced by a block of samples.
// Dispatch happens here, once, when a runner is made. Any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <thread>

#include "engine/cpu/runner_options.h"
#include "engine/cpu/step_model_internal.h"
#include "engine/cpu/worker_pool_internal.h"

namespace ondes {

// How two cores share one lane. Reset before each call.
struct PairSync {
  // Layers whose gated outputs are there, counted through the samples of the call.
  alignas(64) std::atomic<std::int64_t> layers_done{0};
  // Samples drawn; before that, samples whose second half somebody has claimed.
  alignas(64) std::atomic<std::int64_t> samples_done{0};
  alignas(64) std::atomic<std::int64_t> claimed{0};

  void reset() noexcept {
    layers_done.store(0, std::memory_order_relaxed);
    samples_done.store(0, std::memory_order_relaxed);
    claimed.store(0, std::memory_order_relaxed);
  }
  // True for the one who may do the second half of sample t.
  bool claim(std::int64_t t) noexcept {
    return claimed.compare_exchange_strong(t, t + 1, std::memory_order_acq_rel);
  }
};

// A waiting loop that leaves the core to others when it takes long, as WorkerPool::run() does.
class Patience {
 public:
  void wait() noexcept {
    if (++spins_ < 20000) {
      spin_pause();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  int spins_ = 0;
};

// Lanes of one worker. `slots` is indexed by StepLane::slot.
struct GroupCall {
  const StepModel* model = nullptr;
  StepScratch* scratch = nullptr;
  SlotState* slots = nullptr;
  std::span<const StepLane> lanes;
  std::span<std::uint32_t> next_row;  // (lanes), scratch
  int samples = 0;
  StepProbe* probe = nullptr;
  PairSync* pair = nullptr;  // one lane shared by two cores; this call is one of its halves
  bool second_half = false;
};

struct StepKernels {
  const char* name;     // for people: "avx512 (vnni)"
  DotFormat i8_format;  // how this instruction set wants its int8 weights
  void (*advance_f32)(const GroupCall& call) noexcept;
  void (*advance_i16)(const GroupCall& call) noexcept;
  void (*advance_i8)(const GroupCall& call) noexcept;
};

// Null if this machine does not have the instruction set (or it is the scalar one, which is the
// judge's).
const StepKernels* step_kernels(Isa isa);

}  // namespace ondes
