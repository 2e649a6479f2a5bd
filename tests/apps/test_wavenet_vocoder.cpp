// `ondes render` of a mel with an imported WaveNet.
#include <catch2/catch.hpp>
#include <cmath>

#include "dsp/audio_file.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "engine/weights/voice_file.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kHop = 8;  // of the golden files
constexpr int kBands = 3;

std::string golden(const std::string& name) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/torch/" + name;
}

std::vector<float> load(const std::string& name) {
  return read_npy_floats(golden(name)).values;
}

// Imported `name`, and its golden frames as x.npy.
struct VocoderRig : OndesRig {
  explicit VocoderRig(const std::string& name) {
    const ProgramResult result = run({"import", golden(name + ".pt"), "--config",
                                      golden(name + ".json"), "-o", "wavenet.safetensors"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    Mel mel;
    mel.values = load(name + ".frames.npy");
    mel.mels = kBands;
    mel.frames = static_cast<std::int64_t>(mel.values.size()) / kBands;
    write_bytes(folder.file("x.npy"), write_mel_npy(mel));
  }
  ProgramResult render_it(const std::string& output, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"render",  "x.npy",   "-o",     output,
                                       "--voice", "wavenet", "--bits", "32f"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
};

}  // namespace

TEST_CASE("a mel through an imported WaveNet, the likeliest class always: PyTorch's samples") {
  for (const std::string name : {"nv_wavenet", "r9y9_upsampled"}) {
    CAPTURE(name);
    const VocoderRig rig(name);
    const ProgramResult result = rig.render_it("out.wav", {"--temperature", "0", "--json"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const std::vector<float> found = read_audio_file(rig.folder.file("out.wav")).samples;
    const std::vector<float> expected = load(name + ".greedy.npy");
    REQUIRE(found.size() == expected.size());
    // The same classes, their decoding rounded twice.
    CHECK(largest_difference(found, expected) < 1e-6F);
    CHECK(json::parse(result.out).at("outputs").at(0).at("channels") == 1);
  }
}

TEST_CASE("a seed gives the same bytes for any threads and in a rerender; another seed others") {
  const VocoderRig rig("r9y9_conv_in");
  for (const std::string precision : {"f32", "i16", "i8"}) {
    CAPTURE(precision);
    const auto render = [&](const std::string& output, const char* seed, const char* threads) {
      const ProgramResult result = rig.render_it(
          output, {"--seed", seed, "--threads", threads, "--precision", precision, "--force"});
      INFO(result.err);
      REQUIRE(result.exit_code == 0);
    };
    render("a.wav", "7", "1");
    render("b.wav", "7", "2");
    render("c.wav", "8", "1");
    CHECK(rig.bytes("a.wav") == rig.bytes("b.wav"));
    CHECK(rig.bytes("a.wav") != rig.bytes("c.wav"));
    check_contains(rig.run({"rerender", "a.wav", "--force"}).err, {"identical to the original"});
  }
}

TEST_CASE("a voice whose mels were normalised by nobody knows what refuses what it would garble") {
  const VocoderRig rig("r9y9_conv_in");
  const ProgramResult played = rig.render_it("out.wav", {"--temperature", "0"});
  INFO(played.err);
  CHECK(played.exit_code == 0);
  check_contains(played.err, {"normalised by the mean and variance", "do not tell"});
  REQUIRE(rig.render("sound.wav", {"--tail", "0.1"}).exit_code == 0);
  const VoiceFile voice = open_voice(rig.folder.file("wavenet.safetensors"));
  Mel analysed;
  analysed.contract = mel_contract_from_json(voice.description->at("features"), "wavenet");
  analysed.mels = kBands;
  analysed.frames = 4;
  analysed.values.assign(4 * kBands, -3.0F);
  write_bytes(rig.folder.file("analysed.safetensors"), write_mel_safetensors(analysed));
  for (const std::string input : {"sound.wav", "analysed.safetensors"}) {
    const ProgramResult refused = rig.run({"render", input, "-o", "no.wav", "--voice", "wavenet"});
    CHECK(refused.exit_code == 3);
    check_contains(refused.err, {input, "normalised by a mean and a variance", ".npy"});
    CHECK_FALSE(rig.exists("no.wav"));
  }
  // nv-wavenet's mels are Tacotron 2's, as they come.
  const VocoderRig other("nv_wavenet");
  CHECK(other.run({"render", "x.npy", "-o", "out.wav", "--voice", "wavenet"})
            .err.find("normalised") == std::string::npos);
}

TEST_CASE("info explains an imported WaveNet, and what it does not have is refused") {
  const VocoderRig rig("r9y9_conv_in");
  const json info = json::parse(rig.run({"info", "wavenet.safetensors", "--json"}).out);
  CHECK(info.at("architecture") == "wavenet");
  CHECK(info.at("macs_per_sample") > 0);
  // conv_in sees two frames ahead; of two more stages' filters one frame and the half of one.
  CHECK(info.at("latency_frames") == 4);
  check_contains(rig.run({"voices"}).out, {"wavenet", "takes mels"});
  for (const std::vector<std::string>& option :
       {std::vector<std::string>{"--program", "0=piano"}, {"--tail", "1"}, {"--speaker", "0"}}) {
    const ProgramResult result = rig.render_it("out.wav", option);
    CHECK(result.exit_code == 2);
    check_contains(result.err, {option[0]});
  }
  const ProgramResult calibrate =
      rig.run({"import", "wavenet.safetensors", "-o", "out.safetensors", "--calibrate", "x.npy"});
  CHECK(calibrate.exit_code == 2);
  CHECK_FALSE(rig.exists("out.wav"));
}
