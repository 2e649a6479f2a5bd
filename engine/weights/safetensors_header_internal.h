// The JSON header of a safetensors file, read event by event.
//
//   { "__metadata__": {text: text, ...},
//     "<tensor>": {"dtype": "F32", "shape": [n, ...], "data_offsets": [begin, end]}, ... }
//
// Grammar and depth are fixed, so the reader is a state machine without recursion or a tree, and
// every duplicate key, wrong type and unknown field is refused where it stands. Set-up thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/weights/safetensors.h"

namespace ondes {

struct TensorEntry {
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin_bytes = 0;  // within the data
  std::uint64_t end_bytes = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorEntry> tensors;
};

// Throws Error{bad_input} naming `name` and the field. Offsets are not yet checked against the
// data.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& name);

}  // namespace ondes
