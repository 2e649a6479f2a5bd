// Renders one mel or one sound with a mel or audio voice into one mono file: features -> block plan
// -> the mix sink that scores end in too (apps/renderer.h). In blocks, in constant memory; the
// samples do not depend on the blocks.
//
// One thread, and those of the runner.
#pragma once
#include <string>

#include "apps/progress.h"
#include "apps/render_output.h"
#include "apps/voices.h"

namespace ondes {

struct FeatureRequest {
  const Voice& voice;
  std::string input;           // the file
  std::string input_as_given;  // for the recipe
  RenderOptions options;
  std::string voice_as_given;
  std::string output;
  bool replace = false;
  ProgressMode progress = ProgressMode::automatic;
  int call_samples = 0;  // that a call makes, about; 0: what suits a render on the device
};

// Throws Error; then the output is as it was before.
RenderSummary render_features(const FeatureRequest& request);

}  // namespace ondes
