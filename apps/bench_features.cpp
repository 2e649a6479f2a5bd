#include "apps/bench_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/interrupt.h"
#include "dsp/audio_file.h"
#include "dsp/chroma.h"
#include "dsp/dtw.h"
#include "dsp/log_mel.h"
#include "dsp/mel_cepstrum.h"
#include "dsp/mfcc.h"
#include "dsp/onset_strength.h"
#include "dsp/zero_crossings.h"
#include "engine/error.h"

namespace ondes {
namespace {

struct Input {
  int sample_rate_hz = 0;
  std::vector<float> recording;           // of length_s
  std::vector<std::vector<float>> clips;  // the files
};

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Input read_input(const FeatureBenchOptions& options) {
  Input input;
  std::vector<float> joined;
  for (const std::string& path : options.files) {
    const AudioClip clip = read_audio_file(path);
    if (clip.info.channels != 1) {
      throw Error(ErrorCode::bad_input,
                  path + ": channels: expected 1, found " + std::to_string(clip.info.channels));
    }
    if (input.sample_rate_hz != 0 && clip.info.sample_rate_hz != input.sample_rate_hz) {
      throw Error(ErrorCode::bad_input, path + ": sample rate: expected " +
                                            std::to_string(input.sample_rate_hz) +
                                            " Hz as in the file before, found " +
                                            std::to_string(clip.info.sample_rate_hz));
    }
    input.sample_rate_hz = clip.info.sample_rate_hz;
    input.clips.push_back(clip.samples);
    joined.insert(joined.end(), clip.samples.begin(), clip.samples.end());
  }
  if (joined.empty()) {
    throw Error(ErrorCode::bad_input, options.files.front() + ": samples: expected some, found 0");
  }
  const auto wanted = static_cast<std::size_t>(std::ceil(options.length_s * input.sample_rate_hz));
  input.recording.resize(wanted);
  for (std::size_t n = 0; n < wanted; ++n) {
    input.recording[n] = joined[n % joined.size()];
  }
  return input;
}

// 25 ms every 5 ms, as evaluations of vocoders do it.
MelCepstrumConfig cepstrum_config(int sample_rate_hz) {
  MelCepstrumConfig config;
  config.order = 24;
  config.alpha = alpha_for_rate(sample_rate_hz);
  config.fft_size = 1024;
  config.window_samples = std::min(sample_rate_hz / 40, config.fft_size);
  config.hop_samples = std::max(sample_rate_hz / 200, 1);
  config.window = SptkWindow::hamming;
  config.sample_scale = 32768.0;
  config.epsilon_kind = MelCepstrumConfig::Epsilon::added;
  config.epsilon = 1e-6;
  return config;
}

// The mean distance along the exact path, c0 left out.
double cepstral_distortion(const Input& input) {
  MelCepstrum analysis(cepstrum_config(input.sample_rate_hz));
  const std::vector<float> a = analysis.analyze(input.clips[0]);
  const std::vector<float> b = analysis.analyze(input.clips[1]);
  const auto frames = [&](const std::vector<float>& values) {
    return ConstFrames(values.data(), static_cast<int>(values.size()) / analysis.coefficients(),
                       analysis.coefficients());
  };
  DtwOptions options;
  options.first_column = 1;
  return dtw(frames(a), frames(b), options).mean_cost();
}

struct Work {
  std::string name;
  double audio_seconds = 0.0;
  std::function<double()> run;  // returns something that depends on the features
};

double sum_of(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) {
    sum += static_cast<double>(value);
  }
  return sum;
}

Work log_mel_work(const Input& input, const std::string& profile, double seconds) {
  MelConfig config = *mel_profile(profile);
  config.bank.sample_rate_hz = input.sample_rate_hz;
  if (profile == "librosa" || profile == "kaldi") {
    config.bank.fmax_hz = input.sample_rate_hz / 2.0;
  }
  if (profile == "kaldi") {  // 25 ms every 10 ms
    config.window_samples = input.sample_rate_hz / 40;
    config.hop_samples = input.sample_rate_hz / 100;
    while (config.bank.fft_size < config.window_samples) {
      config.bank.fft_size *= 2;
    }
  }
  return {"log_mel_" + profile, seconds,
          [&input, config] { return sum_of(LogMel(config).analyze(input.recording)); }};
}

std::vector<Work> all_work(const Input& input) {
  const int rate_hz = input.sample_rate_hz;
  const double seconds = static_cast<double>(input.recording.size()) / rate_hz;
  const auto& x = input.recording;
  std::vector<Work> all;
  for (const char* profile : {"librosa", "hifigan", "kaldi"}) {
    all.push_back(log_mel_work(input, profile, seconds));
  }
  for (const std::string& profile : mfcc_profile_names()) {
    all.push_back({"mfcc_" + profile, seconds, [&x, config = *mfcc_profile(profile, rate_hz)] {
                     return sum_of(Mfcc(config).analyze(x));
                   }});
  }
  all.push_back({"chroma", seconds,
                 [&x, rate_hz] { return sum_of(Chroma({.sample_rate_hz = rate_hz}).analyze(x)); }});
  all.push_back(
      {"onset_strength", seconds, [&x, rate_hz] { return sum_of(onset_strength(x, rate_hz)); }});
  all.push_back({"zero_crossings", seconds, [&x] { return sum_of(zero_crossing_rate(x)); }});
  all.push_back({"mel_cepstrum", seconds, [&x, config = cepstrum_config(rate_hz)] {
                   return sum_of(MelCepstrum(config).analyze(x));
                 }});
  if (input.clips.size() >= 2) {
    const double both = static_cast<double>(input.clips[0].size() + input.clips[1].size());
    all.push_back({"mcd", both / rate_hz, [&input] { return cepstral_distortion(input); }});
  }
  return all;
}

void print(const Work& work, double seconds, double value, bool json) {
  if (json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"name", work.name},
                                              {"audio_s", work.audio_seconds},
                                              {"cpu_s", seconds},
                                              {"value", value}}
                           .dump());
  } else {
    fmt::print("{:<18} {:>8.1f} s of audio {:>10.3f} ms {:>10.6f} x real time\n", work.name,
               work.audio_seconds, 1e3 * seconds, seconds / work.audio_seconds);
  }
  std::fflush(stdout);
}

}  // namespace

int run_bench_features(const FeatureBenchOptions& options) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage,
              "ondes bench features: expected a release build, found a debug one");
#endif
  const Input input = read_input(options);
  const std::vector<Work> all = all_work(input);
  for (const std::string& name : options.only) {
    if (std::none_of(all.begin(), all.end(), [&](const Work& work) { return work.name == name; })) {
      throw Error(ErrorCode::usage, "--only: there is no line " + name);
    }
  }
  for (const Work& work : all) {
    if (!options.only.empty() &&
        std::find(options.only.begin(), options.only.end(), work.name) == options.only.end()) {
      continue;
    }
    double best = std::numeric_limits<double>::infinity();
    double value = 0.0;
    for (int pass = 0; pass < options.passes; ++pass) {
      check_interrupted();
      const double begin = thread_seconds();
      value = work.run();
      best = std::min(best, thread_seconds() - begin);
    }
    print(work, best, value, options.json);
  }
  return 0;
}

}  // namespace ondes
