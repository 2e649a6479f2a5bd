// Arbitrary bytes as a config.json, of a generator and of an amp capture, and as a whole capture:
// either one Error, or a configuration that says the same once it has been written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/hifigan/hifigan.h"
#include "models/importers/nam_import.h"
#include "models/nam/nam_lstm.h"
#include "models/nam/nam_wavenet.h"

namespace {

// An abort that neither NDEBUG nor an optimiser takes away.
void require(bool promise) {
  if (!promise) {
    std::abort();
  }
}

template <typename Call>
void expect_at_most_bad_input(Call&& call) {
  try {
    call();
  } catch (const ondes::Error& error) {
    require(error.code() == ondes::ErrorCode::bad_input);
  }
}

void check_generator(const nlohmann::json& config) {
  const ondes::HifiganConfig read = ondes::hifigan_config_from_json(config, "input");
  const nlohmann::json written = ondes::hifigan_config_to_json(read);
  const ondes::HifiganConfig again = ondes::hifigan_config_from_json(written, "again");
  require(ondes::hifigan_config_to_json(again) == written);
  require(read.hop_samples() == again.hop_samples() && read.hop_samples() >= 1);
  require(!ondes::hifigan_tensor_shapes(read).empty());
}

void check_capture(const nlohmann::json& config) {
  const ondes::NamWavenetConfig read = ondes::nam_wavenet_config_from_json(config, "input");
  require(!read.arrays.empty() && ondes::nam_receptive_frames(read) >= 1);
  for (const auto& [tensor, shape] : ondes::nam_wavenet_tensors(read)) {
    for (const std::int64_t size : shape) {
      require(size >= 1);
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_at_most_bad_input([&] {
    const nlohmann::json config = ondes::parse_json(text, "input");
    expect_at_most_bad_input([&] { check_generator(config); });
    expect_at_most_bad_input([&] { check_capture(config); });
    expect_at_most_bad_input(
        [&] { static_cast<void>(ondes::nam_lstm_config_from_json(config, "input")); });
  });
  ondes::ImportRequest request;
  request.bytes = std::as_bytes(std::span(data, size));
  request.path = "input.nam";
  expect_at_most_bad_input([&] { static_cast<void>(ondes::imported_voice_file(request)); });
  return 0;
}
