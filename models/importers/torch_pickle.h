// The data.pkl of a PyTorch checkpoint, read by a machine that knows data and nothing else.
//
// A pickle is a program. This reader carries out the few instructions that build texts, numbers,
// tuples, lists, dictionaries and PyTorch's tensors (protocol 2, which torch.save writes), and
// refuses every other opcode, and every global but these, by name:
//   collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter,
//   torch.Size, torch.<type>Storage
// None of them is called: a tensor becomes a description of where its numbers lie. State set by
// BUILD on an OrderedDict (state_dict's version numbers) is dropped.
//
// Bounds: one node at most for each byte read, so memory grows with the file and not with what it
// claims; a dictionary inside dictionaries is followed to kMaxPickleDepth levels and to
// kMaxPickleLeaves values in all, so that shared references do not multiply.
//
// Set-up thread. Throws Error{bad_input} naming `name`, the opcode or global, and the offset.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/weights/safetensors.h"

namespace ondes {

inline constexpr std::size_t kMaxPickleBytes = std::size_t{4} << 20U;  // some 20,000 tensors
inline constexpr int kMaxPickleDepth = 16;
inline constexpr std::size_t kMaxPickleLeaves = 200'000;
inline constexpr std::size_t kMaxTensorRank = 8;

// Where a tensor's elements lie: element (i, j, ...) at offset + i * strides[0] + j * strides[1]...
struct PickledTensor {
  TensorType type = TensorType::f32;
  std::string storage;  // the archive's entry data/<storage>
  std::int64_t storage_elements = 0;
  std::int64_t offset = 0;  // in elements, as the strides
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

using PickledScalar = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

// Leaves by path: keys and indices joined by '/', as "generator/conv_pre.weight_g",
// "dilate_weights/3". A checkpoint that is a lone tensor has the path "".
struct TorchPickle {
  std::map<std::string, PickledTensor> tensors;
  std::map<std::string, PickledScalar> scalars;
};

// Shapes and strides are checked to stay within the storage they name; whether the storage is there
// is for the archive's reader.
TorchPickle parse_torch_pickle(std::span<const std::byte> bytes, const std::string& name);

}  // namespace ondes
