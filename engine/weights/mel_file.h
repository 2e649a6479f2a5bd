// Mels from outside: frames of mel bands in a .npy or .safetensors file.
//
//   .npy          float [mels, frames], [1, mels, frames] or [frames, mels]; no contract
//   .safetensors  one tensor "mel", f32 [mels, frames]; metadata "ondes" holds
//                 {"schema": 1, "features": {"kind": "mel", ...}} (engine/weights/mel_contract_json.h)
//
// Shapes: M mels, T frames.  values (T,M)
// Set-up thread. Everything throws Error{bad_input} naming file, field, expected, found.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/conditioning/mel_contract.h"

namespace ondes {

inline constexpr int kMelFileSchema = 1;

struct Mel {
  int mels = 0;
  std::int64_t frames = 0;
  std::vector<float> values;             // (T,M), finite
  std::optional<MelContract> contract;   // what the file says about itself
  std::vector<MelDifference> converted;  // by open_mel: left is the contract's, right the file's
};

// `mels` is how many bands are expected, and tells [mels, frames] from [frames, mels]; a square
// array, and one where neither side has that size, is refused. Also refused: NaN, infinities.
Mel parse_mel_npy(std::span<const std::byte> bytes, int mels, const std::string& name);
Mel parse_mel_safetensors(std::span<const std::byte> bytes, const std::string& name);

// By the file's first bytes, not by its name. Throws Error{io} too. The mel is held to `contract`
// (a voice's): one that carries its own is converted where that is exact, or refused by field.
Mel open_mel(const std::string& path, const MelContract& contract);

// Whether the file's first bytes are those of a .npy or .safetensors file.
bool looks_like_mel_file(std::span<const std::byte> head);

// The bytes of a file. `mel.values` is (T,M); .npy is written as [mels, frames].
std::vector<std::byte> write_mel_npy(const Mel& mel);
std::vector<std::byte> write_mel_safetensors(const Mel& mel);  // mel.contract must be there

}  // namespace ondes
