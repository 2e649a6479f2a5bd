// Arbitrary bytes as a PyTorch checkpoint, or as the pickle in one: either one Error, or tensors that
// lie within what the file holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/error.h"
#include "models/importers/torch_file.h"
#include "models/importers/zip_archive.h"

namespace {

// An abort that neither NDEBUG nor an optimiser takes away.
void require(bool promise) {
  if (!promise) {
    std::abort();
  }
}

void check_pickle(const ondes::TorchPickle& pickle) {
  require(pickle.tensors.size() + pickle.scalars.size() <= ondes::kMaxPickleLeaves);
  for (const auto& [path, tensor] : pickle.tensors) {
    require(tensor.shape.size() == tensor.strides.size());
    require(tensor.shape.size() <= ondes::kMaxTensorRank);
    std::int64_t count = 1;
    std::int64_t last = tensor.offset;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      count *= tensor.shape[i];
    }
    for (std::size_t i = 0; i < tensor.shape.size() && count != 0; ++i) {
      last += (tensor.shape[i] - 1) * tensor.strides[i];
    }
    require(count >= 0 && count <= tensor.storage_elements);
    require(count == 0 || last < tensor.storage_elements);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    if (ondes::looks_like_zip(bytes)) {
      const ondes::TorchFile file = ondes::parse_torch_file(bytes, "input");
      check_pickle(file.pickle);
      static_cast<void>(ondes::read_tensors(file, ""));
    } else {
      check_pickle(ondes::parse_torch_pickle(bytes, "input"));
    }
  } catch (const ondes::Error& error) {
    require(error.code() == ondes::ErrorCode::bad_input);
  }
  return 0;
}
