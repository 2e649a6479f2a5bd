#include "apps/feature_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "dsp/audio_file.h"
#include "dsp/log_mel.h"
#include "dsp/resample.h"
#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/weights/mel_file.h"
#include "models/mel_analysis.h"

namespace ondes {
namespace {

constexpr int kReadFrames = 4096;
// A mel without a contract is doubted beyond these.
constexpr float kSmallestLogMel = 1e-3F;
constexpr float kLargestLogMel = 20.0F;
constexpr float kLargestScaledLogMel = 40.0F;  // sample_scale is not 1
constexpr float kLargestDecibel = 140.0F;

// A sound file as mono samples of the rate wanted.
class MonoSound final : public FeatureSource {
 public:
  MonoSound(const std::string& path, int rate_hz)
      : reader_(path),
        rate_hz_(rate_hz),
        block_(kReadFrames, reader_.info().channels),
        mono_(kReadFrames, 1) {
    if (reader_.info().sample_rate_hz != rate_hz) {
      resampler_.emplace(reader_.info().sample_rate_hz, rate_hz, 1);
    }
  }

  int read(Frames out) override {
    int filled = 0;
    while (filled < out.frames()) {
      if (next_ == pending_.size() && !refill()) {
        break;
      }
      const auto room = static_cast<std::size_t>(out.frames() - filled);
      const std::size_t count = std::min(room, pending_.size() - next_);
      for (std::size_t i = 0; i < count; ++i) {
        out[filled++][0] = pending_[next_++];
      }
    }
    return filled;
  }

  std::int64_t frames() const override {
    const std::int64_t frames = std::max<std::int64_t>(reader_.info().frames, 0);
    return resampled_frames(frames, reader_.info().sample_rate_hz, rate_hz_);
  }

  std::vector<Conversion> conversions() const override {
    std::vector<Conversion> result;
    const AudioInfo& info = reader_.info();
    if (info.channels > 1) {
      result.push_back({"channels", std::to_string(info.channels), "1"});
    }
    if (resampler_) {
      result.push_back(
          {"sample_rate", std::to_string(info.sample_rate_hz), std::to_string(rate_hz_)});
    }
    return result;
  }

 private:
  // More samples into pending_; false at the end.
  bool refill() {
    pending_.clear();
    next_ = 0;
    while (pending_.empty() && !ended_) {
      const int got = reader_.read(block_.view());
      ended_ = got < kReadFrames;
      const Frames mono = mono_.view().subview(0, got);
      const float scale = 1.0F / static_cast<float>(block_.channels());
      for (int t = 0; t < got; ++t) {
        float sum = 0.0F;
        for (const float x : block_.view()[t]) {
          sum += x;
        }
        mono[t][0] = sum * scale;
      }
      if (!resampler_) {
        pending_.assign(mono.data(), mono.data() + got);
        continue;
      }
      resampler_->process(mono, pending_);
      if (ended_) {
        resampler_->finish(pending_);
      }
    }
    return !pending_.empty();
  }

  AudioFileReader reader_;
  int rate_hz_;
  std::optional<Resampler> resampler_;
  Buffer block_;
  Buffer mono_;
  std::vector<float> pending_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

// Frames that lie in memory.
class WholeMel final : public FeatureSource {
 public:
  WholeMel(std::vector<float> values,
           int mels,
           std::vector<Conversion> conversions,
           std::vector<std::string> remarks)
      : values_(std::move(values)),
        mels_(mels),
        conversions_(std::move(conversions)),
        remarks_(std::move(remarks)) {}

  int read(Frames out) override {
    const auto count = static_cast<int>(std::min<std::int64_t>(out.frames(), frames() - position_));
    for (int t = 0; t < count; ++t) {
      const auto from = values_.begin() + static_cast<std::ptrdiff_t>(position_ + t) * mels_;
      std::copy(from, from + mels_, out[t].begin());
    }
    position_ += count;
    return count;
  }
  std::int64_t frames() const override { return static_cast<std::int64_t>(values_.size()) / mels_; }
  std::vector<Conversion> conversions() const override { return conversions_; }
  std::vector<std::string> remarks() const override { return remarks_; }

 private:
  std::vector<float> values_;
  int mels_;
  std::vector<Conversion> conversions_;
  std::vector<std::string> remarks_;
  std::int64_t position_ = 0;
};

// A sound, analysed on the way.
class StreamedMel final : public FeatureSource {
 public:
  StreamedMel(const std::string& path, const MelContract& contract)
      : sound_(path, contract.sample_rate_hz),
        analysis_(mel_config_of(contract)),
        samples_(kReadFrames, 1) {
    analysis_.prepare(kReadFrames);
    made_.allocate(std::max(analysis_.max_frames(), 1), analysis_.mels());
  }

  int read(Frames out) override {
    int filled = 0;
    while (filled < out.frames()) {
      if (next_ == count_ && !refill()) {
        break;
      }
      const auto frame = made_.view()[next_++];
      std::copy(frame.begin(), frame.end(), out[filled++].begin());
    }
    return filled;
  }
  std::int64_t frames() const override { return analysis_.frames(sound_.frames()); }
  std::vector<Conversion> conversions() const override { return sound_.conversions(); }

 private:
  bool refill() {
    next_ = 0;
    count_ = 0;
    while (count_ == 0 && !ended_) {
      const int got = sound_.read(samples_.view());
      if (got > 0) {
        count_ = analysis_.process({samples_.view().data(), static_cast<std::size_t>(got)},
                                   made_.view());
      } else {
        count_ = analysis_.finish(made_.view());
        ended_ = true;
      }
    }
    return count_ > 0;
  }

