// Arbitrary bytes as a sound file: WAV, AIFF, FLAC, OGG, MP3 and whatever else libsndfile knows.
//
// Every refusal must be an Error; whatever is accepted must keep the promises of dsp/audio_file.h.
// Findings inside libsndfile and its decoders count as findings: it is our reader that hands them
// the bytes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "dsp/audio_file.h"
#include "engine/error.h"

namespace {

// A few bytes can promise hours of silence; what comes after the first second or so of frames takes
// the same way again.
constexpr std::int64_t kMaxFrames = 1 << 17;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void read_all(std::span<const std::byte> bytes) {
  ondes::AudioFileReader reader(bytes, "fuzz");
  const ondes::AudioInfo& info = reader.info();
  require(info.channels > 0 && info.sample_rate_hz > 0 && info.frames >= -1);
  require(info.text.size() <= ondes::kMaxAudioTextBytes);
  constexpr int kBlockFrames = 1021;
  std::vector<float> block(static_cast<std::size_t>(kBlockFrames) *
                           static_cast<std::size_t>(info.channels));
  std::int64_t frames = 0;
  while (frames < kMaxFrames) {
    const int got = reader.read({block.data(), kBlockFrames, info.channels});
    require(got >= 0 && got <= kBlockFrames);
    for (std::size_t i = 0;
         i < static_cast<std::size_t>(got) * static_cast<std::size_t>(info.channels); ++i) {
      require(std::isfinite(block[i]));
    }
    frames += got;
    if (got < kBlockFrames) {
      break;
    }
  }
  require(info.frames < 0 || frames <= info.frames);
}

}  // namespace

// libsndfile 1.2.0 loses a few kilobytes of libvorbis's where a Vorbis header is damaged: nothing that
// a reader could free. Everything else that leaks is a finding.
extern "C" const char*
__lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): its name
  return "leak:vorbis_info_init\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_all(std::as_bytes(std::span{data, size}));
  } catch (const ondes::Error& error) {
    require(error.code() == ondes::ErrorCode::bad_input || error.code() == ondes::ErrorCode::io);
  }
  return 0;
}
