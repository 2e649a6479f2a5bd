#include "apps/play/audio_device.h"

#include <fmt/format.h>
#include <portaudio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <future>
#include <mutex>
#include <thread>

#include "apps/play/device_watch.h"
#include "apps/play/quiet_stderr.h"
#include "engine/error.h"

namespace ondes {
namespace {

constexpr int kRates[] = {8000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000};

// PortAudio begins once and ends with the program.
void require_portaudio() {
  static std::once_flag once;
  static PaError error = paNoError;
  std::call_once(once, [] {
    const QuietStderr quiet;
    error = Pa_Initialize();
  });
  if (error != paNoError) {
    throw Error(ErrorCode::no_device,
                fmt::format("audio: PortAudio cannot begin: {}", Pa_GetErrorText(error)));
  }
}

PaStreamParameters parameters(int device, int channels, double latency_s) {
  PaStreamParameters result{};
  result.device = device;
  result.channelCount = channels;
  result.sampleFormat = paFloat32;
  result.suggestedLatency = latency_s;
  return result;
}

std::string label(const AudioDeviceInfo& info) {
  return fmt::format("#{} \"{}: {}\"", info.index, info.api, info.name);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string listed(const std::vector<AudioDeviceInfo>& devices) {
  std::string text;
  for (const AudioDeviceInfo& info : devices) {
    text += (text.empty() ? "" : ", ") + label(info);
  }
  return text.empty() ? "there is none; `ondes devices` says what to try" : "there are " + text;
}

AudioDeviceInfo describe_device(int index) {
  const PaDeviceInfo& device = *Pa_GetDeviceInfo(index);
  AudioDeviceInfo info;
  info.index = index;
  info.api = Pa_GetHostApiInfo(device.hostApi)->name;
  info.name = device.name;
  info.output_channels = device.maxOutputChannels;
  info.default_rate_hz = device.defaultSampleRate;
  info.low_latency_ms = 1000.0 * device.defaultLowOutputLatency;
  info.high_latency_ms = 1000.0 * device.defaultHighOutputLatency;
  info.is_default = index == Pa_GetDefaultOutputDevice();
  return info;
}

}  // namespace

bool accepts_rate(int device_index, int channels, int rate_hz) {
  require_portaudio();
  const QuietStderr quiet;
  const PaStreamParameters wanted = parameters(device_index, channels, 0.02);
  return Pa_IsFormatSupported(nullptr, &wanted, rate_hz) == paFormatIsSupported;
}

std::vector<AudioDeviceInfo> list_audio_devices() {
  require_portaudio();
  std::vector<AudioDeviceInfo> devices;
  for (int index = 0; index < Pa_GetDeviceCount(); ++index) {
    AudioDeviceInfo info = describe_device(index);
    if (info.output_channels == 0) {
      continue;
    }
    for (const int rate : kRates) {
      if (accepts_rate(index, std::min(info.output_channels, 2), rate)) {
        info.rates_hz.push_back(rate);
      }
    }
    devices.push_back(std::move(info));
  }
  return devices;
}

std::vector<std::string> audio_advice() {
  std::vector<std::string> advice;
  std::error_code ignored;
  if (access("/dev/snd", R_OK) != 0) {
    advice.emplace_back("no sound card is visible (/dev/snd): in a container, pass the device in");
  } else {
    advice.emplace_back(
        "there is a sound card: is your user in the group `audio`, is the device free "
        "(`fuser -v /dev/snd/*`)?");
  }
  advice.emplace_back(
      "without a card, a JACK server that is only a clock: jackd --no-realtime -d dummy "
      "-r 48000 -p 256");
  advice.emplace_back("to hear nothing and test everything: --audio-device clock");
  advice.emplace_back("to have a file: ondes render");
  return advice;
}

AudioDeviceInfo find_audio_device(const std::string& wanted) {
  require_portaudio();
  std::vector<AudioDeviceInfo> devices;
  for (int index = 0; index < Pa_GetDeviceCount(); ++index) {
    if (Pa_GetDeviceInfo(index)->maxOutputChannels > 0) {
      devices.push_back(describe_device(index));
    }
  }
  if (wanted.empty()) {
    for (const AudioDeviceInfo& info : devices) {
      if (info.is_default) {
        return info;
      }
    }
    throw Error(ErrorCode::no_device, "audio: no default output device: " + listed(devices));
  }
  const bool is_index = wanted.find_first_not_of("0123456789") == std::string::npos;
  std::vector<AudioDeviceInfo> fitting;
  for (const AudioDeviceInfo& info : devices) {
    if (is_index ? std::to_string(info.index) == wanted
                 : lower(info.api + ": " + info.name).find(lower(wanted)) != std::string::npos) {
      fitting.push_back(info);
    }
  }
  if (fitting.empty()) {
    throw Error(ErrorCode::no_device, fmt::format("--audio-device {}: no output device of that "
                                                  "number or name: {}",
                                                  wanted, listed(devices)));
  }
  if (fitting.size() > 1) {
    throw Error(ErrorCode::usage,
                fmt::format("--audio-device {}: fits more than one: {}", wanted, listed(fitting)));
  }
  return fitting.front();
}

struct AudioDevice::Impl {
  explicit Impl(int sample_rate_hz) : turns(sample_rate_hz) {}

