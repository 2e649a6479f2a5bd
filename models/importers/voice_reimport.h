// A voice of Ondes itself, taken up again to get what it lacks: a calibration, another name, a
// licence. Its description and tensors stay as they are.
//
// Set-up thread. Throws Error{bad_input} naming file, field or tensor, expected, found.
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "models/importers/import_voice.h"

namespace ondes {

// Whether the bytes are a safetensors file that describes itself under `ondes`. Throws too where
// they begin as safetensors do and are none.
bool describes_itself(std::span<const std::byte> bytes, const std::string& name);

ImportedVoice reimport_voice(const ImportRequest& request);

}  // namespace ondes
