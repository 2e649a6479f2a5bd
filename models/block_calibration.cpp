#include "models/block_calibration.h"

#include <set>

#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

constexpr const char* kPrefix = "calibration.";

std::string tensor_of(const BlockValue& value) {
  return kPrefix + value.name;
}

}  // namespace

bool is_block_calibration(const std::string& tensor) {
  return tensor.starts_with(kPrefix);
}

std::map<std::string, TensorData> block_calibration_tensors(const BlockPlan& plan,
                                                            std::span<const BlockRange> ranges) {
  std::map<std::string, TensorData> tensors;
  for (const BlockValue& value : plan.values) {
    const auto channels = static_cast<std::size_t>(value.channels);
    if (ranges.size() < channels) {
      throw Error(ErrorCode::bad_input, "calibration: expected a range for each channel of " +
                                            quote(value.name) + ", found fewer");
    }
    std::vector<float> rows;
    for (const BlockRange& range : ranges.first(channels)) {
      rows.push_back(range.low);
    }
    for (const BlockRange& range : ranges.first(channels)) {
      rows.push_back(range.high);
    }
    ranges = ranges.subspan(channels);
    if (!tensors.try_emplace(tensor_of(value), tensor_from_floats(rows, {2, value.channels}))
             .second) {
      throw Error(ErrorCode::bad_input, "calibration: expected a name for every signal, found " +
                                            quote(value.name) + " twice");
    }
  }
  return tensors;
}

std::vector<BlockRange> read_block_calibration(const BlockPlan& plan, const SafetensorsFile& file) {
  std::set<std::string> found;
  for (const auto& [tensor, view] : file.tensors) {
    if (is_block_calibration(tensor)) {
      found.insert(tensor);
    }
  }
  std::vector<BlockRange> ranges;
  if (found.empty()) {
    return ranges;
  }
  for (const BlockValue& value : plan.values) {
    const std::string tensor = tensor_of(value);
    const auto rows = require_f32(file, tensor, {2, value.channels});
    const auto channels = static_cast<std::size_t>(value.channels);
    for (std::size_t c = 0; c < channels; ++c) {
      if (rows[c] > rows[channels + c]) {
        throw Error(ErrorCode::bad_input,
                    file.name + ": tensor " + quote(tensor) + ": channel " + std::to_string(c) +
                        ": expected a greatest number of at least the least, " +
                        std::to_string(rows[c]) + ", found " + std::to_string(rows[channels + c]));
      }
      ranges.push_back({rows[c], rows[channels + c]});
    }
    found.erase(tensor);
  }
  if (!found.empty()) {
    throw Error(ErrorCode::bad_input, file.name + ": tensor " + quote(*found.begin()) +
                                          ": the network its config describes has no such signal");
  }
  return ranges;
}

}  // namespace ondes
