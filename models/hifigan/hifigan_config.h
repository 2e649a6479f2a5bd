// Configuration of a HiFi-GAN generator, as the `config.json` files of its family write it.
//
// Sources: HiFi-GAN (Kong, Kim & Bae, 2020, arXiv:2010.05646), BigVGAN (Lee et al., 2023,
// arXiv:2206.04658), iSTFTNet (Kaneko et al., 2022, arXiv:2203.02395).
//
// Accepted keys: `resblock` ("1" or "2"), `upsample_rates`, `upsample_kernel_sizes`,
// `upsample_initial_channel`, `resblock_kernel_sizes`, `resblock_dilation_sizes`, `activation`,
// `snake_logscale`, `use_tanh_at_final`, `use_bias_at_final`, `gen_istft_n_fft`,
// `gen_istft_hop_size`, `num_speakers|n_speakers`, `gin_channels`; of the analysis
// `num_mels|n_mels|n_mel_channels`, `sampling_rate|sample_rate`, `n_fft|fft_size|filter_length`,
// `hop_size|hop_length`, `win_size|win_length`, `fmin|mel_fmin`, `fmax|mel_fmax` (null: half the
// rate). Keys that only training reads are listed in `ignored`; any other key is refused, because it
// might change what the network computes.
//
// Set-up thread. Everything throws Error{bad_input} naming file, field, expected, found.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ondes {

enum class HifiganActivation { leaky_relu, snake, snakebeta };

struct HifiganConfig {
  int resblock = 1;  // 1: pairs of convolutions, the second undilated; 2: single ones
  std::vector<int> upsample_rates;
  std::vector<int> upsample_kernel_sizes;
  int upsample_initial_channel = 512;  // stage s has this, shifted right by s + 1, channels
  std::vector<int> resblock_kernel_sizes;
  std::vector<std::vector<int>> resblock_dilation_sizes;  // of each kernel size
  HifiganActivation activation = HifiganActivation::leaky_relu;
  bool snake_logscale = false;    // alpha and beta are stored as logarithms
  bool use_tanh_at_final = true;  // else clamped to [-1, 1]
  bool use_bias_at_final = true;
  int istft_fft_size = 0;  // 0: no inverse-STFT head
  int istft_hop_samples = 0;
  int speakers = 0;  // 0: no embedding
  int speaker_channels = 0;

  // Of the analysis; 0 (the upper frequency: half the rate): not given.
  int mel_bands = 80;
  int sample_rate_hz = 0;
  int fft_size = 0;
  int window_samples = 0;
  double min_hz = 0.0;
  double max_hz = 0.0;

  std::vector<std::string> ignored;  // keys of the file that only training reads

  bool has_snake() const { return activation != HifiganActivation::leaky_relu; }
  bool has_istft() const { return istft_fft_size != 0; }
  int stages() const { return static_cast<int>(upsample_rates.size()); }
  int stage_channels(int stage) const { return upsample_initial_channel >> (stage + 1); }
  int hop_samples() const;  // output samples for a mel frame
};

HifiganConfig hifigan_config_from_json(const nlohmann::json& config, const std::string& name);
// The keys of jik876's and NVIDIA's files; what is at its default is left out.
nlohmann::json hifigan_config_to_json(const HifiganConfig& config);

// The published variants: 1, 2 or 3 of HiFi-GAN, 22.05 kHz, 80 bands.
HifiganConfig hifigan_variant(int variant);

}  // namespace ondes
