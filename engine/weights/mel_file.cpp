#include "engine/weights/mel_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/safetensors.h"

namespace ondes {
namespace {

constexpr const char* kContractKey = "ondes";
constexpr const char* kTensorName = "mel";
constexpr std::string_view kNpyMagic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": " + what);
}

std::vector<float> transposed(std::span<const float> in, std::int64_t rows, std::int64_t columns) {
  std::vector<float> out(in.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      out[static_cast<std::size_t>(column * rows + row)] =
          in[static_cast<std::size_t>(row * columns + column)];
    }
  }
  return out;
}

// Which way round an array of [rows, columns] is.
bool is_mels_by_frames(std::span<const std::int64_t> shape, int mels, const std::string& name) {
  const std::string expected = "mel shape: expected [" + std::to_string(mels) + ", frames], [1, " +
                               std::to_string(mels) + ", frames] or [frames, " +
                               std::to_string(mels) + "], found " + npy_shape_text(shape);
  if (shape.size() == 3 && shape[0] == 1) {
    if (shape[1] != mels) {
      fail(name, expected + (shape[2] == mels ? " (transposed)" : ""));
    }
    return true;
  }
  if (shape.size() != 2 || (shape[0] != mels && shape[1] != mels)) {
    fail(name, expected);
  }
  if (shape[0] == shape[1]) {
    fail(name, expected + ", which may be either way round; store it as [1, " +
                   std::to_string(mels) + ", " + std::to_string(mels) + "] (mels, then frames)");
  }
  return shape[0] == mels;
}

void require_frames(const Mel& mel, const std::string& name) {
  if (mel.frames < 1) {
    fail(name, "mel: expected at least one frame, found none");
  }
}

void require_finite(const Mel& mel, const std::string& name) {
  const auto found = std::find_if_not(mel.values.begin(), mel.values.end(),
                                      [](float value) { return std::isfinite(value); });
  if (found != mel.values.end()) {
    const auto place = found - mel.values.begin();
    fail(name, "mel: expected finite values, found " + std::to_string(*found) + " in frame " +
                   std::to_string(place / mel.mels) + ", band " + std::to_string(place % mel.mels));
  }
}

MelContract read_contract(const SafetensorsFile& file) {
  const auto metadata = file.metadata.find(kContractKey);
  if (metadata == file.metadata.end()) {
    fail(file.name, "expected a mel's contract under 'ondes' in __metadata__, found none");
  }
  const nlohmann::json description = parse_json(metadata->second, file.name + ": mel description");
  JsonFields fields(description, file.name);
  const int schema = fields.integer("schema", 1, 1'000'000);
  if (schema != kMelFileSchema) {
    fields.refuse("schema", std::to_string(kMelFileSchema),
                  std::to_string(schema) + " (made for a newer Ondes)");
  }
  return mel_contract_from_json(fields.object("features"), file.name);
}

}  // namespace

Mel parse_mel_npy(std::span<const std::byte> bytes, int mels, const std::string& name) {
  const NpyArray array = parse_npy(bytes, name);
  const bool mels_first = is_mels_by_frames(array.shape, mels, name);
  Mel mel;
  mel.mels = mels;
  mel.frames = mels_first ? array.shape.back() : array.shape.front();
  require_frames(mel, name);
  mel.values = npy_floats(array);
  if (mels_first) {
    mel.values = transposed(mel.values, mel.mels, mel.frames);
  }
  require_finite(mel, name);
  return mel;
}

Mel parse_mel_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  const SafetensorsFile file = parse_safetensors(bytes, name);
  Mel mel;
  mel.contract = read_contract(file);
  mel.mels = mel.contract->mels;
  const auto tensor = file.tensors.find(kTensorName);
  if (tensor != file.tensors.end() && tensor->second.shape.size() == 2) {
    mel.frames = tensor->second.shape[1];
  }
  const std::span<const float> values = require_f32(file, kTensorName, {mel.mels, mel.frames});
  require_frames(mel, name);
  mel.values = transposed(values, mel.mels, mel.frames);
  return mel;
}

Mel open_mel(const std::string& path, const MelContract& contract) {
  const MappedFile file(path);
  if (!looks_like_mel_file(file.bytes())) {
    fail(path, "expected a mel as .npy or .safetensors, found neither");
  }
  const bool is_npy = std::to_integer<unsigned char>(file.bytes()[0]) == 0x93;
  Mel mel = is_npy ? parse_mel_npy(file.bytes(), contract.mels, path)
                   : parse_mel_safetensors(file.bytes(), path);
  if (mel.contract.has_value()) {
    convert_mel(mel.values, *mel.contract, contract, path);
    mel.converted = mel_differences(contract, *mel.contract);
    mel.contract = contract;
  }
  return mel;
}

bool looks_like_mel_file(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  return text.starts_with(kNpyMagic) || (text.size() > 8 && text[8] == '{');
}

std::vector<std::byte> write_mel_npy(const Mel& mel) {
  const std::vector<std::int64_t> shape{mel.mels, mel.frames};
  return write_npy(std::span<const float>(transposed(mel.values, mel.frames, mel.mels)), shape);
}

std::vector<std::byte> write_mel_safetensors(const Mel& mel) {
  const nlohmann::json description = {{"schema", kMelFileSchema},
                                      {"features", mel_contract_to_json(mel.contract.value())}};
  return write_safetensors(
      {{kContractKey, description.dump()}},
      {{kTensorName,
        tensor_from_floats(transposed(mel.values, mel.frames, mel.mels), {mel.mels, mel.frames})}});
}

}  // namespace ondes
