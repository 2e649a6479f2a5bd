// The LibTorch note generator: the module that is trained, with the same forward pass as the plan.
// Set-up thread.
#pragma once
#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/weights/safetensors.h"
#include "models/note_generator/note_generator.h"
#include "models/note_generator/note_synth_torch.h"

namespace ondes {

struct NoteGeneratorModuleImpl : torch::nn::Module {
  NoteGeneratorModuleImpl(const NoteGeneratorConfig& config, const NoteContract& contract);

  // rows (..., F) -> targets of partial amplitudes (..., H) and noise taps (..., K).
  struct Controls {
    torch::Tensor amplitudes;
    torch::Tensor taps;
  };
  Controls controls(const torch::Tensor& rows);
  // rows (..., F) -> turns a sample that each partial runs ahead of its harmonic (..., H).
  torch::Tensor turns(const torch::Tensor& rows);
  // rows (B, W, F), the rest as in NoteSynthInput, whose `turns` is filled in. Returns (B, T).
  torch::Tensor forward(const torch::Tensor& rows, NoteSynthInput input);

  std::map<std::string, TensorData> export_tensors() const;  // without level

  NoteGeneratorConfig config;
  NoteContract contract;
  std::vector<torch::Tensor> control_weights, control_biases;
  // Fitted apart (partial_analysis.h), not by gradients through the synthesizer.
  std::vector<torch::Tensor> detune_weights, detune_biases;
  torch::Tensor kernel;  // (K, N)
};
TORCH_MODULE(NoteGeneratorModule);

}  // namespace ondes
