#include "apps/tensor_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "models/importers/hifigan_import.h"
#include "models/importers/tensor_source.h"
#include "models/importers/wavenet_import.h"

namespace ondes {
namespace {

constexpr std::array<std::int64_t, 7> kUsualBands{13, 20, 40, 64, 80, 100, 128};

bool is_usual(std::int64_t bands) {
  return std::find(kUsualBands.begin(), kUsualBands.end(), bands) != kUsualBands.end();
}

// The mel that an array of this shape would be.
std::string layout_text(const std::vector<std::int64_t>& shape) {
  const bool batch = shape.size() == 3 && shape[0] == 1;
  if (!batch && shape.size() != 2) {
    return shape.size() == 1 ? "no mel: numbers in a row, as a sound's samples are"
                             : "no mel: " + std::to_string(shape.size()) + " dimensions";
  }
  const std::int64_t first = shape[shape.size() - 2];
  const std::int64_t second = shape.back();
  const auto text = [](const char* order, std::int64_t bands, std::int64_t frames) {
    return fmt::format("{} as a mel: {} bands, {} frames", order, bands, frames);
  };
  if (batch) {
    return text("[1, mels, frames]", first, second);
  }
  if (first == second) {
    return "either way round as a mel; [1, mels, frames] would say which";
  }
  // A guess: a usual number of bands, else more frames than bands.
  const bool mels_first = is_usual(first) != is_usual(second) ? is_usual(first) : first < second;
  return (mels_first ? text("[mels, frames]", first, second)
                     : text("[frames, mels]", second, first)) +
         " (guessed)";
}

const char* type_name(NpyType type) {
  switch (type) {
    case NpyType::float16:
      return "float16";
    case NpyType::float32:
      return "float32";
    case NpyType::float64:
      return "float64";
  }
  return "";
}

std::string recognised(const TensorSource& source) {
  if (looks_like_hifigan(source)) {
    return "generator of HiFi-GAN's family; `ondes import` takes it with its config.json";
  }
  if (looks_like_wavenet(source)) {
    return "WaveNet of wavenet_vocoder or nv-wavenet; `ondes import` takes it with its "
           "configuration";
  }
  return "nothing that `ondes import` knows";
}

}  // namespace

nlohmann::json array_info(const std::string& path) {
  const MappedFile file(path);
  const NpyArray array = parse_npy(file.bytes(), path);
  const std::vector<double> values = npy_doubles(array);
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  std::int64_t nans = 0;
  std::int64_t infinities = 0;
  for (const double value : values) {
    if (std::isfinite(value)) {
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    } else {
      ++(std::isnan(value) ? nans : infinities);
    }
  }
  const bool mel = array.shape.size() == 2 || (array.shape.size() == 3 && array.shape.front() == 1);
  nlohmann::json info = {
      {"kind", mel ? "mel" : "array"},      {"shape", array.shape},
      {"type", type_name(array.type)},      {"order", array.fortran_order ? "Fortran" : "C"},
      {"layout", layout_text(array.shape)}, {"nans", nans},
      {"infinities", infinities},           {"contract", "not in the file"}};
  if (least <= greatest) {
    info["least"] = least;
    info["greatest"] = greatest;
  }
  return info;
}

nlohmann::json checkpoint_info(const std::string& path) {
  const MappedFile file(path);
  const TensorSource source = TensorSource::open(file.bytes(), path);
  std::map<std::string, std::int64_t> types;
  std::size_t parameters = 0;
  nlohmann::json list = nlohmann::json::array();
  for (const TensorRow& row : source.rows()) {
    ++types[std::string(tensor_type_name(row.type))];
    parameters += element_count(row.shape);
    list.push_back({{"name", row.name},
                    {"type", std::string(tensor_type_name(row.type))},
                    {"shape", shape_text(row.shape)}});
  }
  nlohmann::json info = {
      {"kind", "checkpoint"}, {"format", source.kind()}, {"looks_like", recognised(source)},
      {"tensors", types},     {"numbers", parameters},   {"tensor_list", list}};
  for (const auto& [key, value] : source.progress()) {
    info["training"][key] = value;
  }
  return info;
}

}  // namespace ondes
