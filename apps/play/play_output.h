// Where a stream goes: an audio device, or a clock without sound. Control thread.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "apps/play/audio_device.h"
#include "apps/play/device_watch.h"
#include "apps/play/first_failure.h"
#include "engine/stream/clocked_sink.h"
#include "engine/stream/stream.h"

namespace ondes {

inline constexpr const char* kClockDevice = "clock";  // --audio-device clock
inline constexpr int kUsualBufferFrames = 256;        // where the device's choice is not known yet
// What a stream keeps room for: sound servers take no more at once.
inline constexpr int kMostDeviceFrames = 8192;

struct OutputRequest {
  std::string audio_device;  // "", an index, a part of a name, "clock"
  int rate_hz = 0;           // 0: the source's, or else the device's
  int buffer_frames = 0;     // 0: the device's choice
  double speed = 1.0;        // of the clock
};

struct OutputChoice {
  std::optional<AudioDeviceInfo> device;  // nothing: the clock
  std::string description;
  int sample_rate_hz = 48000;
  int buffer_frames = kUsualBufferFrames;  // expected that it takes at once
  std::string remark;                      // where the buffer asked for cannot be had; may be empty
  OutputRequest request;
};

// Throws Error{no_device} where there is no such device, or it does not take two channels or the
// rate asked for.
OutputChoice choose_output(const OutputRequest& request, int source_rate_hz);

class PlayOutput {
 public:
  // Opens it. The stream must outlive it. Throws Error{no_device}.
  PlayOutput(Stream& stream, const OutputChoice& choice);

  void start();
  void watch();  // throws Error{no_device} when the device is lost
  // Of the driver, for what the device takes at once now.
  double latency_s() const;
  // What the stream must be planned for from now on, where the device has come to take more or fewer
  // frames at once. To be asked several times a second.
  std::optional<int> changed_turn();
  // False if the device does not let itself be closed. Then it still holds the stream, and nothing
  // but leave() may follow once what was played is safe.
  bool stop() noexcept;
  // Says `failure` and that, and ends the program with exit code 5.
  [[noreturn]] static void leave(const FirstFailure& failure);

 private:
  std::unique_ptr<ClockedSink> clock_;
  std::unique_ptr<AudioDevice> device_;
  TurnPlanner turns_;
  int server_frames_ = 0;  // a JACK server's turn when the device was opened; 0: it is none
};

}  // namespace ondes
