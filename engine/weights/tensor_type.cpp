#include <array>

#include "engine/weights/tensor_type_internal.h"

namespace ondes {
namespace {

struct TypeRow {
  TensorType type;
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration, so that a type is its own index.
constexpr std::array<TypeRow, 10> kTypes{{
    {TensorType::f32, "F32", 4},
    {TensorType::f64, "F64", 8},
    {TensorType::f16, "F16", 2},
    {TensorType::bf16, "BF16", 2},
    {TensorType::i64, "I64", 8},
    {TensorType::i32, "I32", 4},
    {TensorType::i16, "I16", 2},
    {TensorType::i8, "I8", 1},
    {TensorType::u8, "U8", 1},
    {TensorType::boolean, "BOOL", 1},
}};

constexpr const TypeRow& row(TensorType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

static_assert([] {
  for (const TypeRow& entry : kTypes) {
    if (row(entry.type).name != entry.name) {
      return false;
    }
  }
  return true;
}());

}  // namespace

std::string_view tensor_type_name(TensorType type) noexcept {
  return row(type).name;
}

std::size_t element_bytes(TensorType type) noexcept {
  return row(type).bytes;
}

std::optional<TensorType> tensor_type_from_name(std::string_view name) noexcept {
  for (const TypeRow& entry : kTypes) {
    if (entry.name == name) {
      return entry.type;
    }
  }
  return std::nullopt;
}

std::string tensor_type_names() {
  std::string names;
  for (const TypeRow& entry : kTypes) {
    names += (names.empty() ? "" : " ") + std::string(entry.name);
  }
  return names;
}

}  // namespace ondes
