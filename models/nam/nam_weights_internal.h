// A voice file's tensors, which must be exactly those a capture's configuration asks for.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/safetensors.h"
#include "models/nam/nam_wavenet.h"

namespace ondes {

class NamWeights {
 public:
  // Throws Error{bad_input} naming a tensor that is there and not in the list.
  NamWeights(const SafetensorsFile& file, const std::vector<NamTensor>& tensors)
      : file_(file), shapes_(tensors.begin(), tensors.end()) {
    for (const auto& [tensor, view] : file.tensors) {
      if (!shapes_.contains(tensor)) {
        throw Error(ErrorCode::bad_input, file.name + ": tensor " + quote(tensor) +
                                              ": the capture its config describes has none");
      }
    }
  }

  // Throws Error{bad_input} if the tensor is missing, misshapen, or not finite.
  std::span<const float> get(const std::string& tensor) const {
    return require_f32(file_, tensor, shapes_.at(tensor));
  }

 private:
  const SafetensorsFile& file_;
  std::map<std::string, std::vector<std::int64_t>> shapes_;
};

}  // namespace ondes
