// safetensors reader and writer.
//
// Format: 8-byte little-endian header length, JSON header, tensor bytes
// (https://github.com/huggingface/safetensors). The reader is bounded: header <= 100 MB and <= the
// file, products checked, offsets inside the data, no holes, no overlaps, no duplicate keys.
//
// Alignment: the format asks for none. Its newer writers pad the header with spaces to a multiple of
// 8 bytes; older ones and other projects' do not, and a tensor of an odd size misaligns those behind
// it. All of these are read. Tensors are used where they stand in the file; only if one of them is
// not aligned to its elements are the data copied, once.
//
// Set-up thread; what was read may be looked at by any.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondes {

enum class TensorType { f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::string_view tensor_type_name(TensorType type) noexcept;  // as files write it: "F32"

struct TensorView {
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorView> tensors;
  std::shared_ptr<const void> storage;  // keeps the bytes alive; null where they are the caller's
  std::string name;                     // for messages
};

// Throws Error{bad_input} naming `name` and the field. The spans point into `bytes`, or, where those
// were misaligned, into `storage`.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

// Maps the file read-only and parses it. Throws Error{io} if it cannot be opened or mapped.
SafetensorsFile open_safetensors(const std::string& path);

// The tensor as floats of exactly `shape`. Throws Error{bad_input} naming file, tensor, expected
// and found, if it is missing, misshapen, not f32, or holds NaN or Inf.
std::span<const float> require_f32(const SafetensorsFile& file,
                                   const std::string& tensor,
                                   const std::vector<std::int64_t>& shape);

struct TensorData {
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

TensorData tensor_from_floats(std::span<const float> values, std::vector<std::int64_t> shape);

// Serialises: tensors by element size, largest first, then by name (so that each is aligned to its
// elements); the data begins at a multiple of 64 bytes, the header being padded with spaces.
// Throws Error{bad_input} if bytes and shape of a tensor contradict each other.
std::vector<std::byte> write_safetensors(const std::map<std::string, std::string>& metadata,
                                         const std::map<std::string, TensorData>& tensors);

}  // namespace ondes
