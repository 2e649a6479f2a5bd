// The end of a render: from mix to file, with change of rate, loudness, rescaling.
//
// One pass (mix -> resampler -> writer) where nothing has to be known about the whole; else two,
// the first into a nameless float file. gain = 10^((wanted - measured LUFS) / 20), then so much
// less that the peak stays below full scale, where rescaling was asked for.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/scratch_file.h"
#include "dsp/audio_file.h"
#include "dsp/loudness.h"
#include "dsp/resample.h"

namespace ondes {

struct MixSinkOptions {
  int mix_rate_hz = 0;
  int file_rate_hz = 0;
  int channels = 2;
  AudioContainer container = AudioContainer::by_extension;
  SampleFormat format = SampleFormat::pcm24;
  bool dither = true;
  std::uint64_t dither_seed = 0;
  bool rescale = false;
  ClipPolicy clip = ClipPolicy::clamp;
  std::optional<double> lufs;
  std::string text;
};

struct MixSinkReport {
  AudioWriteReport file;
  double gain_db = 0.0;
  std::optional<double> lufs;  // measured before the gain, where that was wanted and possible
  bool unmeasured = false;     // wanted, but the clip is too short or too quiet; the gain is 0 dB
  bool limited = false;        // the peak kept the file below the loudness wanted
};

class MixSink {
 public:
  // Opens what it writes to at once, so that an unwritable place is found before the work. Throws
  // Error.
  MixSink(const std::string& output,
          const std::filesystem::path& scratch_folder,
          const MixSinkOptions& options);

  void add(ConstFrames mix);
  MixSinkReport finish();

 private:
  void open_writer();
  void take(ConstFrames block);
  double choose_gain(MixSinkReport* report) const;
  void second_pass(float gain);

  std::string output_;
  MixSinkOptions options_;
  std::optional<Resampler> resampler_;
  std::vector<float> resampled_;
  std::optional<AudioFileWriter> writer_;
  std::unique_ptr<ScratchFile> scratch_;  // null: one pass
  std::optional<LoudnessMeter> meter_;
  double peak_ = 0.0;
};

}  // namespace ondes
