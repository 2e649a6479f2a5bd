#include "apps/eval/sound_pair.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "dsp/audio_file.h"
#include "dsp/metrics/delay.h"
#include "dsp/resample.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr double kTrimFrameS = 0.020;
constexpr double kTrimHopS = 0.005;
constexpr double kDelayCorrelation = 0.5;  // below it a best lag says nothing

std::vector<float> mix_down(ConstFrames in) {
  std::vector<float> mono(static_cast<std::size_t>(in.frames()));
  for (int t = 0; t < in.frames(); ++t) {
    double sum = 0.0;
    for (const float value : in[t]) {
      sum += static_cast<double>(value);
    }
    mono[static_cast<std::size_t>(t)] = static_cast<float>(sum / in.channels());
  }
  return mono;
}

void resample_generated(MonoSound& generated, int rate_hz, std::vector<std::string>& notes) {
  notes.push_back(
      fmt::format("generated: resampled from {} to {} Hz", generated.info.rate_hz, rate_hz));
  Resampler resampler(generated.info.rate_hz, rate_hz, 1);
  std::vector<float> out;
  resampler.process({generated.samples.data(), static_cast<int>(generated.samples.size()), 1}, out);
  resampler.finish(out);
  generated.samples = std::move(out);
}

// Mean squares of frames; the last ones may reach past the end and are shorter.
std::vector<double> frame_powers(std::span<const float> x, std::size_t frame, std::size_t hop) {
  std::vector<double> powers;
  for (std::size_t begin = 0; begin < x.size(); begin += hop) {
    const std::span<const float> part = x.subspan(begin, std::min(frame, x.size() - begin));
    double sum = 0.0;
    for (const float value : part) {
      sum += static_cast<double>(value) * static_cast<double>(value);
    }
    powers.push_back(sum / static_cast<double>(part.size()));
  }
  return powers;
}

void trim_silence(std::vector<float>& x,
                  int rate_hz,
                  double below_peak_db,
                  const std::string& name,
                  std::vector<std::string>& notes) {
  const auto samples_of = [rate_hz](double seconds) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(seconds * rate_hz)));
  };
  const std::size_t frame = samples_of(kTrimFrameS);
  const std::size_t hop = samples_of(kTrimHopS);
  const std::vector<double> powers = frame_powers(x, frame, hop);
  const double loudest = *std::max_element(powers.begin(), powers.end());
  if (loudest <= 0.0) {
    notes.push_back(name + ": silent, not trimmed");
    return;
  }
  const double floor = loudest * std::pow(10.0, -below_peak_db / 10.0);
  const auto sounds = [floor](double power) { return power >= floor; };
  const auto first = std::find_if(powers.begin(), powers.end(), sounds) - powers.begin();
  const auto last =
      std::find_if(powers.rbegin(), powers.rend(), sounds).base() - powers.begin() - 1;
  const std::size_t begin = static_cast<std::size_t>(first) * hop;
  const std::size_t end = std::min(x.size(), static_cast<std::size_t>(last) * hop + frame);
  if (begin > 0 || end < x.size()) {
    notes.push_back(fmt::format("{}: trimmed by {:.3f} s at the start and {:.3f} s at the end",
                                name, static_cast<double>(begin) / rate_hz,
                                static_cast<double>(x.size() - end) / rate_hz));
    x.resize(end);
    x.erase(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(begin));
  }
}

