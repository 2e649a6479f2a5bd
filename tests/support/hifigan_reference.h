// The trained HiFi-GAN V3 of the reference data (LJ Speech, 22,050 Hz) and the mels it was given.
#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/weights/mel_file.h"
#include "models/hifigan/hifigan.h"

namespace ondes {

inline constexpr int kReferenceBands = 80;

// (frames, kReferenceBands)
inline std::vector<float> reference_mel(const std::filesystem::path& path) {
  const MappedFile file(path.string());
  return parse_mel_npy(file.bytes(), kReferenceBands, path.string()).values;
}

inline BlockPlan reference_plan(const std::filesystem::path& folder) {
  std::ifstream stream(folder / "config.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const HifiganConfig config =
      hifigan_config_from_json(parse_json(text, "config.json"), "config.json");
  return compile_hifigan(config, open_safetensors((folder / "generator.safetensors").string()),
                         config.sample_rate_hz);
}

}  // namespace ondes
