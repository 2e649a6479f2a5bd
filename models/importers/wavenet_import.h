// WaveNet vocoders of other projects, as far as a step plan expresses them: kernels of 2 or 3, a
// categorical mu-law, logistic-mixture or Gaussian output, a mel frame held for a hop or upsampled.
//
//   r9y9/wavenet_vocoder   first_conv, conv_layers.<l>, last_conv_layers.{1,3}; its hparams as JSON
//   NVIDIA/nv-wavenet      embed, dilate_layers.<l>, cond_layers, res_layers, skip_layers, conv_out,
//                          conv_end (the state dict of its PyTorch module); its config.json
//
// wavenet_vocoder scales what it adds: h' = s (h + U z + u), s = sqrt(1/2). With h_l = s^l g_l that
// is g' = g + s^-l (U z + u) and a layer that sees s^l W: the plan's form, the same numbers. Its
// skips are scaled in the skip weights. Biases of conditioning and of skips are added up.
//
// A learned upsampling of the mel (upsample_net.*, upsample.*) becomes stages of
// models/wavenet/wavenet_upsampling.h; nv-wavenet's is folded where it only repeats a frame. Refused
// by name: global conditioning, a scalar mu-law input, wavenet_vocoder's upsampling from before 2019
// (upsample_conv.*).
// Set-up thread. Throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include "models/importers/import_voice.h"
#include "models/importers/tensor_source.h"

namespace ondes {

bool looks_like_wavenet(const TensorSource& source);

ImportedVoice import_wavenet(const ImportRequest& request, const TensorSource& source);

}  // namespace ondes
