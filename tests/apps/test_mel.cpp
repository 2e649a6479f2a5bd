#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "dsp/audio_file.h"
#include "dsp/log_mel.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "models/mel_analysis.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 22050;
constexpr int kSamples = 11111;

std::vector<float> tone(int samples, int rate_hz, double hz) {
  std::vector<float> x(static_cast<std::size_t>(samples));
  for (int n = 0; n < samples; ++n) {
    x[static_cast<std::size_t>(n)] =
        static_cast<float>(0.4 * std::sin(2.0 * std::numbers::pi * hz * n / rate_hz));
  }
  return x;
}

void write_tone(const std::string& path, int rate_hz, int channels, int samples) {
  AudioFileWriter writer(
      path, {.sample_rate_hz = rate_hz, .channels = channels, .format = SampleFormat::float32});
  const std::vector<float> mono = tone(samples, rate_hz, 440.0);
  std::vector<float> all;
  for (const float value : mono) {
    for (int c = 0; c < channels; ++c) {
      all.push_back(channels == 1 ? value : c == 0 ? 2.0F * value : 0.0F);  // the mean is exact
    }
  }
  writer.write({all.data(), samples, channels});
  writer.finish();
}

struct MelRig : OndesRig {
  MelRig() { write_tone(folder.file("in.wav"), kRateHz, 1, kSamples); }
  ProgramResult mel(const std::string& input,
                    const std::string& output,
                    const std::vector<std::string>& more = {},
                    const ProgramOptions& options = {}) const {
    std::vector<std::string> arguments{"mel", input, "-o", output};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, options);
  }
  Mel read(const std::string& name, const std::string& profile) const {
    return open_mel(folder.file(name), mel_contract_of(*mel_profile(profile)));
  }
  void check_refused(const ProgramResult& result,
                     int exit_code,
                     std::initializer_list<std::string> named) const {
    INFO(result.err);
    CHECK(result.exit_code == exit_code);
    check_contains(result.err, named);
    CHECK_FALSE(exists("out.npy"));
  }
};

std::vector<float> expected(const std::string& profile, const std::string& path) {
  return LogMel(*mel_profile(profile)).analyze(read_audio_file(path).samples);
}

}  // namespace

TEST_CASE("a profile's mel is written as .npy and, with its contract, as .safetensors") {
  const MelRig rig;
  const std::vector<float> wanted = expected("hifigan", rig.folder.file("in.wav"));
  for (const std::string name : {"out.npy", "out.safetensors"}) {
    const ProgramResult result = rig.mel("in.wav", name);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const Mel mel = rig.read(name, "hifigan");
    CHECK(mel.frames == kSamples / 256);
    CHECK(mel.values == wanted);
    CHECK(mel.contract.has_value() == (name == "out.safetensors"));
  }
}

TEST_CASE("every profile runs, and every option changes the contract") {
  const MelRig rig;
  for (const std::string& profile : mel_profile_names()) {
    const ProgramResult result = rig.mel("in.wav", profile + ".safetensors",
                                         {"--profile", profile, "--rate", "22050", "--json"});
    INFO(profile << ": " << result.err);
    REQUIRE(result.exit_code == 0);
    const auto json = nlohmann::json::parse(result.out);
    MelContract contract = mel_contract_of(*mel_profile(profile));
    if (contract.fmax_hz * 2.0 == contract.sample_rate_hz) {
      contract.fmax_hz = kRateHz / 2.0;  // the Nyquist frequency stays the Nyquist frequency
    }
    contract.sample_rate_hz = kRateHz;
    CHECK(mel_contract_from_json(json["features"], "json") == contract);
    CHECK(json["files"][0]["mels"] == contract.mels);
  }
  const auto changed = [&rig](const std::string& option, const std::string& value) {
    const ProgramResult result =
        rig.mel("in.wav", "x.safetensors", {option, value, "--json", "--force"});
    INFO(option << ": " << result.err);
    REQUIRE(result.exit_code == 0);
    const MelContract found =
        mel_contract_from_json(nlohmann::json::parse(result.out)["features"], "json");
    const auto differences = mel_differences(MelContract(), found);
    REQUIRE(differences.size() == 1);
    return differences.front().field;
  };
  CHECK(changed("--hop", "300") == "hop");
  CHECK(changed("--window", "800") == "window");
  CHECK(changed("--window-shape", "hamming") == "window_shape");
  CHECK(changed("--mels", "40") == "mels");
  CHECK(changed("--fmin", "50") == "fmin");
  CHECK(changed("--fmax", "7600") == "fmax");
  CHECK(changed("--scale", "htk") == "scale");
  CHECK(changed("--norm", "none") == "norm");
  CHECK(changed("--magnitude", "power") == "magnitude");
  CHECK(changed("--epsilon", "0") == "magnitude_epsilon");
  CHECK(changed("--log", "log10") == "log");
  CHECK(changed("--floor", "1e-7") == "floor");
  CHECK(changed("--padding", "centre_reflect") == "padding");
  CHECK(changed("--top-db", "80") == "top_db");
  CHECK(changed("--pre-emphasis", "0.97") == "pre_emphasis");
  CHECK(changed("--remove-dc", "true") == "removes_dc");
  CHECK(changed("--sample-scale", "32768") == "sample_scale");
}

