#include "engine/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/weights/safetensors_header_internal.h"
#include "engine/weights/tensor_type_internal.h"

// Tensor bytes are used where they stand; safetensors is little-endian by definition.
static_assert(std::endian::native == std::endian::little);

namespace ondes {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kDataAlignmentBytes = 64;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": " + what);
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

// Bytes of a tensor; false where the product does not fit in 64 bits.
bool tensor_bytes(TensorType type, const std::vector<std::int64_t>& shape, std::uint64_t* bytes) {
  *bytes = element_bytes(type);
  return std::all_of(shape.begin(), shape.end(), [&](std::int64_t size) {
    return size >= 0 && !__builtin_mul_overflow(*bytes, static_cast<std::uint64_t>(size), bytes);
  });
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() < kLengthBytes) {
    fail(name, "not a safetensors file: expected at least 8 bytes, found " +
                   std::to_string(bytes.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    fail(name, "safetensors header length: expected at most " + std::to_string(kMaxHeaderBytes) +
                   " bytes, found " + std::to_string(length));
  }
  if (length > bytes.size() - kLengthBytes) {
    fail(name, "safetensors header length: expected at most the " +
                   std::to_string(bytes.size() - kLengthBytes) + " bytes that follow it, found " +
                   std::to_string(length) + " (file cut short?)");
  }
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
          static_cast<std::size_t>(length)};
}

// The tensors must tile the data: the first begins at 0, each where the one before ends, the last
// ends with the file.
void require_tiling(const std::map<std::string, TensorEntry>& tensors,
                    std::uint64_t data_bytes,
                    const std::string& name) {
  struct Extent {
    std::uint64_t begin;
    std::uint64_t end;
    const std::string* tensor;
  };
  std::vector<Extent> extents;
  for (const auto& [tensor, entry] : tensors) {
    std::uint64_t expected = 0;
    if (!tensor_bytes(entry.type, entry.shape, &expected)) {
      fail(name, "tensor " + quote(tensor) + ": shape " + shape_text(entry.shape) +
                     ": expected a size below 2^64 bytes, found more");
    }
    if (entry.begin_bytes > entry.end_bytes || entry.end_bytes > data_bytes) {
      fail(name, "tensor " + quote(tensor) + ": data_offsets: expected a range within the " +
                     std::to_string(data_bytes) + " data bytes, found [" +
                     std::to_string(entry.begin_bytes) + ", " + std::to_string(entry.end_bytes) +
                     "] (file cut short?)");
    }
    const std::uint64_t found = entry.end_bytes - entry.begin_bytes;
    if (found != expected) {
      fail(name, "tensor " + quote(tensor) + ": expected " + std::to_string(expected) +
                     " bytes for " + std::string(tensor_type_name(entry.type)) + " " +
                     shape_text(entry.shape) + ", found " + std::to_string(found));
    }
    extents.push_back({entry.begin_bytes, entry.end_bytes, &tensor});
  }
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t position = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != position) {
      fail(name, "tensor " + quote(*extent.tensor) + ": expected to begin at data byte " +
                     std::to_string(position) + ", found " + std::to_string(extent.begin) +
                     (extent.begin < position ? " (overlap)" : " (hole)"));
    }
    position = extent.end;
  }
  if (position != data_bytes) {
    fail(name, "expected " + std::to_string(position) + " data bytes, found " +
                   std::to_string(data_bytes));
  }
}

bool is_aligned(const TensorView& view) {
  return view.bytes.empty() ||
         reinterpret_cast<std::uintptr_t>(view.bytes.data()) % element_bytes(view.type) == 0;
}

