// Runs a step plan over recorded notes with the recording as its past: log-likelihoods of a
// precision against another's, and hidden layers against the LibTorch module's.
//
// Set-up thread.
#pragma once
#include <vector>

#include "engine/plan/step_runner.h"
#include "models/wavenet/wavenet_torch.h"

namespace ondes {

struct ForcedNote {
  double log_likelihood = 0.0;  // mean over the samples the mask counts, nats a sample
  long long samples = 0;
};

// `batch` holds one segment (NoteBatches::segment). `probe`, when given, receives hidden values
// (engine/plan/step_runner.h).
ForcedNote run_forced(StepRunner* runner, const WavenetBatch& batch, StepProbe* probe = nullptr);

}  // namespace ondes
