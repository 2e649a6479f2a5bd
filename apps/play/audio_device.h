// Audio output through PortAudio (ALSA, JACK, OSS): which devices there are, and one that is open.
//
// The device's callback does nothing but Stream::pull(), and counts (device_watch.h). A device that stops asking for frames (it
// was unplugged, its server has ended) is found by watch(); closing it takes at most kCloseS, then
// it is left to the system.
//
// Control thread: everything.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/stream/stream.h"

namespace ondes {

struct AudioDeviceInfo {
  int index = 0;    // what --audio-device takes
  std::string api;  // "ALSA", "JACK Audio Connection Kit", "OSS"
  std::string name;
  int output_channels = 0;
  double default_rate_hz = 0.0;
  double low_latency_ms = 0.0;  // as the driver says
  double high_latency_ms = 0.0;
  std::vector<int> rates_hz;  // that it accepts, of the usual ones
  bool is_default = false;
};

// Output devices only. Throws Error{no_device} if PortAudio cannot begin.
std::vector<AudioDeviceInfo> list_audio_devices();

// What to try when there is none: lines of advice for this machine.
std::vector<std::string> audio_advice();

// The device that `wanted` means: an index, a part of "API: name" (any case), or, empty, the
// default. Throws Error{no_device} listing what there is, Error{usage} for a part that fits several
// of different names.
AudioDeviceInfo find_audio_device(const std::string& wanted);

struct AudioDeviceOptions {
  int device_index = 0;
  int rate_hz = 48000;
  int channels = 2;
  int buffer_frames = 0;    // 0: the device's choice
  double latency_ms = 0.0;  // 0: the driver's low one
};

class AudioDevice {
 public:
  static constexpr std::chrono::milliseconds kLostMs{2000};
  static constexpr std::chrono::milliseconds kCloseMs{2000};

  // Opens it; nothing sounds yet. Throws Error{no_device}, saying what the device refused.
  AudioDevice(Stream& stream, const AudioDeviceOptions& options);
  ~AudioDevice();  // stops, bounded
  AudioDevice(const AudioDevice&) = delete;
  AudioDevice& operator=(const AudioDevice&) = delete;

  void start();  // throws Error{no_device}
  // Lets what was handed over sound to its end, then closes. False if the device did not answer.
  bool stop() noexcept;
  // Throws Error{no_device} if the device has not asked for frames for kLostMs in which this was
  // called several times a second, or if it says it has ended.
  void watch();

  double output_latency_s() const noexcept;  // as the driver said when it was opened
  int turn_frames() const noexcept;          // that it takes at once now; 0 before that is known

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with a thread that closes a device that does not answer
};

// Whether the device takes that rate.
bool accepts_rate(int device_index, int channels, int rate_hz);

}  // namespace ondes
