#include "apps/voice_calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/feature_source.h"
#include "apps/interrupt.h"
#include "dsp/level.h"
#include "dsp/metrics/log_spectral_difference.h"
#include "dsp/metrics/spectral_distances.h"
#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/files/sha256.h"
#include "engine/plan/block_runner.h"
#include "models/block_calibration.h"
#include "models/registry.h"

namespace ondes {
namespace {

constexpr int kBlockFrames = 64;
constexpr std::int64_t kMaxClipFrames = 100'000;  // about 20 minutes; all of it lies in memory

struct Clip {
  int bands = 0;
  std::vector<float> values;  // (frames, bands)

  ConstFrames view() const {
    return {values.data(), static_cast<int>(values.size()) / bands, bands};
  }
};

Clip read_clip(const Voice& voice, const std::string& path, Calibration* calibration) {
  const auto source = open_features(voice, path, file_kind_of(path));
  Clip clip;
  clip.bands = voice.mel.mels;
  Buffer block(kBlockFrames, clip.bands);
  std::int64_t frames = 0;
  for (int got = 1; got != 0; frames += got) {
    check_interrupted();
    got = source->read(block.view());
    const float* begin = block.view().data();
    clip.values.insert(clip.values.end(), begin, begin + got * clip.bands);
    if (frames > kMaxClipFrames) {
      throw Error(ErrorCode::bad_input, path + ": expected at most " +
                                            std::to_string(kMaxClipFrames) +
                                            " frames to calibrate with, found more");
    }
  }
  if (frames == 0) {
    throw Error(ErrorCode::bad_input, path + ": expected at least one frame, found none");
  }
  calibration->clips.push_back({path, sha256_of_file(path), frames});
  for (const std::string& remark : source->remarks()) {
    calibration->remarks.push_back(path + ": " + remark);
  }
  return clip;
}

void widen(const std::vector<BlockRange>& by, std::vector<BlockRange>* ranges) {
  if (ranges->empty()) {
    *ranges = by;
  }
  for (std::size_t i = 0; i < by.size(); ++i) {
    (*ranges)[i].low = std::min((*ranges)[i].low, by[i].low);
    (*ranges)[i].high = std::max((*ranges)[i].high, by[i].high);
  }
}

std::vector<float> play(const BlockPlan& plan, const Clip& clip, Precision precision, int threads) {
  const auto runner = make_cpu_block_runner(plan, {precision, 1, kBlockFrames, threads});
  Buffer room(runner->max_output_frames(), 1);
  std::vector<float> samples;
  const auto take = [&](int made) {
    samples.insert(samples.end(), room.view().data(), room.view().data() + made);
    return made;
  };
  runner->start(0);
  const ConstFrames mel = clip.view();
  for (int t = 0; t < mel.frames(); t += kBlockFrames) {
    check_interrupted();
    const ConstFrames block = mel.subview(t, std::min(kBlockFrames, mel.frames() - t));
    take(runner->process(0, {&block, 1}, room.view()));
  }
  while (take(runner->finish(0, room.view())) != 0) {
  }
  return samples;
}

std::vector<float> dithered(const std::vector<float>& samples) {
  std::vector<float> result(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    result[i] = static_cast<float>(quantise(samples[i], 16, tpdf_dither(0, i))) / 32768.0F;
  }
  return result;
}

nlohmann::json loss_json(const CalibrationLoss& loss) {
  return {{"signal_to_error_db", loss.signal_to_error_db},
          {"stft_distance",
           loss.stft_distance ? nlohmann::json(*loss.stft_distance) : nlohmann::json()},
          {"log_spectral_difference_db", loss.log_spectral_db}};
}

// Adds a clip's part: `weight` is its share of all samples.
void add_loss(const std::vector<float>& reference,
              const std::vector<float>& found,
              double weight,
              CalibrationLoss* loss) {
  double power = 0.0;
  double error = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double r = static_cast<double>(reference[i]);
    power += r * r;
    error += std::pow(static_cast<double>(found[i]) - r, 2);
  }
  constexpr double kLeast = 1e-20;  // a silent clip, or no error at all, gives a number too
  loss->signal_to_error_db +=
      weight * 10.0 * std::log10(std::max(power, kLeast) / std::max(error, kLeast));
  const Measured distance = multi_resolution_stft_distance(reference, found).value;
  if (distance.value && loss->stft_distance) {
    *loss->stft_distance += weight * *distance.value;
  } else {
    loss->stft_distance.reset();
  }
  loss->log_spectral_db += weight * log_spectral_difference_db(reference, found);
}

}  // namespace

