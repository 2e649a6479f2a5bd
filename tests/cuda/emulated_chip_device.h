// An emulated device that can also run a launch across a chip: all blocks at once, in turns
// (cuda/step/persistent_emulator.h).
#pragma once
#include <memory>
#include <vector>

#include "cuda/step/persistent_emulator.h"
#include "tests/cuda/emulated_step_device.h"

namespace ondes::gpu {

class EmulatedChipDevice final : public EmulatedStepDevice {
 public:
  EmulatedChipDevice(const EmulatedDevice& device,
                     const EmulatedChipConfig& chip,
                     EmulatedChipReport* report)
      : EmulatedStepDevice(device), chip_(chip), report_(report) {}

  void step(Precision precision,
            const StepLaunch& launch,
            const StepModelView& model,
            const StepCall& call) noexcept override {
    if (launch.persistent.blocks() == 0) {
      return EmulatedStepDevice::step(precision, launch, model, call);
    }
    switch (precision) {
      case Precision::f16:
        return shaped<F16Arithmetic>(launch, model, call);
      case Precision::i16:
        return shaped<I16Arithmetic>(launch, model, call);
      case Precision::i8:
        return shaped<I8Arithmetic>(launch, model, call);
      default:
        return shaped<F32Arithmetic>(launch, model, call);
    }
  }

 private:
  template <typename A>
  void shaped(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    launch.fixed_residual == 64 ? chip<A, 64>(launch, model, call)
                                : chip<A, 0>(launch, model, call);
  }

  template <typename A, int kResidual>
  void chip(const StepLaunch& launch, const StepModelView& model, const StepCall& call) {
    using Stage = PersistentStage<A, kResidual, EmulatedChipBlock>;
    using Head = PersistentHead<A, kResidual, EmulatedChipBlock>;
    chip_.seed += 1;  // every launch is interleaved in its own way
    EmulatedChip chip(chip_);
    std::vector<std::unique_ptr<EmulatedPart>> parts;
    for (int b = 0; b < launch.blocks(call.lane_count); ++b) {
      if (b < launch.persistent.stages) {
        parts.push_back(std::make_unique<EmulatedBody<Stage>>(chip, b, launch.threads,
                                                              launch.shared_bytes, model, call));
      } else {
        parts.push_back(std::make_unique<EmulatedBody<Head>>(chip, b, launch.threads,
                                                             launch.shared_bytes, model, call));
      }
    }
    emulate_chip(chip, parts);
    report_->lost |= chip.report().lost;
    report_->stuck |= chip.report().stuck;
    report_->stores += chip.report().stores;
    report_->turns += chip.report().turns;
    ++report_->launches;
  }

  EmulatedChipConfig chip_;
  EmulatedChipReport* report_;
};

}  // namespace ondes::gpu
