// The tensors of a PyTorch checkpoint or a safetensors file, whichever it is, by name.
//
// Set-up thread. Throws Error{bad_input} naming file and tensor.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/importers/float_tensors.h"
#include "models/importers/torch_file.h"

namespace ondes {

struct TensorRow {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
};

class TensorSource {
 public:
  // Whether open() would know what to do with the bytes.
  static bool recognises(std::span<const std::byte> bytes) noexcept;
  // `bytes` must outlive the source.
  static TensorSource open(std::span<const std::byte> bytes, const std::string& name);

  const std::string& kind() const { return kind_; }  // "PyTorch checkpoint"
  const std::string& name() const { return name_; }
  const std::vector<std::string>& tensor_names() const { return names_; }
  std::vector<TensorRow> rows() const;  // by name; no number is looked at

  // The prefix under which a tensor of exactly this name lies: "", "generator/", "module."...; the
  // shortest; nothing where there is none.
  std::optional<std::string> prefix_of(const std::string& tensor) const;
  // All below a prefix, named by the rest; subnetworks keep their dots. Integers are refused.
  FloatTensors read(const std::string& prefix) const;
  // What is not below the prefix, in groups: "optimizer: 312 tensors".
  std::vector<std::string> left_out(const std::string& prefix) const;
  // Whole numbers beside the tensors that tell how far training was: steps, epoch, global_step.
  std::map<std::string, std::int64_t> progress() const;

 private:
  std::string kind_;
  std::string name_;
  std::vector<std::string> names_;
  std::optional<TorchFile> torch_;
  std::optional<SafetensorsFile> safetensors_;
};

// Refuses, naming the first few, tensors that `wanted` lists and `tensors` lacks, has beyond it, or
// has in another shape.
void require_shapes(const FloatTensors& tensors,
                    const std::map<std::string, std::vector<std::int64_t>>& wanted,
                    const std::string& name);

}  // namespace ondes
