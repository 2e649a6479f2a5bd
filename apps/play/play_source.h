// Inputs as sources of a stream: scores, mels and sounds, through a voice.
//
// Everything is loaded and prepared on the control thread; on the render thread a source neither
// reads files nor allocates.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/file_kind.h"
#include "apps/render_options.h"
#include "apps/score_file.h"
#include "apps/voices.h"
#include "engine/stream/score_source.h"
#include "engine/stream/stream_source.h"

namespace ondes {

// What a stream needs to know before it begins.
struct PlayInput {
  std::string name;
  FileKind kind = FileKind::score;
  double duration_s = 0.0;             // with the tail, at tempo 1
  std::shared_ptr<const Score> score;  // of a score
  std::vector<float> features;         // (frames, channels) of a mel or a sound
  int feature_channels = 0;
  double feature_rate_hz = 0.0;
  std::vector<std::string> remarks;
};

// Throws as loading and rehearsing do.
std::shared_ptr<const PlayInput> load_play_input(const std::string& path,
                                                 const Voice& voice,
                                                 const RenderOptions& options);

struct PlaySettings {
  RenderOptions render;        // seed, temperature, programs, precision, threads, lanes, gain
  ScorePosition position;      // start; tempo of scores only
  int sample_rate_hz = 48000;  // of the stream
  int block_frames = 256;      // of the stream
};

// A source at the stream's rate, in stereo. Throws Error{usage} where the voice does not take the
// input.
std::unique_ptr<StreamSource> make_play_source(const std::shared_ptr<const Voice>& voice,
                                               const std::shared_ptr<const PlayInput>& input,
                                               const PlaySettings& settings);

// A voice's part of a source of its own.
SynthVoice make_synth_voice(const std::shared_ptr<const Voice>& voice,
                            const RenderOptions& options,
                            int max_lanes,
                            int block_frames);
SynthOptions make_synth_options(const Voice& voice, const RenderOptions& options);

// The source at another rate (RateSource); itself if the rates are equal.
std::unique_ptr<StreamSource> at_rate(std::unique_ptr<StreamSource> source, int sample_rate_hz);

}  // namespace ondes
