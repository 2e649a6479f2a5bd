// What the compiler asks of a file's tensors before it reads them.
//
// Set-up thread.
#pragma once
#include "engine/weights/safetensors.h"
#include "models/hifigan/hifigan_config.h"

namespace ondes {

// Refuses tensors that the network does not have, and filters that are not those it computes. Throws
// Error{bad_input} naming file and tensor.
void check_hifigan_tensors(const HifiganConfig& config, const SafetensorsFile& file);

}  // namespace ondes