TEST_CASE("top_db looks at the whole file, as the analysis at once does") {
  const MelRig rig;
  REQUIRE(rig.mel("in.wav", "out.npy", {"--profile", "librosa"}).exit_code == 0);
  CHECK(rig.read("out.npy", "librosa").values == expected("librosa", rig.folder.file("in.wav")));
}

TEST_CASE("stereo is analysed as its mean, with a note") {
  const MelRig rig;
  write_tone(rig.folder.file("stereo.wav"), kRateHz, 2, kSamples);
  const ProgramResult result = rig.mel("stereo.wav", "out.npy");
  REQUIRE(result.exit_code == 0);
  check_contains(result.err, {"stereo.wav", "2 channels"});
  CHECK(rig.read("out.npy", "hifigan").values == expected("hifigan", rig.folder.file("in.wav")));
}

TEST_CASE("another sample rate is refused with the hint, and resampled where --rate asks for it") {
  const MelRig rig;
  write_tone(rig.folder.file("fast.wav"), 44100, 1, 2 * kSamples);
  rig.check_refused(rig.mel("fast.wav", "out.npy"), 3,
                    {"fast.wav", "22050", "44100", "--rate 22050"});
  const ProgramResult result = rig.mel("fast.wav", "out.npy", {"--rate", "22050"});
  REQUIRE(result.exit_code == 0);
  check_contains(result.err, {"resampled from 44100 to 22050"});
  const Mel mel = rig.read("out.npy", "hifigan");
  CHECK(mel.frames == kSamples / 256);
  const std::vector<float> wanted = expected("hifigan", rig.folder.file("in.wav"));
  // The band of the tone, in the middle of the clip: the same tone at another rate. The resampler
  // is transparent to 28 bits, the phase differs by nothing.
  const std::size_t middle = static_cast<std::size_t>(mel.frames / 2) * 80;
  const auto band = std::max_element(wanted.begin() + static_cast<std::ptrdiff_t>(middle),
                                     wanted.begin() + static_cast<std::ptrdiff_t>(middle) + 80);
  CHECK(mel.values[static_cast<std::size_t>(band - wanted.begin())] == Approx(*band).margin(1e-4));
}

TEST_CASE("several files go to a folder, and standard output takes one") {
  const MelRig rig;
  write_tone(rig.folder.file("b.wav"), kRateHz, 1, 5000);
  const ProgramResult result = rig.run({"mel", "in.wav", "b.wav", "-o", "mels/"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(rig.read("mels/b.npy", "hifigan").frames == 5000 / 256);
  CHECK(rig.read("mels/in.npy", "hifigan").frames == kSamples / 256);
  const ProgramResult piped = rig.mel("in.wav", "-");
  REQUIRE(piped.exit_code == 0);
  CHECK(piped.out == rig.bytes("mels/in.npy"));
  rig.check_refused(rig.run({"mel", "in.wav", "b.wav", "-o", "out.npy"}), 2, {"folder"});
  rig.check_refused(rig.mel("in.wav", "-", {"--json"}), 2, {"standard output"});
}

TEST_CASE("options that make no analysis are usage errors") {
  const MelRig rig;
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--profile", "hifi"}), 2, {"--profile"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--scale", "bark"}), 2, {"--scale"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--fmax", "12000"}), 2, {"fmax", "12000"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--fmin", "nan"}), 2, {"fmin"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--hop", "0"}), 2, {"hop"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--fft", "1001"}), 2, {"fft"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--window", "2048"}), 2, {"window"});
  rig.check_refused(rig.mel("in.wav", "out.png"), 2, {"out.png", ".npy"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--progress", "loud"}), 2, {"loud"});
}

TEST_CASE("bad input, too little of it and voices without mels exit with 3") {
  const MelRig rig;
  rig.check_refused(rig.mel("score.mid", "out.npy"), 3, {"score.mid"});
  write_tone(rig.folder.file("short.wav"), kRateHz, 1, 255);
  rig.check_refused(rig.mel("short.wav", "out.npy"), 3, {"short.wav", "255"});
  rig.check_refused(rig.mel("in.wav", "out.npy", {"--voice", "voice"}), 3, {"voice", "\"mel\""});
  rig.check_refused(rig.mel("nothing.wav", "out.npy"), 4, {"nothing.wav"});
}

TEST_CASE("an existing file stays unless --force replaces it, and a full disk exits with 4") {
  const MelRig rig;
  write_bytes(rig.folder.file("old.npy"), std::vector<std::byte>(3, std::byte{'x'}));
  const ProgramResult refused = rig.mel("in.wav", "old.npy");
  CHECK(refused.exit_code == 4);
  check_contains(refused.err, {"--force"});
  CHECK(rig.bytes("old.npy") == "xxx");
  CHECK(rig.mel("in.wav", "old.npy", {"--force"}).exit_code == 0);
  CHECK(rig.read("old.npy", "hifigan").frames == kSamples / 256);
  CHECK(rig.mel("in.wav", "/dev/full").exit_code == 4);
  ProgramOptions full;
  full.stdout_file = "/dev/full";
  CHECK(rig.mel("in.wav", "-", {}, full).exit_code == 4);
}

TEST_CASE("help lists the profiles") {
  const MelRig rig;
  const ProgramResult help = rig.run({"mel", "--help"});
  CHECK(help.exit_code == 0);
  for (const std::string& profile : mel_profile_names()) {
    check_contains(help.out, {profile});
  }
}
