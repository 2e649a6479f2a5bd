// The CPU runner of block plans: the memory of its streams (cpu_block_runner.cpp) and its schedule
// (block_schedule.cpp).
//
// Set-up thread: construction, set_probe(), track(). Render thread: everything else.
#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/cpu/block_stream_internal.h"
#include "engine/cpu/worker_pool_internal.h"
#include "engine/plan/block_runner.h"

namespace ondes {

inline constexpr int kUnitsPerThread = 4;  // of a node of one panel

// Frames whose every number is 0.
inline void pad_bytes(const ValueLayout& layout, int frames, std::uint8_t* to) noexcept {
  for (int t = 0; t < frames; ++t, to += layout.byte_width) {
    std::copy(layout.zeros.begin(), layout.zeros.end(), to);
  }
}

class CpuBlockRunner final : public BlockRunner {
 public:
  CpuBlockRunner(const BlockKernels& kernels,
                 const BlockPlan& plan,
                 const BlockRunnerOptions& options);

  void start(int stream) noexcept override;
  int process(int stream, std::span<const ConstFrames> inputs, Frames output) noexcept override;
  int finish(int stream, Frames output) noexcept override;

  int max_streams() const noexcept override { return options_.max_streams; }
  int max_block_frames() const noexcept override { return options_.max_block_frames; }
  int max_output_frames() const noexcept override { return model_.max_output_frames; }
  int latency_frames() const noexcept override { return latency_frames_; }
  void set_probe(BlockValueId value, std::vector<float>* frames) override {
    probed_ = frames == nullptr ? kNoValue : value;
    probe_ = frames;
  }
  // Widens the ranges of the channels of the plan's values by every frame from now on. f32 only.
  void track(std::vector<std::vector<BlockRange>>* ranges) { ranges_ = ranges; }
  std::string description() const override;

 private:
  void prepare(int prewarm_frames);

  ValueState& state(BlockValueId id) noexcept { return now_->values[static_cast<std::size_t>(id)]; }
  void compact(BlockValueId id) noexcept;
  void append(BlockValueId id, ConstFrames frames) noexcept;
  void end_value(BlockValueId id) noexcept;
  void end_outputs(const BlockNode& node) noexcept;

  int run(Frames output) noexcept;
  void advance(std::size_t segment) noexcept;
  bool step(const BlockNode& node) noexcept;
  void make(const BlockNode& node, std::int64_t first, std::int64_t count) noexcept;
  static void run_unit(void* self, int unit, bool on_worker) noexcept;
  void run_part(int unit) noexcept;
  bool deliver() noexcept;
  void record(BlockValueId id, std::int64_t first, std::int64_t count) noexcept;

  const BlockKernels& kernels_;
  BlockRunnerOptions options_;
  int latency_frames_;
  BlockModel model_;
  std::size_t stream_floats_ = 0;
  std::size_t stream_bytes_ = 0;
  HugeArray memory_;
  HugeArray byte_memory_;  // 8-bit signals: of every stream, then of a fresh one
  HugeArray fresh_;
  HugeArray scratch_;
  std::vector<StreamState> streams_;
  StreamState begin_;
  BlockValueId probed_ = kNoValue;
  std::vector<float>* probe_ = nullptr;
  std::vector<std::vector<BlockRange>>* ranges_ = nullptr;

  // The call in progress.
  StreamState* now_ = nullptr;
  Frames output_;
  int written_ = 0;
  NodeCall call_;
  std::int64_t chunk_ = 0;
  int panels_ = 1;
  int phases_ = 1;

  WorkerPool pool_;  // last: its workers are gone before anything they use
};

}  // namespace ondes
