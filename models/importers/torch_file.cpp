#include "models/importers/torch_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/zip_archive.h"

namespace ondes {
namespace {

using Bytes = std::span<const std::byte>;

// Tensors may share numbers (tied weights), so that a file can hold more than its size.
constexpr std::uint64_t kMaxSharing = 4;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": " + what);
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The elements a tensor's strides name, gathered; bounds were checked when it was parsed.
std::vector<std::byte> gather(const PickledTensor& tensor, Bytes storage) {
  const std::size_t size = tensor_element_bytes(tensor.type);
  const std::size_t count = element_count(tensor.shape);
  const std::size_t rank = tensor.shape.size();
  std::vector<std::byte> bytes(count * size);
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t at = tensor.offset;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(bytes.data() + i * size, storage.data() + static_cast<std::size_t>(at) * size,
                size);
    for (std::size_t d = rank; d-- > 0;) {  // the next index, last one fastest
      at += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) {
        break;
      }
      at -= tensor.shape[d] * tensor.strides[d];
      index[d] = 0;
    }
  }
  return bytes;
}

}  // namespace

bool looks_like_legacy_torch(Bytes bytes) noexcept {
  // A pickle of protocol 2 whose value is the magic number 0x1950a86a20f9469cfc6c.
  constexpr std::array<unsigned char, 14> kStart{0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C,
                                                 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};
  return bytes.size() >= kStart.size() &&
         std::memcmp(bytes.data(), kStart.data(), kStart.size()) == 0;
}

TorchFile parse_torch_file(Bytes bytes, const std::string& name) {
  if (looks_like_legacy_torch(bytes)) {
    refuse(
        name,
        "expected a checkpoint in the zip format, found the one before PyTorch 1.6; load it with "
        "PyTorch and save it again: torch.save(torch.load(IN, map_location='cpu'), OUT)");
  }
  if (looks_like_npz(bytes)) {
    refuse(name, "expected a PyTorch checkpoint, found a NumPy archive (.npz)");
  }
  const auto entries = parse_zip(bytes, name);
  constexpr std::string_view kPickle = "/data.pkl";
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.first.ends_with(kPickle) &&
           entry.first.find('/') == entry.first.size() - kPickle.size();
  });
  if (found == entries.end()) {
    refuse(name, "expected a PyTorch checkpoint, found a zip archive without data.pkl");
  }
  const std::string folder = found->first.substr(0, found->first.size() - kPickle.size());
  if (entries.contains(folder + "/constants.pkl")) {
    refuse(name,
           "expected a checkpoint of tensors, found a TorchScript program; save its state_dict");
  }
  const auto order = entries.find(folder + "/byteorder");
  if (order != entries.end() && as_text(order->second) != "little") {
    refuse(name, "byte order: expected 'little', found " + quote(as_text(order->second)));
  }
  TorchFile file;
  std::uint64_t total_bytes = 0;
  file.name = name;
  file.pickle = parse_torch_pickle(found->second, name);
  for (const auto& [path, tensor] : file.pickle.tensors) {
    const auto storage = entries.find(folder + "/data/" + tensor.storage);
    if (storage == entries.end()) {
      refuse(name, "tensor " + quote(path) + ": expected its numbers in the entry " +
                       quote(folder + "/data/" + tensor.storage) + ", found none");
    }
    const auto elements = storage->second.size() / tensor_element_bytes(tensor.type);
    if (elements < static_cast<std::uint64_t>(tensor.storage_elements)) {
      refuse(name, "tensor " + quote(path) + ": expected " +
                       std::to_string(tensor.storage_elements) + " elements stored, found " +
                       std::to_string(elements));
    }
    file.storages[tensor.storage] = storage->second;
    total_bytes += element_count(tensor.shape) * tensor_element_bytes(tensor.type);
    if (total_bytes > kMaxSharing * bytes.size()) {
      refuse(name, "expected tensors of at most " + std::to_string(kMaxSharing) +
                       " times the file's size, found more: too many share their numbers");
    }
  }
  return file;
}

FloatTensor read_tensor(const TorchFile& file, const std::string& path) {
  const auto found = file.pickle.tensors.find(path);
  if (found == file.pickle.tensors.end()) {
    refuse(file.name, "tensor " + quote(path) + ": expected it in the checkpoint, found none");
  }
  const PickledTensor& tensor = found->second;
  const std::vector<std::byte> bytes = gather(tensor, file.storages.at(tensor.storage));
  return {tensor.shape, to_floats(tensor.type, bytes, file.name + ": tensor " + quote(path))};
}

FloatTensors read_tensors(const TorchFile& file, const std::string& prefix) {
  FloatTensors tensors;
  for (auto at = file.pickle.tensors.lower_bound(prefix);
       at != file.pickle.tensors.end() && at->first.starts_with(prefix); ++at) {
    tensors[at->first.substr(prefix.size())] = read_tensor(file, at->first);
  }
  return tensors;
}

}  // namespace ondes
