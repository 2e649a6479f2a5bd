// .nam captures of the Neural Amp Modeler: one JSON object with the configuration and all numbers
// in one list.
//
//   {"version": "0.5.4", "architecture": "WaveNet" | "LSTM", "config": {...}, "weights": [...],
//    "sample_rate": 48000, "metadata": {...}}
//
// Without sample_rate a capture is of 48 kHz, as NAM takes it. Set-up thread. Throws
// Error{bad_input} naming file, field, expected, found.
#pragma once
#include "models/importers/import_voice.h"

namespace ondes {

bool looks_like_nam(std::span<const std::byte> bytes) noexcept;  // begins as a JSON object

ImportedVoice import_nam(const ImportRequest& request);

}  // namespace ondes