  MonoSound sound_;
  LogMel analysis_;
  Buffer samples_;
  Buffer made_;
  int next_ = 0;
  int count_ = 0;
  bool ended_ = false;
};

// top_db is relative to the loudest frame of all: nothing can be told before the end.
std::unique_ptr<FeatureSource> analyse_whole(const std::string& path, const MelContract& contract) {
  MonoSound sound(path, contract.sample_rate_hz);
  Buffer block(kReadFrames, 1);
  std::vector<float> samples;
  for (int got = 1; got != 0;) {
    got = sound.read(block.view());
    samples.insert(samples.end(), block.view().data(), block.view().data() + got);
  }
  LogMel analysis(mel_config_of(contract));
  return std::make_unique<WholeMel>(analysis.analyze(samples), analysis.mels(), sound.conversions(),
                                    std::vector<std::string>());
}

[[noreturn]] void refuse_kind(const Voice& voice, const std::string& path, FileKind kind) {
  const char* takes = voice.kind == VoiceKind::notes ? "plays notes: give it a score (.mid)"
                      : voice.kind == VoiceKind::mel ? "takes mels: give it a .npy or .safetensors "
                                                       "mel, or a sound to be analysed"
                                                     : "processes sound: give it a sound file";
  throw Error(ErrorCode::bad_input, fmt::format("{}: a {}, but the voice {} {}", path,
                                                file_kind_text(kind), voice.file.name, takes));
}

// What an analysis makes is not what such a voice takes: it would play noise, and nobody know why.
void refuse_analysis(const Voice& voice, const std::string& path, const char* what) {
  if (voice.mel_statistics_unknown) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: {}, but the mels of the voice {} were normalised by a mean and a "
                            "variance that its weights do not tell: give it mels that were "
                            "normalised so (.npy)",
                            path, what, voice.file.name));
  }
}

// What a mel that does not say how it was made cannot be, by its numbers; nothing where it may be
// what the voice takes. A full-scale sine is about 2 in ln of HiFi-GAN's amplitudes, 11 of powers,
// 32 of powers at Kaldi's sample scale, where it is 140 dB; what is divided has hardly any size.
std::string implausible(const Voice& voice, const Mel& mel) {
  const auto [low, high] = std::minmax_element(mel.values.begin(), mel.values.end());
  if (low == mel.values.end()) {
    return {};
  }
  const float largest = std::max(std::fabs(*low), std::fabs(*high));
  const float limit = voice.mel.log == MelLog::decibel ? kLargestDecibel
                      : voice.mel.sample_scale == 1.0  ? kLargestLogMel
                                                       : kLargestScaledLogMel;
  if (largest < kSmallestLogMel) {
    return fmt::format("its values are all within {:.2g} of 0", largest);
  }
  if (*high > limit) {
    return fmt::format("its greatest value is {:.4g}", *high);
  }
  if (*low >= 0.0F && voice.mel.sample_scale == 1.0 && voice.mel.norm == MelNorm::slaney &&
      !voice.mel_statistics_unknown) {
    return fmt::format(
        "none of its values is below 0 (they are {:.3g} to {:.3g}): no logarithm "
        "was taken?",
        *low, *high);
  }
  return {};
}

std::vector<std::string> remarks_of(const Voice& voice, const Mel& mel) {
  std::vector<std::string> remarks;
  if (mel.contract) {
    return remarks;
  }
  remarks.emplace_back(
      voice.mel_statistics_unknown
          ? "the mel does not say how it was made; taken as normalised by the mean and variance "
            "of the voice's training, which its weights do not tell"
          : "the mel does not say how it was made; taken as the voice's contract asks");
  if (const std::string what = implausible(voice, mel); !what.empty()) {
    remarks.push_back("warning: this is hardly a mel of the voice's kind (" +
                      mel_log_names().at(static_cast<std::size_t>(voice.mel.log)) + "): " + what);
  }
  return remarks;
}

std::unique_ptr<FeatureSource> open_mel_features(const Voice& voice,
                                                 const std::string& path,
                                                 FileKind kind) {
  if (kind == FileKind::audio) {
    refuse_analysis(voice, path, "a sound");
    if (voice.mel.top_db > 0.0) {
      return analyse_whole(path, voice.mel);
    }
    return std::make_unique<StreamedMel>(path, voice.mel);
  }
  Mel mel = open_mel(path, voice.mel);
  if (mel.contract) {
    refuse_analysis(voice, path, "a mel as an analysis makes it");
  }
  std::vector<std::string> remarks = remarks_of(voice, mel);
  std::vector<Conversion> conversions;
  for (const MelDifference& difference : mel.converted) {
    conversions.push_back({difference.field, difference.right, difference.left});
  }
  return std::make_unique<WholeMel>(std::move(mel.values), mel.mels, std::move(conversions),
                                    std::move(remarks));
}

}  // namespace

std::unique_ptr<FeatureSource> open_features(const Voice& voice,
                                             const std::string& path,
                                             FileKind kind) {
  const bool mel = voice.kind == VoiceKind::mel && kind == FileKind::mel;
  const bool sound = voice.kind != VoiceKind::notes && kind == FileKind::audio;
  if (!mel && !sound) {
    refuse_kind(voice, path, kind);
  }
  std::unique_ptr<FeatureSource> source;
  if (voice.kind == VoiceKind::mel) {
    source = open_mel_features(voice, path, kind);
  } else {
    source = std::make_unique<MonoSound>(path, voice.file.sample_rate_hz);
  }
  return source;
}

}  // namespace ondes
