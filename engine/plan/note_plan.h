// What every plan that plays notes has in common, and all that lanes (engine/lanes) know of it.
// Any thread.
#pragma once
#include <memory>
#include <vector>

#include "engine/plan/dense_op.h"

namespace ondes {

struct NotePlan {
  int sample_rate_hz = 0;
  int row_features = 0;     // F, features of a conditioning row
  int sample_features = 0;  // P, features at the sample rate

  // Row features -> ln of the amplitude that turns the network's level-normalised samples into
  // sound. Empty where the network makes the level itself (amplitude 1).
  std::vector<DenseOp> level;

  // Keeps the memory behind the spans alive.
  std::shared_ptr<const void> storage;
};

}  // namespace ondes
