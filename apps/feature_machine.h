// What a mel or a sound runs on: the runner of a mel or audio voice, whichever kind of plan it has,
// with a render's options.
//
// Set-up thread. Throws Error{usage} for options that the voice does not have, Error{no_device} for
// a device that it does not run on.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "apps/feature_renderer.h"
#include "engine/plan/block_runner.h"

namespace ondes {

struct FeatureMachine {
  std::unique_ptr<BlockRunner> runner;
  int channels = 0;           // of a frame of features
  std::int64_t samples = 0;   // that `frames` of them make
  std::string isa;            // for the recipes of floats
  std::string device;         // what runs, for people
  std::string device_choice;  // "auto: why"; empty where there was nothing to choose
  bool on_gpu = false;
};

FeatureMachine make_feature_machine(const FeatureRequest& request, std::int64_t frames);

}  // namespace ondes