  Stream* stream = nullptr;
  PaStream* handle = nullptr;
  int channels = 2;
  std::string name;
  std::atomic<bool> started{false};
  std::atomic<bool> closing{false};
  TurnMeter turns;
  SilenceWatch silence;

  static int callback(const void*,
                      void* output,
                      unsigned long frames,
                      const PaStreamCallbackTimeInfo* time,
                      PaStreamCallbackFlags,
                      void* user) noexcept {
    auto& impl = *static_cast<Impl*>(user);
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t taken_ns =
        impl.turns.add(time->currentTime, static_cast<int>(frames), now.count());
    impl.stream->pull({static_cast<float*>(output), static_cast<int>(frames), impl.channels},
                      taken_ns);
    return paContinue;
  }
};

AudioDevice::AudioDevice(Stream& stream, const AudioDeviceOptions& options)
    : impl_(std::make_shared<Impl>(options.rate_hz)) {
  require_portaudio();
  impl_->stream = &stream;
  impl_->channels = options.channels;
  const AudioDeviceInfo info = describe_device(options.device_index);
  impl_->name = label(info);
  const double latency_s =
      (options.latency_ms > 0.0 ? options.latency_ms : info.low_latency_ms) / 1000.0;
  const PaStreamParameters wanted = parameters(options.device_index, options.channels, latency_s);
  PaError error = paNoError;
  {
    const QuietStderr quiet;
    error = Pa_OpenStream(&impl_->handle, nullptr, &wanted, options.rate_hz,
                          static_cast<unsigned long>(options.buffer_frames),
                          paClipOff | paDitherOff, Impl::callback, impl_.get());
  }
  if (error != paNoError) {
    impl_->handle = nullptr;
    throw Error(ErrorCode::no_device,
                fmt::format("audio device {}: cannot be opened with {} channels at {} Hz: {}{}",
                            impl_->name, options.channels, options.rate_hz, Pa_GetErrorText(error),
                            error == paUnanticipatedHostError
                                ? std::string(": ") + Pa_GetLastHostErrorInfo()->errorText
                                : ""));
  }
}

AudioDevice::~AudioDevice() {
  stop();
}

void AudioDevice::start() {
  const PaError error = Pa_StartStream(impl_->handle);
  if (error != paNoError) {
    throw Error(ErrorCode::no_device, fmt::format("audio device {}: cannot be started: {}",
                                                  impl_->name, Pa_GetErrorText(error)));
  }
  impl_->started.store(true);
  impl_->silence.begin(std::chrono::steady_clock::now());
}

bool AudioDevice::stop() noexcept {
  if (impl_->handle == nullptr || impl_->closing.exchange(true)) {
    return true;
  }
  // A driver that lost its device may never return from closing it.
  const auto closed = std::make_shared<std::promise<void>>();
  const std::future<void> done = closed->get_future();
  std::thread([impl = impl_, closed] {
    if (impl->started.load()) {
      Pa_StopStream(impl->handle);
    }
    Pa_CloseStream(impl->handle);
    closed->set_value();
  }).detach();
  return done.wait_for(kCloseMs) == std::future_status::ready;
}

void AudioDevice::watch() {
  const std::chrono::nanoseconds silent =
      impl_->silence.look(impl_->stream->device_frames(), std::chrono::steady_clock::now());
  if (Pa_IsStreamActive(impl_->handle) != 1 || silent > kLostMs) {
    throw Error(
        ErrorCode::no_device,
        fmt::format("audio device {}: lost: it has stopped asking for samples", impl_->name));
  }
}

double AudioDevice::output_latency_s() const noexcept {
  const PaStreamInfo* info = Pa_GetStreamInfo(impl_->handle);
  return info == nullptr ? 0.0 : info->outputLatency;
}

int AudioDevice::turn_frames() const noexcept {
  return impl_->turns.turn_frames();
}

}  // namespace ondes
