// HiFi-GAN generators: weight names, and the block plan a configuration compiles to.
//
//   h = conv_pre(mel) [+ cond(emb_g[speaker])]
//   a stage s:      h = ups.s(act(h));  h = mean over j of resblocks.(s J + j)(h)
//   resblock "1":   h = h + convs2.m(act(convs1.m(act(h)))) for each dilation m
//   resblock "2":   h = h + convs.m(act(h))
//   out = tanh(conv_post(act(h))); with an inverse-STFT head conv_post(reflect(act(h))) gives ln
//   magnitude and the sine's argument of phase
// act is leaky ReLU of slope 0.1 (0.01 before conv_post); with Snake it is the anti-aliased Snake,
// and ups.s have none before them.
//
// Weights carry the published names and PyTorch's layouts, weight norm folded:
//   conv_pre.weight (C, M, 7)         .bias (C)
//   ups.<s>.weight (C_s-1, C_s, K)    .bias            BigVGAN: ups.<s>.0.weight
//   resblocks.<n>.convs1.<m>.weight / .convs2.<m> / .convs.<m>, each with .bias
//   resblocks.<n>.activations.<a>.act.alpha (C_s)  [.beta]   activation_post.act.alpha  [.beta]
//   conv_post.weight (1 or fft + 2, C, 7)   .bias (where use_bias_at_final)
//   emb_g.weight (speakers, G)        cond.weight (C, G, 1)   cond.bias (C)
//   calibration.*                     optional (models/block_calibration.h)
// BigVGAN's checkpoints also hold the filters of the anti-aliased activations (.upsample.filter,
// .downsample.lowpass.filter); they may be there and must then be the ones computed here.
// A tensor beyond these is refused, because it would be ignored in silence.
//
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/weights/voice_file.h"
#include "models/hifigan/hifigan_config.h"

namespace ondes {

// Every tensor the network has, with its shape; the filters, which are optional, apart.
std::map<std::string, std::vector<std::int64_t>> hifigan_tensor_shapes(const HifiganConfig& config);

// True for the names of filters that a network with Snake activations computes itself.
bool is_hifigan_filter(const std::string& tensor);

// The names of `ups.<s>`, which BigVGAN wraps in a list of one.
std::string hifigan_ups_name(const HifiganConfig& config, int stage);

// `speaker` is a row of the embedding, 0 without one. The bytes the weights were parsed from must
// outlive the plan, unless `weights.storage` keeps them.
BlockPlan compile_hifigan(const HifiganConfig& config,
                          const SafetensorsFile& weights,
                          int sample_rate_hz,
                          int speaker = 0);
BlockPlan compile_hifigan(const VoiceFile& voice, int speaker = 0);

// Random weights that keep activations of order 1 (benches, tests), and the plan they make.
std::map<std::string, TensorData> random_hifigan_tensors(const HifiganConfig& config,
                                                         std::uint64_t seed);
BlockPlan random_hifigan(const HifiganConfig& config, std::uint64_t seed);

}  // namespace ondes
