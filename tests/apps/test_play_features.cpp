// `ondes play` of mels, on the device that is only a clock, as fast as it can.
#include <catch2/catch.hpp>

#include "dsp/audio_file.h"
#include "engine/weights/mel_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/telemetry_lines.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

std::string golden(const std::string& name) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/torch/" + name;
}

// An imported vocoder, and frames for it that say nothing about how they were made, as x.npy.
struct VocoderRig : OndesRig {
  VocoderRig(const std::string& name, int mels, int frames) {
    const ProgramResult result = run({"import", golden(name + ".pt"), "--config",
                                      golden(name + ".json"), "-o", "vocoder.safetensors"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    Mel mel;
    mel.mels = mels;
    mel.frames = frames;
    for (int i = 0; i < mels * frames; ++i) {
      mel.values.push_back(-4.0F + 3.0F * static_cast<float>(i * 7919 % 101) / 101.0F);
    }
    write_bytes(folder.file("x.npy"), write_mel_npy(mel));
  }
  ProgramResult play(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{
        "play", "x.npy",   "--voice", "vocoder", "--audio-device", "clock",     "--speed",
        "0",    "--quiet", "--json",  "--force", "--record",       "played.wav"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  std::vector<float> rendered(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"render", "x.npy", "-o", "offline.wav", "--voice", "vocoder",
                               "--bits", "32f", "--force"});
    const ProgramResult result = run(more);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return read_audio_file(folder.file("offline.wav")).samples;
  }
  // The left channel; the right one is the same.
  std::vector<float> played() const {
    const AudioClip clip = read_audio_file(folder.file("played.wav"));
    REQUIRE(clip.info.channels == 2);
    std::vector<float> left;
    for (std::size_t i = 0; i < clip.samples.size(); i += 2) {
      left.push_back(clip.samples[i]);
      REQUIRE(clip.samples[i] == clip.samples[i + 1]);
    }
    return left;
  }
};

bool begins_with(const std::vector<float>& all, const std::vector<float>& beginning) {
  return all.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), all.begin());
}

}  // namespace

TEST_CASE(
    "a voice that makes a sample a step of its mels is played as it is rendered, seed by seed") {
  for (const std::string name : {"nv_wavenet", "r9y9_upsampled"}) {
    CAPTURE(name);
    const VocoderRig rig(name, 3, 500);
    const ProgramResult result = rig.play({"--seed", "7"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const std::vector<float> offline = rig.rendered({"--seed", "7"});
    CHECK(begins_with(rig.played(), offline));
    CHECK_FALSE(begins_with(rig.played(), rig.rendered({"--seed", "8"})));
    const json last = last_line(result.out);
    CHECK(last["played_frames"] == offline.size());
    CHECK(last["finished"] == true);
    CHECK(last["duration_s"].get<double>() * last["rate"].get<int>() ==
          Approx(static_cast<double>(offline.size())));
  }
}

TEST_CASE("such a voice begins in the middle, at another temperature") {
  const VocoderRig rig("nv_wavenet", 3, 500);  // half a second
  const ProgramResult result = rig.play({"--start", "0.25", "--temperature", "0"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json last = last_line(result.out);
  CHECK(last["played_frames"] == 2000);
  CHECK(last["temperature"] == 0.0);
  CHECK(last["position_s"].get<double>() == Approx(0.5));
}

TEST_CASE("a generator is played as it is rendered, and from the middle gives the samples there") {
  const VocoderRig rig("hifigan_1", 4, 4000);
  const std::vector<float> offline = rig.rendered();
  const ProgramResult whole = rig.play({});
  INFO(whole.err);
  REQUIRE(whole.exit_code == 0);
  CHECK(begins_with(rig.played(), offline));
  const int rate_hz = last_line(whole.out)["rate"].get<int>();
  const auto from = static_cast<std::ptrdiff_t>(offline.size() / 2);
  const ProgramResult half =
      rig.play({"--start", std::to_string((static_cast<double>(from) + 0.5) / rate_hz)});
  REQUIRE(half.exit_code == 0);
  CHECK(begins_with(rig.played(), {offline.begin() + from, offline.end()}));
}

TEST_CASE("a mel that does not say how it was made is played with the warnings of a render") {
  const VocoderRig rig("nv_wavenet", 3, 100);
  Mel odd;
  odd.mels = 3;
  odd.frames = 100;
  odd.values.assign(300, 1000.0F);
  write_bytes(rig.folder.file("odd.npy"), write_mel_npy(odd));
  for (const std::string input : {"x.npy", "odd.npy"}) {
    const ProgramResult rendered =
        rig.run({"render", input, "-o", "out.wav", "--voice", "vocoder", "--force"});
    const ProgramResult played = rig.run({"play", input, "--voice", "vocoder", "--audio-device",
                                          "clock", "--speed", "0", "--quiet"});
    INFO(played.err);
    REQUIRE(rendered.exit_code == 0);
    REQUIRE(played.exit_code == 0);
    for (const std::string warning :
         {"the mel does not say how it was made", "warning: this is hardly a mel"}) {
      CHECK((played.err.find(warning) != std::string::npos) ==
            (rendered.err.find(warning) != std::string::npos));
    }
    check_contains(played.err, {"the mel does not say how it was made"});
  }
}

TEST_CASE("options that a voice of mels does not have are refused, as in a render") {
  const VocoderRig rig("hifigan_1", 4, 10);
  for (const std::vector<std::string>& option :
       {std::vector<std::string>{"--temperature", "0.5"}, {"--tempo", "2"}, {"--speaker", "0"}}) {
    const ProgramResult result = rig.play(option);
    CHECK(result.exit_code == 2);
    check_contains(result.err, {option[0]});
  }
}
