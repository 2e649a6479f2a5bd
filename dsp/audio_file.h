// Sound files: a reader for every format libsndfile knows, a streaming writer for WAV and FLAC.
//
// Sample scale: integer full scale is 1.0 (dsp/level.h). A frame is one instant of all channels.
// Both classes: one thread at a time, constant memory whatever the length.
//
// Writing goes to a temporary file beside the target; only finish() gives it the target's name,
// after every byte was accepted, synced, and the file was opened again and its frames counted.
// Until then, and after any failure, an existing target is untouched and nothing new stands there.
// The path "-" (standard output), pipes and devices are written straight through: WAV then says
// "unknown length", and FLAC, which needs to seek back, is refused.
//
// A program that writes should ignore SIGXFSZ and SIGPIPE, or those signals end it before the
// error can be reported; a library does not change signals.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/views.h"

namespace ondes {

enum class SampleFormat { pcm16, pcm24, float32 };
enum class AudioContainer { by_extension, wav, flac, raw };  // raw: little-endian, no header
enum class ClipPolicy { error, clamp };

inline constexpr std::size_t kMaxAudioTextBytes = 64 * 1024;

struct AudioInfo {
  std::int64_t frames = -1;  // -1: the file does not say; read until the end
  int channels = 0;
  int sample_rate_hz = 0;
  std::string format;  // for people: "WAV (Microsoft), Signed 24 bit PCM"
  std::string text;    // the comment: what AudioWriteOptions::text carried; "" if none
};

class AudioFileReader {
 public:
  // "-" reads standard input. Throws Error{io} if the file cannot be opened or read, and
  // Error{bad_input} if it is no sound file, or shorter than its own header promises.
  explicit AudioFileReader(const std::string& path);
  // A file in memory, which must outlive the reader; `name` appears in messages.
  AudioFileReader(std::span<const std::byte> bytes, const std::string& name);
  ~AudioFileReader();
  AudioFileReader(AudioFileReader&&) noexcept;
  AudioFileReader& operator=(AudioFileReader&&) noexcept;

  const AudioInfo& info() const noexcept;
  // Fills up to out.frames() frames (out.channels() must be the file's) and returns how many; fewer
  // than asked for only at the end. Throws Error{bad_input} naming the frame of a NaN or infinity,
  // and where a file ends before the length it promised.
  int read(Frames out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct AudioClip {
  AudioInfo info;              // info.frames is the number really read
  std::vector<float> samples;  // interleaved, info.frames * info.channels

  ConstFrames view() const noexcept {
    return {samples.data(), static_cast<int>(info.frames), info.channels};
  }
};

// The whole file. Throws as the reader does, and Error{bad_input} if it holds more than
// `max_frames`; memory grows with what is really there, never with what a header claims.
AudioClip read_audio_file(const std::string& path, std::int64_t max_frames = std::int64_t{1} << 28);

struct AudioWriteOptions {
  int sample_rate_hz = 0;
  int channels = 1;  // 1..64; FLAC: 1..8
  SampleFormat format = SampleFormat::pcm16;
  AudioContainer container = AudioContainer::by_extension;  // .wav .wave .flac; "-" is WAV
  bool dither = true;                                       // integers only
  std::uint64_t dither_seed = 0;
  ClipPolicy clip = ClipPolicy::error;
  std::string text =
      {};  // at most kMaxAudioTextBytes of UTF-8 without NUL; WAV: ICMT, FLAC: COMMENT
};

struct AudioWriteReport {
  std::int64_t frames = 0;
  std::int64_t clipped_samples = 0;  // |x| > 1. float32 keeps them as they are.
  double peak = 0.0;                 // of |x|, before clamping
};

class AudioFileWriter {
 public:
  // Throws Error{usage} for options that make no sense or do not fit the container, Error{io} if
  // the target cannot be written.
  AudioFileWriter(const std::string& path, const AudioWriteOptions& options);
  // Without finish(): throws the temporary file away.
  ~AudioFileWriter();
  AudioFileWriter(AudioFileWriter&&) noexcept;
  AudioFileWriter& operator=(AudioFileWriter&&) noexcept;

  // Any cutting into blocks gives the same bytes. Throws Error{bad_input} naming the frame of a NaN
  // or infinity, Error{io} if not every byte was taken. After an error only destruction is left.
  void write(ConstFrames block);
  // So far. A caller that wants to rescale reads the peak here and writes a second file.
  const AudioWriteReport& report() const noexcept;
  // Completes the file and gives it its name. Throws Error{threshold} if samples were clipped and
  // the policy is `error` (integer formats only: float loses nothing), Error{io} if the file could
  // not be completed; then there is no file.
  AudioWriteReport finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ondes
