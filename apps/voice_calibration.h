// Calibration of a mel voice for 8 bits: the ranges of its signals on given mels or sounds, and what
// 8 bits then cost on them.
//
// Every clip is played by every speaker of the voice, one after the other, in f32.
// The main thread, and those of the runner.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/voices.h"

namespace ondes {

// How far samples are from those of f32, over all clips.
struct CalibrationLoss {
  double signal_to_error_db = 0.0;
  // dsp/metrics/spectral_distances.h, multi-resolution; nothing for clips shorter than its windows.
  std::optional<double> stft_distance = 0.0;
  double log_spectral_db = 0.0;  // dsp/metrics/log_spectral_difference.h
};

struct CalibrationClip {
  std::string path;
  std::string sha256;
  std::int64_t frames = 0;
};

struct Calibration {
  std::map<std::string, TensorData> tensors;  // models/block_calibration.h
  std::vector<CalibrationClip> clips;
  int speakers = 1;             // that played them; the losses are of the first
  CalibrationLoss i8;           // on the clips themselves
  CalibrationLoss dithered_16;  // 16 bits with triangular dither, for comparison
  std::vector<std::string> remarks;
};

// The clips are held to the voice's mel contract as `ondes render` holds them. Throws Error{usage}
// for voices that do not take mels, Error{bad_input} for clips that are not theirs.
Calibration calibrate_voice(const Voice& voice, const std::vector<std::string>& clips, int threads);

// For `ondes import`: what was measured, as JSON and as lines of its report.
nlohmann::json calibration_json(const Calibration& calibration);
std::string calibration_text(const Calibration& calibration);

}  // namespace ondes