Calibration calibrate_voice(const Voice& voice,
                            const std::vector<std::string>& clips,
                            int threads) {
  if (voice.kind != VoiceKind::mel || voice.autoregressive) {
    throw Error(ErrorCode::usage, "--calibrate: the voice " + voice.file.name +
                                      " is no generator that takes mels; only those need it");
  }
  Calibration result;
  std::vector<Clip> played;
  std::vector<std::vector<ConstFrames>> views;
  double frames = 0.0;
  for (const std::string& path : clips) {
    played.push_back(read_clip(voice, path, &result));
    frames += played.back().view().frames();
  }
  for (const Clip& clip : played) {
    views.push_back({clip.view()});
  }
  result.speakers = std::max(voice.speakers, 1);
  BlockPlan first = compile_block_plan(voice.file, 0);
  first.ranges.clear();  // of an earlier calibration
  for (int speaker = 0; speaker < result.speakers; ++speaker) {
    check_interrupted();
    const BlockPlan plan = compile_block_plan(voice.file, speaker);
    widen(calibrated_ranges(plan, views, threads), &first.ranges);
  }
  result.tensors = block_calibration_tensors(first, first.ranges);
  for (const Clip& clip : played) {
    const double weight = clip.view().frames() / frames;
    const std::vector<float> exact = play(first, clip, Precision::f32, threads);
    add_loss(exact, play(first, clip, Precision::i8, threads), weight, &result.i8);
    add_loss(exact, dithered(exact), weight, &result.dithered_16);
  }
  return result;
}

nlohmann::json calibration_json(const Calibration& calibration) {
  nlohmann::json clips = nlohmann::json::array();
  for (const CalibrationClip& clip : calibration.clips) {
    clips.push_back({{"file", std::filesystem::path(clip.path).filename().string()},
                     {"sha256", clip.sha256},
                     {"frames", clip.frames}});
  }
  return {{"clips", clips},
          {"speakers", calibration.speakers},
          {"i8", loss_json(calibration.i8)},
          {"dithered_16_bits", loss_json(calibration.dithered_16)},
          {"remarks", calibration.remarks}};
}

std::string calibration_text(const Calibration& calibration) {
  std::int64_t frames = 0;
  for (const CalibrationClip& clip : calibration.clips) {
    frames += clip.frames;
  }
  std::string text = fmt::format(
      "  {:<9} for 8 bits on {} frames of {} {}{}; against f32 on them:\n", "calibrated", frames,
      calibration.clips.size(), calibration.clips.size() == 1 ? "clip" : "clips",
      calibration.speakers > 1 ? fmt::format(", played by {} speakers", calibration.speakers)
                               : std::string());
  for (const auto& [name, loss] : {std::pair{"i8", &calibration.i8},
                                   std::pair{"16 bits with dither", &calibration.dithered_16}}) {
    text += fmt::format(
        "  {:<9} {:<19} signal to error {:.1f} dB, multi-resolution STFT distance {}, "
        "log-spectral difference {:.2f} dB\n",
        "", name, loss->signal_to_error_db,
        loss->stft_distance ? fmt::format("{:.3f}", *loss->stft_distance) : "-",
        loss->log_spectral_db);
  }
  for (const std::string& remark : calibration.remarks) {
    text += fmt::format("  {:<9} {}\n", "", remark);
  }
  return text;
}

}  // namespace ondes
