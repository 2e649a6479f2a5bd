// Arbitrary bytes as a .npy file, and as a mel file of either kind.
//
// Every refusal must be an Error; whatever is accepted must keep the promises of
// engine/files/npy.h and engine/weights/mel_file.h.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/error.h"
#include "engine/files/npy.h"
#include "engine/weights/mel_file.h"

namespace {

constexpr int kMels = 3;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

template <typename Read>
void read_or_refuse(Read&& read) {
  try {
    read();
  } catch (const ondes::Error& error) {
    require(error.code() == ondes::ErrorCode::bad_input);
  }
}

void check_array(std::span<const std::byte> bytes) {
  const ondes::NpyArray array = ondes::parse_npy(bytes, "fuzz");
  require(array.bytes.size() <= bytes.size());
  std::uint64_t product = 1;
  for (const std::int64_t size : array.shape) {
    product *= static_cast<std::uint64_t>(size);
  }
  const auto elements = static_cast<std::uint64_t>(array.elements());
  require(product == elements);
  require(ondes::npy_doubles(array).size() == elements);
  // What is written again reads back the same.
  const std::vector<float> values = ondes::npy_floats(array);
  const std::vector<std::byte> written =
      ondes::write_npy(std::span<const float>(values), array.shape);
  const ondes::NpyArray again = ondes::parse_npy(written, "again");
  require(again.shape == array.shape);
  const std::vector<float> copies = ondes::npy_floats(again);
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(copies[i] == values[i] || (std::isnan(copies[i]) && std::isnan(values[i])));
  }
}

void check_mel(const ondes::Mel& mel) {
  require(mel.frames > 0 && mel.mels > 0);
  require(mel.values.size() ==
          static_cast<std::size_t>(mel.frames) * static_cast<std::size_t>(mel.mels));
  for (const float value : mel.values) {
    require(std::isfinite(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span{data, size});
  read_or_refuse([bytes] { check_array(bytes); });
  read_or_refuse([bytes] { check_mel(ondes::parse_mel_npy(bytes, kMels, "fuzz")); });
  read_or_refuse([bytes] { check_mel(ondes::parse_mel_safetensors(bytes, "fuzz")); });
  return 0;
}
