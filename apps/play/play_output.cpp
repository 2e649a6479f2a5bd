#include "apps/play/play_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "apps/exit_codes.h"
#include "apps/play/jack_server.h"
#include "engine/error.h"

namespace ondes {

OutputChoice choose_output(const OutputRequest& request, int source_rate_hz) {
  OutputChoice choice;
  choice.request = request;
  choice.sample_rate_hz = request.rate_hz > 0 ? request.rate_hz : source_rate_hz;
  choice.buffer_frames = request.buffer_frames > 0 ? request.buffer_frames : kUsualBufferFrames;
  choice.description = "a clock (no sound)";
  if (request.audio_device == kClockDevice) {
    return choice;
  }
  choice.device = find_audio_device(request.audio_device);
  const AudioDeviceInfo& device = *choice.device;
  choice.description = device.api + ": " + device.name;
  const auto jack =
      device.api.find("JACK") != std::string::npos ? find_jack_server() : std::nullopt;
  if (jack) {
    choice.buffer_frames = std::max(jack->period_frames, request.buffer_frames);
    if (request.buffer_frames > 0 && request.buffer_frames < jack->period_frames) {
      choice.remark = fmt::format(
          "--buffer {}: has no effect: the JACK server takes {} frames at once (its period: "
          "jack_bufsize, or jackd -p)",
          request.buffer_frames, jack->period_frames);
    }
  }
  if (device.output_channels < 2) {
    throw Error(ErrorCode::no_device, fmt::format("audio device {}: expected 2 channels, found {}",
                                                  choice.description, device.output_channels));
  }
  if (!accepts_rate(device.index, 2, choice.sample_rate_hz)) {
    if (request.rate_hz > 0) {
      throw Error(ErrorCode::no_device,
                  fmt::format("audio device {}: does not take {} Hz; its own rate is {:g} Hz",
                              choice.description, request.rate_hz, device.default_rate_hz));
    }
    choice.sample_rate_hz = static_cast<int>(std::lround(device.default_rate_hz));
  }
  return choice;
}

PlayOutput::PlayOutput(Stream& stream, const OutputChoice& choice) : turns_(choice.buffer_frames) {
  if (!choice.device) {
    ClockedSinkOptions options;
    options.block_frames = choice.buffer_frames;
    options.speed = choice.request.speed;
    clock_ = std::make_unique<ClockedSink>(stream, options);
    return;
  }
  AudioDeviceOptions options;
  options.device_index = choice.device->index;
  options.rate_hz = stream.options().sample_rate_hz;
  options.channels = stream.options().channels;
  // JACK's callbacks are its periods; elsewhere a size must be asked for to be known.
  const bool jack = choice.device->api.find("JACK") != std::string::npos;
  options.buffer_frames = jack && choice.request.buffer_frames == 0 ? 0 : choice.buffer_frames;
  server_frames_ = jack ? choice.buffer_frames : 0;
  device_ = std::make_unique<AudioDevice>(stream, options);
}

void PlayOutput::start() {
  if (clock_) {
    clock_->start();
  } else {
    device_->start();
  }
}

void PlayOutput::watch() {
  if (device_) {
    device_->watch();
  }
}

// A JACK server's latency is a number of turns; PortAudio does not look again when they change.
double PlayOutput::latency_s() const {
  const double turns =
      server_frames_ > 0 ? static_cast<double>(turns_.planned_frames()) / server_frames_ : 1.0;
  return device_ ? turns * device_->output_latency_s() : 0.0;
}

std::optional<int> PlayOutput::changed_turn() {
  return device_ ? turns_.look(device_->turn_frames(), std::chrono::steady_clock::now())
                 : std::nullopt;
}

bool PlayOutput::stop() noexcept {
  if (clock_) {
    clock_->stop();
    return true;
  }
  return device_->stop();
}

void PlayOutput::leave(const FirstFailure& failure) {
  if (failure.any()) {
    std::fputs(fmt::format("ondes: {}\n", failure.what()).c_str(), stderr);
  }
  std::fputs("ondes: the audio device does not close; it is left as it is\n", stderr);
  std::_Exit(kExitNoDevice);
}

}  // namespace ondes
