// `ondes import --calibrate`, 8 bits of the voice it makes, and speakers, as a user runs them.
#include <catch2/catch.hpp>

#include "dsp/audio_file.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"
#include "tests/support/ondes_program.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kFrames = 40;
constexpr int kSpeakers = 3;

// Three speakers; 5 bands, a hop of 10.
HifiganConfig generator_config() {
  HifiganConfig config = small_hifigans().back().second;
  config.upsample_initial_channel = 64;  // enough for 8 bits to be used
  return config;
}

json description() {
  MelContract mel;
  mel.sample_rate_hz = 8000;
  mel.fft_size = mel.window_samples = 64;
  mel.hop_samples = generator_config().hop_samples();
  mel.mels = generator_config().mel_bands;
  mel.fmax_hz = 4000.0;
  return {{"schema", kVoiceSchema},
          {"name", "crowd"},
          {"architecture", "hifigan"},
          {"sample_rate", mel.sample_rate_hz},
          {"config", hifigan_config_to_json(generator_config())},
          {"features", mel_contract_to_json(mel)}};
}

// OndesRig with crowd.safetensors, a generator of three speakers, and a mel.
struct CrowdRig : OndesRig {
  CrowdRig() {
    write_bytes(folder.file("crowd.safetensors"),
                write_voice(description(), random_hifigan_tensors(generator_config(), 4)));
    mel.mels = generator_config().mel_bands;
    mel.frames = kFrames;
    mel.values = random_mel(kFrames, mel.mels, 6);
    write_bytes(folder.file("x.npy"), write_mel_npy(mel));
  }
  void done(const std::vector<std::string>& arguments, const ProgramOptions& options = {}) const {
    const ProgramResult result = run(arguments, options);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  }
  void calibrate(const std::string& output) const {
    done({"import", "crowd.safetensors", "-o", output, "--calibrate", "x.npy"});
  }
  std::vector<float> samples_of(const std::string& name) const {
    return read_audio_file(folder.file(name)).samples;
  }
  std::vector<float> judged(int speaker) const {
    const VoiceFile voice = open_voice(folder.file("crowd.safetensors"));
    const ConstFrames view(mel.values.data(), kFrames, mel.mels);
    return evaluate_block_plan(compile_hifigan(voice, speaker), {&view, 1});
  }

  Mel mel;
};

}  // namespace

