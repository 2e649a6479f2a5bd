// A PyTorch checkpoint (torch.save, the zip format of PyTorch 1.6 and later), nothing executed.
//
// The archive holds <folder>/data.pkl, the description (models/importers/torch_pickle.h), and
// <folder>/data/<key>, the numbers. The older format, a bare pickle with the numbers inside, is
// refused with advice.
//
// Set-up thread. Throws Error{bad_input} naming `name`, the tensor, what was expected and found.
#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "models/importers/float_tensors.h"
#include "models/importers/torch_pickle.h"

namespace ondes {

struct TorchFile {
  TorchPickle pickle;
  std::map<std::string, std::span<const std::byte>> storages;  // by key; they point into the file
  std::string name;
};

// Whether the bytes begin as the format before PyTorch 1.6 does.
bool looks_like_legacy_torch(std::span<const std::byte> bytes) noexcept;

// Every storage that a tensor names is there and as long as it says.
TorchFile parse_torch_file(std::span<const std::byte> bytes, const std::string& name);

// One tensor's numbers, contiguous.
FloatTensor read_tensor(const TorchFile& file, const std::string& path);

// Those whose path begins with `prefix`, named by the rest.
FloatTensors read_tensors(const TorchFile& file, const std::string& prefix);

}  // namespace ondes
