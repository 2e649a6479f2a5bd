// The LibTorch generator: the module that is trained, with the same forward pass as the block plan
// of hifigan.h, in its published order of operations.
//
// While training every convolution is weight-normed: parameters `<name>.weight_g` and `.weight_v`
// in place of `<name>.weight` (w = g v / |v|, the norm over all but the first dimension), as in the
// published checkpoints. export_tensors() gives the folded tensors of hifigan.h.
//
// Letters: B clips, M mel bands, T frames. Set-up thread.
#pragma once
#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/weights/safetensors.h"
#include "models/hifigan/hifigan_config.h"

namespace ondes {

struct NormedConvOptions {
  std::vector<std::int64_t> shape;  // of the weight, PyTorch's layout
  bool transposed = false;
  int stride = 1;
  int dilation = 1;
  int padding = 0;
  bool bias = true;
  bool weight_norm = true;
};

struct NormedConvImpl : torch::nn::Module {
  explicit NormedConvImpl(const NormedConvOptions& conv);
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor weight() const;  // folded
  void set_weight(const torch::Tensor& value);

  NormedConvOptions options;
  torch::Tensor weight_g, weight_v;  // without weight norm weight_v is the weight
  torch::Tensor bias;
};
TORCH_MODULE(NormedConv);

// Snake at twice the rate (alias_free_filter.h); parameters act.alpha and act.beta.
struct AliasFreeSnakeImpl : torch::nn::Module {
  AliasFreeSnakeImpl(const HifiganConfig& config, int channels);
  torch::Tensor forward(const torch::Tensor& x);

  bool logscale = false;
  torch::Tensor alpha, beta;  // beta is alpha for Snake
  torch::Tensor filter;       // (1, 1, 12)
};
TORCH_MODULE(AliasFreeSnake);

struct HifiganModuleImpl : torch::nn::Module {
  explicit HifiganModuleImpl(const HifiganConfig& hifigan, bool weight_norm = true);

  // mel (B, M, T) -> samples (B, 1, T hop). speaker (B) int64, needed where there is an embedding.
  torch::Tensor forward(const torch::Tensor& mel, const torch::Tensor& speaker = {});

  std::map<std::string, TensorData> export_tensors() const;
  // The inverse, from folded tensors. Throws Error{bad_input} naming file and tensor if one is
  // missing, misshapen or not finite.
  void load_tensors(const SafetensorsFile& file);

  HifiganConfig config;

 private:
  struct Resblock {
    std::vector<NormedConv> first;   // convs1 or convs
    std::vector<NormedConv> second;  // convs2
    std::vector<AliasFreeSnake> activations;
  };

  void add_upsampling(bool weight_norm);
  Resblock add_resblock(int channels, std::size_t kernel, bool weight_norm);
  torch::Tensor run_resblock(Resblock& block, torch::Tensor x);
  torch::Tensor run_head(const torch::Tensor& x);
  // Every tensor of hifigan.h by name: the convolutions' weights apart, because they are folded.
  std::vector<std::pair<std::string, NormedConv>> named_convs() const;
  std::vector<std::pair<std::string, torch::Tensor>> named_plain() const;

  NormedConv conv_pre_{nullptr}, conv_post_{nullptr}, cond_{nullptr};
  std::vector<NormedConv> ups_;
  std::vector<Resblock> resblocks_;
  AliasFreeSnake activation_post_{nullptr};
  torch::Tensor speakers_;
  torch::nn::ModuleList resblock_list_;
  torch::Tensor istft_window_;
};
TORCH_MODULE(HifiganModule);

}  // namespace ondes
