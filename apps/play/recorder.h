// What a stream played, as the device got it, in a 32-bit float WAV: `--record`.
//
// A thread of its own empties the stream's tap into the file, so that neither device nor render
// thread waits for a disk. The file has its name only after finish().
//
// Control thread: everything.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "dsp/audio_file.h"
#include "engine/error.h"
#include "engine/stream/frame_ring.h"

namespace ondes {

class Recorder {
 public:
  static constexpr double kRingS = 4.0;  // how long the disk may hesitate

  // Throws as AudioFileWriter does.
  Recorder(const std::string& path, int sample_rate_hz, int channels);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  FrameRing& tap() noexcept { return ring_; }
  // What writing has failed with meanwhile (a full disk), nothing while all is well. What is played
  // then goes nowhere, and finish() throws it.
  std::optional<std::string> failure() const;
  // After the stream's last pull. `lost_frames`: Stream::tap_lost_frames(); a recording with holes
  // is none. Throws Error{io}; then there is no file.
  void finish(std::int64_t lost_frames);

 private:
  void run() noexcept;

  FrameRing ring_;
  std::string path_;
  std::optional<AudioFileWriter> writer_;  // none once writing has failed: the disk is free again
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_{false};
  std::optional<Error> error_;  // to be read once failed_
};

}  // namespace ondes
