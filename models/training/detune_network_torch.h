// Fits the detune network of a note generator: which cents each partial lies above the harmonic,
// from the pitch, the velocity and the instrument of a note (partial_analysis.h gives the examples).
//
// A small dense network, tanh between, trained by Adam on the Huber loss (10 cents) with a cosine
// schedule over all notes at once. Columns of its first layer that belong to ages and the gate are
// zero, exactly, so that a partial keeps its place while a note lasts. A pure function of the
// examples and the seed. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <vector>

#include "models/training/note_batches.h"

namespace ondes {

struct DetuneFitOptions {
  std::vector<int> channels = {64};  // hidden
  int steps = 1500;
  double learning_rate = 5e-3;
  std::uint64_t seed = 1;
};

struct DetuneNetwork {
  std::vector<torch::Tensor> weights;  // (out, in)
  std::vector<torch::Tensor> biases;
};

// progress(step, mean absolute error in cents over the partials that were found) now and then.
DetuneNetwork fit_detune_network(const NoteBatches& batches,
                                 int partials,
                                 const DetuneFitOptions& options,
                                 const std::function<void(int, double)>& progress);

}  // namespace ondes
