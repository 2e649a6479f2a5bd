// Fits the level network of a note voice: row features -> ln amplitude (see note_analysis.h).
//
// A small dense network, tanh between, trained by Adam on squared error with a cosine schedule. A
// pure function of the examples and the seed. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/weights/safetensors.h"

namespace ondes {

struct LevelFitOptions {
  std::vector<int> channels = {64, 64};  // hidden
  int steps = 4000;
  int batch_rows = 4096;
  double learning_rate = 4e-3;
  std::uint64_t seed = 1;
};

struct LevelNetwork {
  std::vector<torch::Tensor> weights;  // (out, in)
  std::vector<torch::Tensor> biases;

  torch::Tensor forward(torch::Tensor rows) const;           // (N, F) -> (N)
  std::map<std::string, TensorData> export_tensors() const;  // level.<i>.weight / .bias
};

// rows (N, F), targets (N). progress(step, root mean square error in dB) now and then.
LevelNetwork fit_level_network(const torch::Tensor& rows,
                               const torch::Tensor& targets,
                               const LevelFitOptions& options,
                               const std::function<void(int, double)>& progress);

}  // namespace ondes