// Copies all tensors to where their elements are aligned, if one of them is not. The blocks of eight
// bytes are what alignment to every element type comes from.
void align(SafetensorsFile& file) {
  using Block = std::uint64_t;
  const auto blocks = [](const TensorView& view) {
    return (view.bytes.size() + sizeof(Block) - 1) / sizeof(Block);
  };
  std::size_t total = 0;
  bool aligned = true;
  for (const auto& [tensor, view] : file.tensors) {
    aligned = aligned && is_aligned(view);
    total += blocks(view);
  }
  if (aligned) {
    return;
  }
  const auto copy = std::make_shared<std::vector<Block>>(total);
  std::size_t next = 0;
  for (auto& [tensor, view] : file.tensors) {
    const auto place = std::as_writable_bytes(std::span(*copy)).subspan(next * sizeof(Block));
    std::copy(view.bytes.begin(), view.bytes.end(), place.begin());
    next += blocks(view);
    view.bytes = place.first(view.bytes.size());
  }
  file.storage = copy;
}

}  // namespace

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text = header_text(bytes, name);
  SafetensorsHeader header = parse_safetensors_header(text, name);
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  require_tiling(header.tensors, data.size(), name);

  SafetensorsFile file;
  file.name = name;
  file.metadata = std::move(header.metadata);
  for (auto& [tensor, entry] : header.tensors) {
    file.tensors[tensor] = {
        entry.type, std::move(entry.shape),
        data.subspan(static_cast<std::size_t>(entry.begin_bytes),
                     static_cast<std::size_t>(entry.end_bytes - entry.begin_bytes))};
  }
  align(file);
  return file;
}

SafetensorsFile open_safetensors(const std::string& path) {
  const auto mapping = std::make_shared<const MappedFile>(path);
  SafetensorsFile file = parse_safetensors(mapping->bytes(), path);
  if (!file.storage) {
    file.storage = mapping;
  }
  return file;
}

std::span<const float> require_f32(const SafetensorsFile& file,
                                   const std::string& tensor,
                                   const std::vector<std::int64_t>& shape) {
  const std::string where = "tensor " + quote(tensor) + ": ";
  const auto found = file.tensors.find(tensor);
  if (found == file.tensors.end()) {
    fail(file.name, where + "expected F32 " + shape_text(shape) + ", found no such tensor");
  }
  const TensorView& view = found->second;
  if (view.type != TensorType::f32 || view.shape != shape) {
    fail(file.name, where + "expected F32 " + shape_text(shape) + ", found " +
                        std::string(tensor_type_name(view.type)) + " " + shape_text(view.shape));
  }
  const std::span<const float> values{reinterpret_cast<const float*>(view.bytes.data()),
                                      view.bytes.size() / sizeof(float)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      fail(file.name, where + "expected finite numbers, found " +
                          (std::isnan(values[i]) ? "NaN" : "infinity") + " at index " +
                          std::to_string(i));
    }
  }
  return values;
}

TensorData tensor_from_floats(std::span<const float> values, std::vector<std::int64_t> shape) {
  const auto bytes = std::as_bytes(values);
  return {TensorType::f32, std::move(shape), {bytes.begin(), bytes.end()}};
}

std::vector<std::byte> write_safetensors(const std::map<std::string, std::string>& metadata,
                                         const std::map<std::string, TensorData>& tensors) {
  using Item = std::pair<const std::string, TensorData>;
  std::vector<const Item*> order;
  for (const Item& item : tensors) {
    std::uint64_t expected = 0;
    if (!tensor_bytes(item.second.type, item.second.shape, &expected) ||
        expected != item.second.bytes.size()) {
      fail("safetensors", "tensor " + quote(item.first) + ": expected as many bytes as " +
                              shape_text(item.second.shape) + " needs, found " +
                              std::to_string(item.second.bytes.size()));
    }
    order.push_back(&item);
  }
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return element_bytes(a->second.type) > element_bytes(b->second.type);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  std::uint64_t position = 0;
  for (const Item* item : order) {
    if (item->first == "__metadata__") {
      fail("safetensors", "tensor '__metadata__': the name is reserved");
    }
    const std::uint64_t end = position + item->second.bytes.size();
    header[item->first] = {{"dtype", tensor_type_name(item->second.type)},
                           {"shape", item->second.shape},
                           {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    fail("safetensors", "expected names and metadata in UTF-8, found other bytes");
  }
  text.append((kDataAlignmentBytes - (kLengthBytes + text.size()) % kDataAlignmentBytes) %
                  kDataAlignmentBytes,
              ' ');

  const std::uint64_t length = text.size();
  const auto length_bytes = std::as_bytes(std::span{&length, 1});
  const auto text_bytes = std::as_bytes(std::span{text});
  std::vector<std::byte> bytes(length_bytes.begin(), length_bytes.end());
  bytes.reserve(kLengthBytes + text.size() + static_cast<std::size_t>(position));
  bytes.insert(bytes.end(), text_bytes.begin(), text_bytes.end());
  for (const Item* item : order) {
    bytes.insert(bytes.end(), item->second.bytes.begin(), item->second.bytes.end());
  }
  return bytes;
}

}  // namespace ondes