void align_delay(SoundPair& pair, double max_delay_s) {
  const Delay delay = estimate_delay(pair.reference, pair.generated,
                                     std::llround(max_delay_s * pair.rate_hz), kDelayCorrelation);
  if (delay.samples == 0) {
    if (delay.correlation < kDelayCorrelation) {
      pair.notes.push_back(
          fmt::format("no delay taken out: none was found with a correlation of {} or more",
                      kDelayCorrelation));
    }
    return;
  }
  // Something of either sound is left, whatever the delay.
  std::vector<float>& late = delay.samples > 0 ? pair.generated : pair.reference;
  const std::int64_t cut = std::min(std::abs(delay.samples), std::ssize(late) - 1);
  late.erase(late.begin(), late.begin() + static_cast<std::ptrdiff_t>(cut));
  pair.notes.push_back(
      fmt::format("delay of {} samples ({:.2f} ms) taken out, correlation {:.2f}", delay.samples,
                  1000.0 * static_cast<double>(delay.samples) / pair.rate_hz, delay.correlation));
}

}  // namespace

SoundInfo file_identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw Error(ErrorCode::io, path + ": " + std::strerror(errno));
  }
  SoundInfo info;
  info.path = path;
  info.size_bytes = status.st_size;
  info.modified_ns =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{status.st_mtim.tv_nsec};
  return info;
}

MonoSound read_mono(const std::string& path, EvaluationPolicies::Channels policy) {
  MonoSound sound;
  sound.info = file_identity(path);
  const AudioClip clip = read_audio_file(path);
  sound.info.rate_hz = clip.info.sample_rate_hz;
  sound.info.channels = clip.info.channels;
  sound.info.frames = clip.info.frames;
  sound.info.format = clip.info.format;
  if (clip.info.frames == 0) {
    throw Error(ErrorCode::bad_input, path + ": expected samples, found none");
  }
  if (clip.info.sample_rate_hz < kMinEvalRateHz || clip.info.sample_rate_hz > kMaxEvalRateHz) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: sample rate: expected {} to {} Hz, found {}", path, kMinEvalRateHz,
                            kMaxEvalRateHz, clip.info.sample_rate_hz));
  }
  if (clip.info.channels > 1 && policy == EvaluationPolicies::Channels::refuse) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: channels: expected 1, found {} (--channels mix takes their mean)",
                            path, clip.info.channels));
  }
  sound.samples = mix_down(clip.view());
  return sound;
}

SoundPair fit_sounds(MonoSound reference, MonoSound generated, const EvaluationPolicies& policies) {
  SoundPair pair;
  pair.rate_hz = reference.info.rate_hz;
  for (const auto& [name, sound] :
       {std::pair<std::string, const MonoSound*>{"reference", &reference},
        {"generated", &generated}}) {
    if (sound->info.channels > 1) {
      pair.notes.push_back(fmt::format("{}: mean of {} channels", name, sound->info.channels));
    }
  }
  if (generated.info.rate_hz != pair.rate_hz) {
    if (policies.rate_mismatch == EvaluationPolicies::RateMismatch::refuse) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: sample rate: expected {} Hz as {} has, found {} "
                              "(--on-rate-mismatch resample brings it there)",
                              generated.info.path, pair.rate_hz, reference.info.path,
                              generated.info.rate_hz));
    }
    resample_generated(generated, pair.rate_hz, pair.notes);
  }
  pair.reference = std::move(reference.samples);
  pair.generated = std::move(generated.samples);
  if (policies.trim == EvaluationPolicies::Trim::silence) {
    trim_silence(pair.reference, pair.rate_hz, policies.trim_below_peak_db, "reference",
                 pair.notes);
    trim_silence(pair.generated, pair.rate_hz, policies.trim_below_peak_db, "generated",
                 pair.notes);
  }
  if (policies.align == EvaluationPolicies::Align::delay) {
    align_delay(pair, policies.max_delay_s);
  }
  if (pair.reference.size() != pair.generated.size()) {
    const auto difference = std::ssize(pair.generated) - std::ssize(pair.reference);
    pair.notes.push_back(fmt::format("generated: {} samples ({:.3f} s) {} than the reference",
                                     std::abs(difference),
                                     static_cast<double>(std::abs(difference)) / pair.rate_hz,
                                     difference > 0 ? "longer" : "shorter"));
  }
  return pair;
}

}  // namespace ondes