TEST_CASE("a calibrated voice plays in 8 bits: the same bytes for threads, machines, a rerender") {
  const CrowdRig rig;
  rig.calibrate("crowd8.safetensors");
  const std::vector<std::string> render{"render",      "x.npy", "--voice", "crowd8",
                                        "--precision", "i8",    "--force", "-o"};
  const auto to = [&](const std::string& output, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = render;
    arguments.push_back(output);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  rig.done(to("a.wav", {"--threads", "1"}));
  rig.done(to("b.wav", {"--threads", "2"}));
  CHECK(rig.bytes("a.wav") == rig.bytes("b.wav"));
  ProgramOptions scalar;
  scalar.environment.push_back({"ONDES_FORCE_ISA", "scalar"});
  rig.done(to("c.wav"), scalar);
  CHECK(rig.bytes("a.wav") == rig.bytes("c.wav"));
  check_contains(rig.run({"rerender", "a.wav", "-o", "d.wav"}).err, {"identical to the original"});
  const std::vector<float> found = rig.samples_of("a.wav");
  REQUIRE(found.size() == rig.judged(0).size());
  // Random weights: near, and not the same.
  CHECK(largest_difference(found, rig.judged(0)) < 0.2F * peak_of(rig.judged(0)));
  CHECK(largest_difference(found, rig.judged(0)) > 1e-6F);
}

TEST_CASE("info says which voice is calibrated, and with what; calibrating anew gives the same") {
  const CrowdRig rig;
  rig.calibrate("once.safetensors");
  const auto info = [&](const std::string& name) {
    return json::parse(rig.run({"info", name, "--json"}).out);
  };
  CHECK(info("crowd.safetensors").at("calibrated_for_i8") == false);
  const json once = info("once.safetensors");
  CHECK(once.at("calibrated_for_i8") == true);
  CHECK(once.at("calibration").at("clips").at(0).at("file") == "x.npy");
  CHECK(once.at("calibration").at("clips").at(0).at("frames") == kFrames);
  rig.done({"import", "once.safetensors", "-o", "twice.safetensors", "--calibrate", "x.npy"});
  CHECK(rig.bytes("once.safetensors") == rig.bytes("twice.safetensors"));
  rig.done({"import", "once.safetensors", "-o", "renamed.safetensors", "--name", "choir"});
  CHECK(info("renamed.safetensors").at("calibrated_for_i8") == true);
  CHECK(info("renamed.safetensors").at("name") == "choir");
}

TEST_CASE("what cannot be calibrated, or not with that, is refused and leaves nothing behind") {
  const CrowdRig rig;
  Mel other = rig.mel;
  other.mels = 4;
  other.frames = kFrames * rig.mel.mels / 4;
  write_bytes(rig.folder.file("four.npy"), write_mel_npy(other));
  const auto names = rig.folder.names();
  const auto refused = [&](const std::string& voice, const std::string& clip) {
    return rig.run({"import", voice, "-o", "out.safetensors", "--calibrate", clip});
  };
  const ProgramResult bands = refused("crowd.safetensors", "four.npy");
  CHECK(bands.exit_code == 3);
  check_contains(bands.err, {"four.npy", "5"});
  const ProgramResult notes = refused("voice.safetensors", "x.npy");
  CHECK(notes.exit_code == 2);
  check_contains(notes.err, {"--calibrate", "generator that takes mels"});
  CHECK(refused("crowd.safetensors", "none.npy").exit_code == 4);
  const ProgramResult config =
      rig.run({"import", "crowd.safetensors", "-o", "out.safetensors", "--config", "x.json"});
  CHECK(config.exit_code != 0);
  CHECK(rig.folder.names() == names);
}

TEST_CASE("names of speakers are as many as there are, none empty, twice or a number") {
  const CrowdRig rig;
  const auto refused = [&](const std::string& voice, const std::string& names) {
    const ProgramResult result =
        rig.run({"import", voice, "-o", "out.safetensors", "--speaker-names", names});
    CHECK(result.exit_code == 2);
    CHECK_FALSE(rig.exists("out.safetensors"));
    return result.err;
  };
  const std::string crowd = "crowd.safetensors";
  check_contains(refused(crowd, "ann,,cy"), {"--speaker-names 'ann,,cy'", "an empty one"});
  check_contains(refused(crowd, "ann,bo,"), {"an empty one"});
  check_contains(refused(crowd, "ann,1,cy"), {"the number '1'", "--speaker"});
  check_contains(refused(crowd, "ann,bo,ann"), {"'ann' twice"});
  check_contains(refused(crowd, "ann,bo"), {"expected 3 names, a speaker each, found 2"});
  check_contains(refused(crowd, "a,b,c,d"), {"expected 3 names, a speaker each, found 4"});
  check_contains(refused("voice.safetensors", "ann"), {"no speakers to name"});
}

TEST_CASE("a speaker is chosen by number or by name, stays in the recipe, and must be there") {
  const CrowdRig rig;
  const std::string named = "named.safetensors";
  rig.done({"import", "crowd.safetensors", "-o", named, "--speaker-names", "ann,bo,cy"});
  const auto render = [&](const std::string& speaker, const std::string& output) {
    return rig.run(
        {"render", "x.npy", "-o", output, "--voice", named, "--bits", "32f", "--speaker", speaker});
  };
  for (const auto& [speaker, row] :
       {std::pair{"0", 0}, {"1", 1}, {"2", 2}, {"cy", 2}, {"ann", 0}}) {
    INFO(speaker);
    const std::string output = std::string("speaker_") + speaker + ".wav";
    REQUIRE(render(speaker, output).exit_code == 0);
    // The activations' polynomials.
    CHECK(largest_difference(rig.samples_of(output), rig.judged(row)) < 2e-5F);
  }
  CHECK(largest_difference(rig.judged(0), rig.judged(1)) > 1e-3F);
  check_contains(rig.run({"rerender", "speaker_cy.wav"}).err, {"identical to the original"});
  for (const std::string wrong : {"3", "-1", "dora"}) {
    INFO(wrong);
    const ProgramResult result = render(wrong, "out.wav");
    CHECK(result.exit_code == 2);
    check_contains(result.err, {"--speaker", "0 to 2", "ann, bo, cy"});
  }
  const json info = json::parse(rig.run({"info", named, "--json"}).out);
  CHECK(info.at("speaker_count") == kSpeakers);
  CHECK(info.at("speakers").at(1) == "bo");
  const ProgramResult none = rig.render("out.wav", {"--speaker", "0"});
  CHECK(none.exit_code == 2);
  check_contains(none.err, {"--speaker", "no speakers"});
  CHECK_FALSE(rig.exists("out.wav"));
}

TEST_CASE("the trained V3 generator: 8 bits near f32 on its calibration mel, as the report says") {
  const auto data = test_data();
  if (!data) {
    WARN("SKIPPED: no test data");
    return;
  }
  const OndesRig rig;
  const auto folder = *data / "hifigan_v3_ljspeech";
  const std::string mel = (folder / "LJ050-0030.mel.npy").string();
  const ProgramResult result = rig.run({"import", (folder / "generator.safetensors").string(), "-o",
                                        "v3.safetensors", "--calibrate", mel, "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json report = json::parse(result.out).at("calibration");
  CHECK(report.at("clips").at(0).at("file") == "LJ050-0030.mel.npy");
  // Seen 20 dB, 0.5 and 2 dB on a clip that was not heard (tests/models/test_hifigan_streaming.cpp).
  CHECK(report.at("i8").at("signal_to_error_db") > 18.0);
  CHECK(report.at("i8").at("stft_distance") < 0.55);
  CHECK(report.at("i8").at("log_spectral_difference_db") < 2.6);
  CHECK(report.at("dithered_16_bits").at("signal_to_error_db") > 65.0);
  const ProgramResult rendered = rig.run({"render", (folder / "LJ050-0029.mel.npy").string(), "-o",
                                          "out.wav", "--voice", "v3", "--precision", "i8"});
  INFO(rendered.err);
  CHECK(rendered.exit_code == 0);
  check_contains(rendered.err, {"i8"});
}
