// How an imported WaveNet vocoder makes a conditioning row for every sample of the frames of a mel,
// as a block plan: what stands between the mel and the step plan. Stages, in order:
//
//   context     y[t] = sum over k of W_k x[t + k - (K-1)/2], edges repeated    (wavenet_vocoder's
//               conv_in; its program pads the mel by repeating the edges)
//   stretch     every frame `rate` times, then over bands and time the one filter w (B, 2 rate + 1),
//               zeros around; then leaky ReLU of `slope` (1: none)             (its UpsampleNetwork)
//   transposed  a transposed convolution of stride `rate`, its first frames x rate outputs
//                                                                              (nv-wavenet's upsample)
//
// Weights: upsample.<i>.weight  context (C, C, K)  stretch (B, 2 rate + 1)  transposed (C, C, K)
//          upsample.<i>.bias    transposed (C)
// C: the mel's bands. Sources: r9y9/wavenet_vocoder, wavenet_vocoder/upsample.py; NVIDIA/nv-wavenet,
// pytorch/wavenet.py.
// Set-up thread. Everything throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/weights/voice_file.h"

namespace ondes {

struct WavenetUpsampling {
  enum class Kind { context, stretch, transposed };
  Kind kind = Kind::stretch;
  int rate = 1;        // frames for each one; context: 1
  int taps = 1;        // over time; stretch: 2 rate + 1
  int bands = 1;       // stretch: those the filter spans, odd
  float slope = 1.0F;  // stretch
};

// An array of objects under `key`, in the order of the stages; absent: none.
std::vector<WavenetUpsampling> wavenet_upsampling_from_json(const nlohmann::json& config,
                                                            const std::string& where);
nlohmann::json wavenet_upsampling_to_json(const std::vector<WavenetUpsampling>& stages);

void add_wavenet_upsampling_shapes(const std::vector<WavenetUpsampling>& stages,
                                   int mels,
                                   std::map<std::string, std::vector<std::int64_t>>* shapes);

// Rows a frame, all stages together.
int upsampling_rate(const std::vector<WavenetUpsampling>& stages);

// Nothing for a voice that holds its frames, or takes notes.
std::optional<BlockPlan> compile_wavenet_upsampling(const VoiceFile& voice);

}  // namespace ondes
