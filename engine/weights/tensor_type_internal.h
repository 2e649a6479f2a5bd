// Names and sizes of safetensors element types. Any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/weights/safetensors.h"

namespace ondes {

std::optional<TensorType> tensor_type_from_name(std::string_view name) noexcept;
std::string tensor_type_names();  // all, for messages
std::size_t element_bytes(TensorType type) noexcept;

}  // namespace ondes
