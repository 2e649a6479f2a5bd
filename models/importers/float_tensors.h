// Tensors of other projects' files as floats of ours: conversion, and weight norm folded.
//
//   w = g * v / |v|,  |v| over all but the first index       (Salimans and Kingma, arXiv:1602.07868)
//
// PyTorch stores it as <name>_g and <name>_v (torch.nn.utils.weight_norm) or, of late, as
// parametrizations.<name>.original0 and .original1; both become <name>.
//
// Set-up thread. Throws Error{bad_input} naming file and tensor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/weights/safetensors.h"

namespace ondes {

struct FloatTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using FloatTensors = std::map<std::string, FloatTensor>;

std::size_t tensor_element_bytes(TensorType type) noexcept;
std::size_t element_count(const std::vector<std::int64_t>& shape);  // of a shape already checked
std::string shape_text(const std::vector<std::int64_t>& shape);     // "(80, 512, 7)"

// `count` elements in order, `bytes` holding exactly them, little endian. Refuses numbers that are
// not finite as floats; `what` names the tensor.
std::vector<float> to_floats(TensorType type,
                             std::span<const std::byte> bytes,
                             const std::string& what);

// Folds every pair in place; returns the names of the folded weights. A half of a pair without the
// other, a pair whose shapes disagree, or a v of zeros is refused.
std::vector<std::string> fold_weight_norm(FloatTensors* tensors, const std::string& name);

// The tensors as a voice file's.
std::map<std::string, TensorData> tensor_data(const FloatTensors& tensors);

}  // namespace ondes
