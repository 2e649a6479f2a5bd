// The fast CPU runner: packed weights, vector kernels of one instruction set, lanes split over
// persistent workers.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/buffer.h"
#include "engine/cpu/huge_array.h"
#include "engine/cpu/reference_step_runner.h"
#include "engine/cpu/runner_options.h"
#include "engine/cpu/step_kernels_internal.h"
#include "engine/cpu/step_model_internal.h"
#include "engine/cpu/worker_pool_internal.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"

namespace ondes {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

DotFormat format_of(Precision precision, const StepKernels& kernels) {
  switch (precision) {
    case Precision::f32:
    case Precision::f16:  // refused at set-up
      return DotFormat::f32;
    case Precision::i16:
      return DotFormat::i16_pairs;
    case Precision::i8:
      return kernels.i8_format;
  }
  return DotFormat::f32;
}

// Weights from which two cores share a lane alone. They meet twice a sample and pass every layer's
// outputs on, some microseconds in all: 3.4 MB gain 1.8 times, 1.7 MB 1.4 times, 1.1 MB nothing
// (tests/bench/results/).
constexpr std::size_t kPairBytes = 1'500'000;

class CpuStepRunner final : public StepRunner {
 public:
  CpuStepRunner(const StepKernels& kernels, const StepPlan& plan, const StepRunnerOptions& options)
      : kernels_(kernels),
        options_(options),
        plan_storage_(plan.storage),
        model_(plan,
               format_of(options.precision, kernels),
               format_of(output_precision(options.precision, plan.distribution), kernels)),
        threads_(std::min(options.threads, std::max(options.max_lanes, 2))),
        pairs_(threads_ > 1 && model_.arena.bytes() >= kPairBytes),
        pool_(threads_ - 1, &CpuStepRunner::run_unit, this) {
    const std::size_t gates = size(model_.layer_count) * size(2 * model_.gp);
    // One cache line more than a power of two: slots do not share the sets of a cache.
    const std::size_t slot_stride = model_.slot_bytes + 64;
    history_.allocate(slot_stride * size(options.max_lanes));
    conditioning_.allocate(gates * size(options.max_lanes));
    slots_.resize(size(options.max_lanes));
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].history = history_.data() + i * slot_stride;
      slots_[i].conditioning = conditioning_.data() + i * gates;
    }
    next_row_.resize(size(options.max_lanes));
    scratch_.resize(size(threads_));
    for (StepScratch& scratch : scratch_) {
      scratch.allocate(model_, std::max(options.max_lanes, kPastWindow));
    }
  }

  void start(int slot) noexcept override {
    SlotState& state = slots_[size(slot)];
    std::memset(state.history, 0, model_.slot_bytes);
    state.sample = 0;
    state.last = 0.0F;
  }

  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    assert(samples <= options_.max_block_samples);
    assert(lanes.size() <= slots_.size());
    const FlushToZeroScope flush;
    if (lanes.empty() || samples <= 0) {
      return;
    }
    lanes_ = lanes;
    samples_ = samples;
    pair_now_ = pairs_ && lanes.size() == 1;
    if (pair_now_) {
      pair_.reset();
      share_ = 1;
      pool_.run(2);
      return;
    }
    const int units = std::min(threads_, static_cast<int>(lanes.size()));
    share_ = (static_cast<int>(lanes.size()) + units - 1) / units;
    if (units == 1) {
      run_share(0);
    } else {
      pool_.run(units);
    }
  }

  void set_probe(StepProbe* probe) override { probe_ = probe; }
  int max_lanes() const noexcept override { return options_.max_lanes; }
  int max_block_samples() const noexcept override { return options_.max_block_samples; }
  std::string description() const override {
    return std::string("cpu ") + kernels_.name + " " + precision_name(options_.precision) + ", " +
           std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }

 private:
  static void run_unit(void* self, int unit, bool) noexcept {
    static_cast<CpuStepRunner*>(self)->run_share(unit);
  }

  // Lanes [unit * share, ...) of the call in progress.
  void run_share(int unit) noexcept {
    const std::size_t first = pair_now_ ? 0 : std::min(size(unit * share_), lanes_.size());
    const std::size_t count = std::min(size(share_), lanes_.size() - first);
    if (count == 0) {
      return;
    }
    GroupCall call;
    call.model = &model_;
    call.scratch = &scratch_[pair_now_ ? 0 : size(unit)];
    call.slots = slots_.data();
    call.lanes = lanes_.subspan(first, count);
    call.next_row = std::span<std::uint32_t>(next_row_).subspan(first, count);
    call.samples = samples_;
    call.probe = probe_;
    call.pair = pair_now_ ? &pair_ : nullptr;
    call.second_half = pair_now_ && unit == 1;
    switch (options_.precision) {
      case Precision::f32:
      case Precision::f16:
        kernels_.advance_f32(call);
        break;
      case Precision::i16:
        kernels_.advance_i16(call);
        break;
      case Precision::i8:
        kernels_.advance_i8(call);
        break;
    }
  }

  const StepKernels& kernels_;
  StepRunnerOptions options_;
  std::shared_ptr<const void> plan_storage_;
  StepModel model_;
  HugeArray history_;
  AlignedArray<float> conditioning_;
  std::vector<SlotState> slots_;
  std::vector<std::uint32_t> next_row_;
  std::vector<StepScratch> scratch_;
  StepProbe* probe_ = nullptr;
  int threads_;
  bool pairs_;  // a lane alone is shared by two cores
  PairSync pair_;

  // The call in progress.

  std::span<const StepLane> lanes_;
  int samples_ = 0;
  int share_ = 0;
  bool pair_now_ = false;

  WorkerPool pool_;  // last: its workers are gone before anything they use
};

}  // namespace

std::unique_ptr<StepRunner> make_cpu_step_runner_for(Isa isa,
                                                     const StepPlan& plan,
                                                     const StepRunnerOptions& options) {
  validate(plan);
  validate_options(options);
  refuse_on_cpu(options.precision);
  if (isa == Isa::scalar) {
    return std::make_unique<ReferenceStepRunner>(plan, options);
  }
  const StepKernels* kernels = step_kernels(isa);
  if (kernels == nullptr) {
    throw Error(ErrorCode::usage, "step runner: this machine does not have " + isa_name(isa));
  }
  return std::make_unique<CpuStepRunner>(*kernels, plan, options);
}

std::unique_ptr<StepRunner> make_cpu_step_runner(const StepPlan& plan,
                                                 const StepRunnerOptions& options) {
  return make_cpu_step_runner_for(chosen_isa(), plan, options);
}

}  // namespace ondes
