#include <catch2/catch.hpp>

#include "dsp/chroma.h"
#include "dsp/feature_rows_internal.h"
#include "dsp/mel_cepstrum.h"
#include "dsp/mfcc.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

// `analysis` is what messages begin with.
template <typename Analysis>
void check_refusals(Analysis analysis, const std::string& name, int channels) {
  const std::vector<float> x(8000, 0.25F);
  const auto frames = static_cast<int>(analysis.frames(std::ssize(x)));
  std::vector<float> room(static_cast<std::size_t>((frames + 1) * (channels + 1)));
  const auto refused = [&](int rows, int width) {
    check_contains(message_of(ErrorCode::usage,
                              [&] { analysis.analyze(x, Frames(room.data(), rows, width)); }),
                   {name + ": output: expected " + std::to_string(frames) + " frames of " +
                        std::to_string(channels),
                    "found " + std::to_string(rows) + " of " + std::to_string(width)});
  };
  refused(frames - 1, channels);
  refused(frames + 1, channels);
  refused(frames, channels - 1);
  refused(frames, channels + 1);
  analysis.analyze(x, Frames(room.data(), frames, channels));
  room.resize(static_cast<std::size_t>(frames * channels));
  CHECK(room == analysis.analyze(x));
}

}  // namespace

TEST_CASE("every analysis refuses rows of another shape by name, and fills its own") {
  const MfccConfig mfcc = *mfcc_profile("librosa", 16000);
  check_refusals(LogMel(mfcc.mel), "log-mel", mfcc.mel.bank.mels);
  check_refusals(Mfcc(mfcc), "MFCC", mfcc.coefficients);
  check_refusals(Chroma(ChromaConfig{}), "chroma", ChromaConfig{}.classes);
  check_refusals(MelCepstrum(MelCepstrumConfig{}), "mel-cepstrum", MelCepstrumConfig{}.order + 1);
}

TEST_CASE("more frames than a view can have are refused before they are made") {
  const auto make = [](std::int64_t frames) {
    return written_rows("anything", frames, 1, [](Frames) { FAIL("nothing to write to"); });
  };
  check_contains(message_of(ErrorCode::usage, [&] { make(std::int64_t{1} << 31); }),
                 {"anything: signal", "2^31 frames"});
}
