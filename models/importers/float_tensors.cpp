#include "models/importers/float_tensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/half.h"

namespace ondes {
namespace {

template <typename T>
T element(std::span<const std::byte> bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

float element_as_float(TensorType type, std::span<const std::byte> bytes, std::size_t i) {
  switch (type) {
    case TensorType::f32:
      return element<float>(bytes, i);
    case TensorType::f64:
      return static_cast<float>(element<double>(bytes, i));
    case TensorType::f16:
      return half_to_float(element<std::uint16_t>(bytes, i));
    case TensorType::bf16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(element<std::uint16_t>(bytes, i))
                                  << 16U);
    case TensorType::i64:
      return static_cast<float>(element<std::int64_t>(bytes, i));
    case TensorType::i32:
      return static_cast<float>(element<std::int32_t>(bytes, i));
    case TensorType::i16:
      return static_cast<float>(element<std::int16_t>(bytes, i));
    case TensorType::i8:
      return static_cast<float>(element<std::int8_t>(bytes, i));
    case TensorType::u8:
    case TensorType::boolean:
      return static_cast<float>(element<std::uint8_t>(bytes, i));
  }
  return 0.0F;
}

// Name of the folded weight, and of its two halves; nothing where `tensor` is no magnitude.
struct NormNames {
  std::string folded;
  std::string magnitude;
  std::string direction;
};

bool replace_end(std::string* text, const std::string& end, const std::string& by) {
  if (!text->ends_with(end)) {
    return false;
  }
  text->replace(text->size() - end.size(), end.size(), by);
  return true;
}

// `tensor` may be either half.
bool find_norm_names(const std::string& tensor, NormNames* names) {
  constexpr const char* kMagnitude = ".original0";
  constexpr const char* kDirection = ".original1";
  constexpr const char* kParametrizations = "parametrizations.";
  std::string base = tensor;
  if (replace_end(&base, "weight_g", "weight") || replace_end(&base, "weight_v", "weight")) {
    *names = {base, base + "_g", base + "_v"};
    return true;
  }
  const std::size_t at = base.find(kParametrizations);
  if (at != std::string::npos &&
      (replace_end(&base, kMagnitude, "") || replace_end(&base, kDirection, ""))) {
    names->magnitude = base + kMagnitude;
    names->direction = base + kDirection;
    names->folded = base.erase(at, std::strlen(kParametrizations));
    return true;
  }
  return false;
}

void fold(const NormNames& names, FloatTensors* tensors, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::bad_input,
                name + ": weight norm of " + quote(names.folded) + ": " + what);
  };
  const auto magnitude = tensors->find(names.magnitude);
  const auto direction = tensors->find(names.direction);
  if (magnitude == tensors->end() || direction == tensors->end()) {
    refuse("expected " + names.magnitude + " and " + names.direction + ", found one of them");
  }
  FloatTensor folded = std::move(direction->second);
  const std::size_t rows = folded.shape.empty() ? 0 : static_cast<std::size_t>(folded.shape[0]);
  if (rows == 0 || magnitude->second.values.size() != rows || magnitude->second.shape.empty() ||
      magnitude->second.shape[0] != folded.shape[0]) {
    refuse("expected a magnitude for each of the first index of " + shape_text(folded.shape) +
           ", found the shape " + shape_text(magnitude->second.shape));
  }
  const std::size_t columns = folded.values.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> values(folded.values.data() + row * columns, columns);
    double energy = 0.0;
    for (const float value : values) {
      energy += static_cast<double>(value) * static_cast<double>(value);
    }
    if (energy == 0.0) {
      refuse("expected a direction, found zeros in row " + std::to_string(row));
    }
    const double scale = static_cast<double>(magnitude->second.values[row]) / std::sqrt(energy);
    for (float& value : values) {
      value = static_cast<float>(value * scale);
    }
  }
  tensors->erase(magnitude);
  tensors->erase(direction);
  if (!tensors->emplace(names.folded, std::move(folded)).second) {
    refuse("expected the weight or its norm, found both");
  }
}

}  // namespace

std::size_t tensor_element_bytes(TensorType type) noexcept {
  switch (type) {
    case TensorType::f64:
    case TensorType::i64:
      return 8;
    case TensorType::f32:
    case TensorType::i32:
      return 4;
    case TensorType::f16:
    case TensorType::bf16:
    case TensorType::i16:
      return 2;
    case TensorType::i8:
    case TensorType::u8:
    case TensorType::boolean:
      return 1;
  }
  return 1;
}

std::size_t element_count(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + ")";
}

std::vector<float> to_floats(TensorType type,
                             std::span<const std::byte> bytes,
                             const std::string& what) {
  std::vector<float> values(bytes.size() / tensor_element_bytes(type));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = element_as_float(type, bytes, i);
    if (!std::isfinite(values[i])) {
      throw Error(ErrorCode::bad_input, what + ": expected finite numbers, found " +
                                            std::to_string(values[i]) + " at index " +
                                            std::to_string(i));
    }
  }
  return values;
}

std::vector<std::string> fold_weight_norm(FloatTensors* tensors, const std::string& name) {
  std::map<std::string, NormNames> found;
  for (const auto& [tensor, unused] : *tensors) {
    NormNames names;
    if (find_norm_names(tensor, &names)) {
      found[names.folded] = names;
    }
  }
  std::vector<std::string> folded;
  for (const auto& [weight, names] : found) {
    fold(names, tensors, name);
    folded.push_back(weight);
  }
  return folded;
}

std::map<std::string, TensorData> tensor_data(const FloatTensors& tensors) {
  std::map<std::string, TensorData> data;
  for (const auto& [tensor, value] : tensors) {
    data[tensor] = tensor_from_floats(value.values, value.shape);
  }
  return data;
}

}  // namespace ondes
