// Generators of HiFi-GAN, iSTFTNet and BigVGAN: a checkpoint {"generator": state_dict} or the state
// dict alone, or safetensors, with the config.json they were trained with.
//
// All three analyse alike: |X| = sqrt(re^2 + im^2 + 1e-9), Slaney's bands and areas, ln of at least
// 1e-5, (fft - hop) / 2 samples mirrored at either end. That is the voice's feature contract.
// Set-up thread. Throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include "models/importers/import_voice.h"
#include "models/importers/tensor_source.h"

namespace ondes {

bool looks_like_hifigan(const TensorSource& source);

ImportedVoice import_hifigan(const ImportRequest& request, const TensorSource& source);

}  // namespace ondes
