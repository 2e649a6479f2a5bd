// Arbitrary bytes as a safetensors file, as a voice, and as the plan the voice compiles to.
//
// Every refusal must be an Error; whatever is accepted must keep the promises of
// engine/weights/safetensors.h, so that a reader that lets too much pass is a finding too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "engine/error.h"
#include "engine/weights/safetensors.h"
#include "engine/weights/voice_file.h"
#include "models/registry.h"

namespace {

// Tensors lie within the input, or in a copy that the file keeps where they would be misaligned, and
// do not overlap: their sizes then add up to at most the input's.
void check_tensors(const ondes::SafetensorsFile& file, std::span<const std::byte> input) {
  std::size_t total = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const bool inside = file.storage != nullptr ||
                        (tensor.bytes.data() >= input.data() &&
                         tensor.bytes.data() + tensor.bytes.size() <= input.data() + input.size());
    total += tensor.bytes.size();
    if (!inside || total > input.size()) {
      std::abort();
    }
  }
}

// Reads every weight the plan points to, for the address sanitizer.
void check_plan(const ondes::StepPlan& plan) {
  ondes::validate(plan);
  float sum = 0.0F;
  const auto read = [&](std::span<const float> values) {
    for (const float value : values) {
      sum += value;
    }
  };
  read(plan.input_weights);
  read(plan.output.weights);
  for (const ondes::GatedLayer& layer : plan.layers) {
    read(layer.conv);
    read(layer.skip);
    read(layer.residual);
  }
  volatile float sink = sum;
  static_cast<void>(sink);
}

void read_all(std::span<const std::byte> bytes) {
  try {
    check_tensors(ondes::parse_safetensors(bytes, "fuzz"), bytes);
    check_plan(ondes::compile_step_plan(ondes::parse_voice(bytes, "fuzz")));
  } catch (const ondes::Error& error) {
    if (error.code() != ondes::ErrorCode::bad_input) {
      std::abort();
    }
  }
}

// The input with a header length that fits: up to its last '}', padded as the writer pads. A fuzzer
// that inserts a byte into the header would otherwise never get past the length.
std::vector<std::byte> with_fitting_length(std::span<const std::byte> bytes) {
  constexpr std::size_t kLengthBytes = 8;
  if (bytes.size() < kLengthBytes) {
    return {};
  }
  const auto brace = std::find(bytes.rbegin(), bytes.rend(), std::byte{'}'});
  const auto header_end =
      std::max<std::size_t>(kLengthBytes, static_cast<std::size_t>(bytes.rend() - brace));
  std::vector<std::byte> result(bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(header_end));
  result.resize((header_end + 63) / 64 * 64, std::byte{' '});
  const std::uint64_t length = result.size() - kLengthBytes;
  std::memcpy(result.data(), &length, kLengthBytes);
  const auto rest = bytes.subspan(header_end);
  const auto data =
      std::find_if(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{' '}; });
  result.insert(result.end(), data, rest.end());
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span{data, size});
  read_all(bytes);
  read_all(with_fitting_length(bytes));
  return 0;
}
