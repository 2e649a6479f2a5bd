#include "models/importers/tensor_source.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/zip_archive.h"

namespace ondes {
namespace {

constexpr std::size_t kNamesInMessage = 4;
constexpr std::size_t kSafetensorsStart = 8;  // bytes of the header's length

// "a, b, c, d and 12 more"
std::string list_text(const std::vector<std::string>& entries) {
  std::string text;
  for (std::size_t i = 0; i < std::min(entries.size(), kNamesInMessage); ++i) {
    text += (i == 0 ? "" : ", ") + entries[i];
  }
  if (entries.size() > kNamesInMessage) {
    text += " and " + std::to_string(entries.size() - kNamesInMessage) + " more";
  }
  return text;
}

// Networks are made of floating-point numbers. Integers under a weight's name are a quantized
// network, whose scales this file does not tell, or no weights at all.
void require_float_type(TensorType type, const std::string& tensor, const std::string& name) {
  switch (type) {
    case TensorType::f32:
    case TensorType::f64:
    case TensorType::f16:
    case TensorType::bf16:
      return;
    case TensorType::i64:
    case TensorType::i32:
    case TensorType::i16:
    case TensorType::i8:
    case TensorType::u8:
    case TensorType::boolean:
      break;
  }
  throw Error(ErrorCode::bad_input, name + ": tensor " + quote(tensor) +
                                        ": expected floating-point numbers (F32 F64 F16 BF16), "
                                        "found " +
                                        std::string(tensor_type_name(type)));
}

}  // namespace

bool TensorSource::recognises(std::span<const std::byte> bytes) noexcept {
  return looks_like_zip(bytes) || looks_like_legacy_torch(bytes) ||
         (bytes.size() > kSafetensorsStart && bytes[kSafetensorsStart] == std::byte{'{'});
}

TensorSource TensorSource::open(std::span<const std::byte> bytes, const std::string& name) {
  TensorSource source;
  source.name_ = name;
  if (looks_like_zip(bytes) || looks_like_legacy_torch(bytes)) {
    source.kind_ = "PyTorch checkpoint";
    source.torch_ = parse_torch_file(bytes, name);
    for (const auto& [tensor, unused] : source.torch_->pickle.tensors) {
      source.names_.push_back(tensor);
    }
  } else {
    source.kind_ = "safetensors";
    source.safetensors_ = parse_safetensors(bytes, name);
    for (const auto& [tensor, unused] : source.safetensors_->tensors) {
      source.names_.push_back(tensor);
    }
  }
  return source;
}

std::optional<std::string> TensorSource::prefix_of(const std::string& tensor) const {
  std::optional<std::string> found;
  for (const std::string& name : names_) {
    if (!name.ends_with(tensor)) {
      continue;
    }
    std::string prefix = name.substr(0, name.size() - tensor.size());
    const bool is_whole = prefix.empty() || prefix.ends_with('/') || prefix.ends_with('.');
    if (is_whole && (!found || prefix.size() < found->size())) {
      found = std::move(prefix);
    }
  }
  return found;
}

std::vector<TensorRow> TensorSource::rows() const {
  std::vector<TensorRow> result;
  if (torch_) {
    for (const auto& [tensor, value] : torch_->pickle.tensors) {
      result.push_back({tensor, value.type, value.shape});
    }
  } else {
    for (const auto& [tensor, view] : safetensors_->tensors) {
      result.push_back({tensor, view.type, view.shape});
    }
  }
  return result;
}

FloatTensors TensorSource::read(const std::string& prefix) const {
  if (torch_) {
    for (const auto& [tensor, value] : torch_->pickle.tensors) {
      if (tensor.starts_with(prefix)) {
        require_float_type(value.type, tensor, name_);
      }
    }
    return read_tensors(*torch_, prefix);
  }
  FloatTensors tensors;
  for (const auto& [tensor, view] : safetensors_->tensors) {
    if (tensor.starts_with(prefix)) {
      require_float_type(view.type, tensor, name_);
      tensors[tensor.substr(prefix.size())] = {
          view.shape, to_floats(view.type, view.bytes, name_ + ": tensor " + quote(tensor))};
    }
  }
  return tensors;
}

std::vector<std::string> TensorSource::left_out(const std::string& prefix) const {
  std::map<std::string, std::size_t> groups;
  for (const std::string& name : names_) {
    if (!name.starts_with(prefix)) {
      ++groups[name.substr(0, name.find('/'))];
    }
  }
  std::vector<std::string> lines;
  lines.reserve(groups.size());
  for (const auto& [group, count] : groups) {
    lines.push_back(quote(group) + ": " + std::to_string(count) +
                    (count == 1 ? " tensor" : " tensors"));
  }
  return lines;
}

std::map<std::string, std::int64_t> TensorSource::progress() const {
  std::map<std::string, std::int64_t> result;
  if (!torch_) {
    return result;
  }
  for (const char* key : {"steps", "step", "epoch", "global_step", "global_epoch", "iteration"}) {
    const auto found = torch_->pickle.scalars.find(key);
    if (found != torch_->pickle.scalars.end() &&
        std::holds_alternative<std::int64_t>(found->second)) {
      result[key] = std::get<std::int64_t>(found->second);
    }
  }
  return result;
}

void require_shapes(const FloatTensors& tensors,
                    const std::map<std::string, std::vector<std::int64_t>>& wanted,
                    const std::string& name) {
  std::vector<std::string> missing;
  std::vector<std::string> misshapen;
  std::vector<std::string> extra;
  for (const auto& [tensor, shape] : wanted) {
    const auto found = tensors.find(tensor);
    if (found == tensors.end()) {
      missing.push_back(tensor + " " + shape_text(shape));
    } else if (found->second.shape != shape) {
      misshapen.push_back(tensor + ": expected " + shape_text(shape) + ", found " +
                          shape_text(found->second.shape));
    }
  }
  for (const auto& [tensor, value] : tensors) {
    if (!wanted.contains(tensor)) {
      extra.push_back(tensor + " " + shape_text(value.shape));
    }
  }
  std::string problems;
  const auto add = [&](const char* what, const std::vector<std::string>& entries) {
    if (!entries.empty()) {
      problems += (problems.empty() ? "" : "; ") + std::string(what) + list_text(entries);
    }
  };
  add("missing: ", missing);
  add("of another shape: ", misshapen);
  add("not in the network: ", extra);
  if (!problems.empty()) {
    throw Error(
        ErrorCode::bad_input,
        name + ": expected the tensors of the network its config describes, found " + problems);
  }
}

}  // namespace ondes
