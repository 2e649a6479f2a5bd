// The LibTorch WaveNet: the module that is trained, with the same forward pass as the step plan.
//
// Weights of all layers are stacked in one tensor a kind (fewer, larger optimizer steps):
//   conv (L, K, 2G, R)   conv_bias (L, 2G)   condition (L, 2G, C)
//   residual (L-1, R, G)  residual_bias (L-1, R)   skip (S, L*G)  skip_bias (S)
// export_tensors() gives them the names of wavenet.h.
//
// Two implementations of the gated stack: stack_plain(), torch operations in the order of the
// formula, runs anywhere and judges; stack_fused(), a hand-written forward and backward pass for
// the CPU, trains. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/weights/safetensors.h"
#include "models/wavenet/wavenet.h"

namespace ondes {

// Letters: B segments, T samples, W rows of a segment (padded), F row features, P sample features.
struct WavenetBatch {
  torch::Tensor previous;         // (B, T) the sample before, as the network sees it
  torch::Tensor target;           // (B, T)
  torch::Tensor sample_features;  // (B, T, P)
  torch::Tensor rows;             // (B, W, F)
  torch::Tensor row_index;        // (B, T) int32, the row in force, non-decreasing
  torch::Tensor mask;             // (B, T) 1 where the loss counts

  WavenetBatch to(const torch::Device& device) const;
};

// What the gated stack takes; shapes as above where none is given.
struct StackArguments {
  torch::Tensor h0;         // (B, T, R)
  torch::Tensor rows;       // (B, W, L, 2G)
  torch::Tensor row_index;  // (B, T), integers
  torch::Tensor conv;
  torch::Tensor residual;
  torch::Tensor residual_bias;
  torch::Tensor skip;
  std::vector<int> dilations;  // (L)
};

struct WavenetModuleImpl : torch::nn::Module {
  WavenetModuleImpl(const WavenetConfig& config, int row_features, int sample_features);

  // Distribution parameters (B, T, O).
  torch::Tensor forward(const WavenetBatch& batch);
  // Mean negative log-likelihood over the mask, nats a sample, in bins of 2/65536 (of classes: in
  // classes); 0 where the mask is empty.
  torch::Tensor loss(const WavenetBatch& batch);
  // h_l and z_l of every layer, (B, T, R) and (B, T, G), by the plain path.
  std::vector<torch::Tensor> hidden_layers(const WavenetBatch& batch);

  std::map<std::string, TensorData> export_tensors() const;
  // The inverse. Tensors of other parts (level network, calibration) are not looked at. Throws
  // Error{bad_input} naming file and tensor if one is missing, misshapen or not finite.
  void load_tensors(const SafetensorsFile& file);

  WavenetConfig config;
  bool use_fused = true;  // on the CPU

  torch::Tensor input_weight, input_bias, input_embedding;
  std::vector<torch::Tensor> encoder_weights, encoder_biases;
  torch::Tensor conv, conv_bias, condition, residual, residual_bias, skip, skip_bias;
  torch::Tensor head_weight, head_bias, output_weight, output_bias;

 private:
  torch::Tensor input_layer(const WavenetBatch& batch);
  // Conditioning of every layer for every row: (B, W, L, 2G), biases included.
  torch::Tensor projected_rows(const WavenetBatch& batch);
  StackArguments stack_arguments(const WavenetBatch& batch);
  // Every parameter under its name and in its layout of wavenet.h, sharing memory with the module.
  std::vector<std::pair<std::string, torch::Tensor>> named_views() const;
};
TORCH_MODULE(WavenetModule);

// The sum of skips (B, T, S), without the bias. `hidden`, when given, receives h_0, z_0, h_1, ...
torch::Tensor stack_plain(const StackArguments& in, std::vector<torch::Tensor>* hidden = nullptr);

// The same, CPU and float32 only, segments in parallel (wavenet_stack_torch.cpp).
torch::Tensor stack_fused(const StackArguments& in);

}  // namespace ondes
