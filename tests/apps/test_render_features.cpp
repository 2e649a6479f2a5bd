// `ondes render` of mels and sounds: the network's samples in the file, and what is refused.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "dsp/audio_file.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"
#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "models/mel_analysis.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/ondes_program.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kBands = 8;
constexpr int kHop = 16;
constexpr int kRateHz = 8000;
constexpr int kFrames = 301;

HifiganConfig vocoder_config() {
  HifiganConfig config = hifigan_variant(3);
  config.mel_bands = kBands;
  config.upsample_initial_channel = 16;
  config.upsample_rates = {4, 4};
  config.upsample_kernel_sizes = {8, 8};
  config.sample_rate_hz = kRateHz;
  config.fft_size = 64;
  config.window_samples = 64;
  config.max_hz = 4000.0;
  return config;
}

MelContract vocoder_mel() {
  MelContract mel;
  mel.sample_rate_hz = kRateHz;
  mel.fft_size = 64;
  mel.hop_samples = kHop;
  mel.window_samples = 64;
  mel.mels = kBands;
  mel.fmax_hz = 4000.0;
  return mel;
}

json description_of(const HifiganConfig& config, const MelContract& mel) {
  return {{"schema", kVoiceSchema},
          {"name", "small vocoder"},
          {"architecture", "hifigan"},
          {"sample_rate", mel.sample_rate_hz},
          {"config", hifigan_config_to_json(config)},
          {"features", mel_contract_to_json(mel)},
          {"licence", "CC0-1.0"}};
}

// A sound of two tones and a click, `channels` different from each other.
std::vector<float> test_sound(int frames, int channels, int rate_hz) {
  std::vector<float> samples;
  for (int t = 0; t < frames; ++t) {
    const double time = static_cast<double>(t) / rate_hz;
    for (int c = 0; c < channels; ++c) {
      const double hz = c == 0 ? 440.0 : 1000.0;
      samples.push_back(static_cast<float>(0.4 * std::sin(2.0 * M_PI * hz * time)));
    }
  }
  return samples;
}

// OndesRig with a vocoder of random weights and a mel.
struct FeatureRig : OndesRig {
  FeatureRig() {
    const auto tensors = random_hifigan_tensors(vocoder_config(), 4);
    write_bytes(folder.file("vocoder.safetensors"),
                write_voice(description_of(vocoder_config(), vocoder_mel()), tensors));
    mel.mels = kBands;
    mel.frames = kFrames;
    mel.values = random_mel(kFrames, kBands, 6);
    write_bytes(folder.file("x.npy"), write_mel_npy(mel));
  }
  void write_sound(const std::string& name, int frames, int channels, int rate_hz) const {
    AudioWriteOptions options;
    options.sample_rate_hz = rate_hz;
    options.channels = channels;
    options.format = SampleFormat::float32;
    AudioFileWriter writer(folder.file(name), options);
    const std::vector<float> samples = test_sound(frames, channels, rate_hz);
    writer.write({samples.data(), frames, channels});
    writer.finish();
  }
  ProgramResult render_it(const std::string& input,
                          const std::string& output,
                          const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"render", input, "-o", output, "--voice", "vocoder"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  // What the judge makes of a mel.
  std::vector<float> judged(const std::vector<float>& values) const {
    const VoiceFile voice = open_voice(folder.file("vocoder.safetensors"));
    const ConstFrames view(values.data(), static_cast<int>(values.size()) / kBands, kBands);
    return evaluate_block_plan(compile_hifigan(voice), {&view, 1});
  }
  std::vector<float> samples_of(const std::string& name) const {
    const AudioClip clip = read_audio_file(folder.file(name));
    CHECK(clip.info.channels == 1);
    return clip.samples;
  }

  Mel mel;
};

void check_done(const ProgramResult& result) {
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

}  // namespace

TEST_CASE("a mel becomes a mono file of frames times hop samples, the network's own") {
  const FeatureRig rig;
  const ProgramResult result = rig.render_it("x.npy", "out.wav", {"--bits", "32f", "--json"});
  check_done(result);
  const std::vector<float> samples = rig.samples_of("out.wav");
  REQUIRE(samples.size() == kFrames * kHop);
  const std::vector<float> expected = rig.judged(rig.mel.values);
  CHECK(largest_difference(samples, expected) < 2e-5F);  // the activations' polynomials
  CHECK(peak_of(expected) > 0.01F);
  const json summary = json::parse(result.out).at("outputs").at(0);
  CHECK(summary.at("input") == "mel");
  CHECK(summary.at("input_frames") == kFrames);
  CHECK(summary.at("frames") == kFrames * kHop);
  CHECK(summary.at("channels") == 1);
}

TEST_CASE("threads do not change the bytes, and a rerender repeats them") {
  const FeatureRig rig;
  check_done(rig.render_it("x.npy", "a.wav", {"--threads", "1", "--gain-db", "-6"}));
  check_done(rig.render_it("x.npy", "b.wav", {"--threads", "2", "--gain-db", "-6"}));
  CHECK(rig.bytes("a.wav") == rig.bytes("b.wav"));
  const ProgramResult again = rig.run({"rerender", "a.wav", "-o", "c.wav"});
  check_done(again);
  check_contains(again.err, {"identical to the original"});
  CHECK(rig.bytes("c.wav") == rig.bytes("a.wav"));
  rig.write_sound("tone.wav", 4000, 1, kRateHz);
  check_done(rig.render_it("tone.wav", "d.wav"));
  check_contains(rig.run({"rerender", "d.wav"}).err, {"identical to the original"});
}

TEST_CASE("a sound is resynthesized from the mel that the voice's contract describes") {
  const FeatureRig rig;
  const int samples = 5000;
  rig.write_sound("tone.wav", samples, 1, kRateHz);
  check_done(rig.render_it("tone.wav", "out.wav", {"--bits", "32f"}));
  LogMel analysis(mel_config_of(vocoder_mel()));
  const std::vector<float> expected = rig.judged(analysis.analyze(test_sound(samples, 1, kRateHz)));
  const std::vector<float> made = rig.samples_of("out.wav");
  REQUIRE(made.size() == samples / kHop * kHop);
  REQUIRE(made.size() == expected.size());
  CHECK(largest_difference(made, expected) < 2e-5F);
}

TEST_CASE("channels are summed and rates changed before the analysis, and that is said") {
  const FeatureRig rig;
  rig.write_sound("two.wav", 10000, 2, 16000);
  const ProgramResult result = rig.render_it("two.wav", "out.wav");
  check_done(result);
  check_contains(result.err, {"2 channels were summed to mono", "resampled from 16000 to 8000 Hz"});
  CHECK(rig.samples_of("out.wav").size() == 5000 / kHop * kHop);
}

TEST_CASE("a mel of another contract is converted where that is exact, else refused by field") {
  const FeatureRig rig;
  Mel decimal = rig.mel;
  decimal.contract = vocoder_mel();
  decimal.contract->log = MelLog::decimal;
  for (float& value : decimal.values) {
    value = static_cast<float>(value / std::log(10.0));
  }
  write_bytes(rig.folder.file("log10.safetensors"), write_mel_safetensors(decimal));
  const ProgramResult converted =
      rig.render_it("log10.safetensors", "a.wav", {"--bits", "32f", "--json"});
  check_done(converted);
  check_done(rig.render_it("x.npy", "b.wav", {"--bits", "32f"}));
  // Values rounded once more, by 1e-7 of 1.5, through a network of moderate gain.
  CHECK(largest_difference(rig.samples_of("a.wav"), rig.samples_of("b.wav")) < 1e-4F);
  check_contains(converted.err, {"mel field 'log': converted from log10 to ln, the voice's"});
  const json conversions = json::array({{{"field", "log"}, {"from", "log10"}, {"to", "ln"}}});
  CHECK(json::parse(converted.out).at("outputs").at(0).at("conversions") == conversions);
  const json recipe = json::parse(rig.run({"info", "a.wav", "--json"}).out).at("recipe");
  CHECK(recipe.at("conversions") == conversions);
  check_contains(rig.run({"rerender", "a.wav"}).err,
                 {"converted from log10 to ln", "identical to the original"});

  decimal.contract->fmax_hz = 3500.0;
  write_bytes(rig.folder.file("other.safetensors"), write_mel_safetensors(decimal));
  const ProgramResult refused = rig.render_it("other.safetensors", "c.wav");
  CHECK(refused.exit_code == 3);
  check_contains(refused.err, {"other.safetensors", "fmax", "3500", "4000"});
  CHECK_FALSE(rig.exists("c.wav"));
}

TEST_CASE("standard input may be a mel or a sound; what it is, its first bytes say") {
  const FeatureRig rig;
  Mel mel = rig.mel;
  mel.contract = vocoder_mel();
  write_bytes(rig.folder.file("x.safetensors"), write_mel_safetensors(mel));
  rig.write_sound("two.wav", 10000, 2, 16000);
  for (const char* name : {"x.npy", "x.safetensors", "two.wav"}) {
    ProgramOptions options;
    options.stdin_file = rig.folder.file(name);
    options.stdout_file = rig.folder.file("piped.wav");
    const ProgramResult piped =
        rig.run({"render", "-", "-o", "-", "--voice", "vocoder", "--bits", "32f"}, options);
    INFO(name);
    check_done(piped);
    check_done(rig.render_it(name, "direct.wav", {"--bits", "32f", "--force"}));
    CHECK(rig.samples_of("piped.wav") == rig.samples_of("direct.wav"));
  }
  ProgramOptions options;
  options.stdin_file = rig.folder.file("two.wav");
  check_done(rig.run({"render", "-", "-o", "a.wav", "--voice", "vocoder"}, options));
  const ProgramResult lost = rig.run({"rerender", "a.wav"});
  CHECK(lost.exit_code == 2);
  check_contains(lost.err, {"its sound came from standard input", "--input"});
  check_contains(rig.run({"rerender", "a.wav", "--input", "two.wav"}).err, {"identical"});
}

TEST_CASE("standard input that is none of these is refused, and errors in it call it so") {
  const FeatureRig rig;
  ProgramOptions options;
  const auto refusal = [&](const std::string& text) {
    std::ofstream(rig.folder.file("in"), std::ios::binary) << text;
    options.stdin_file = rig.folder.file("in");
    const ProgramResult result =
        rig.run({"render", "-", "-o", "out.wav", "--voice", "vocoder"}, options);
    CHECK(result.exit_code == 3);
    CHECK_FALSE(rig.exists("out.wav"));
    CHECK(result.err.find("/proc") == std::string::npos);
    return result.err;
  };
  check_contains(refusal("Once upon a time"), {"standard input", "a mel", "'Once upon a"});
  check_contains(refusal(""), {"standard input", "found nothing"});
  check_contains(refusal(rig.bytes("x.npy").substr(0, 200)), {"standard input", "npy"});
  check_contains(refusal(rig.bytes("score.mid")), {"standard input: a score", "takes mels"});
}

TEST_CASE("a mel that can hardly be a logarithmic one is played, with a warning of what is odd") {
  const FeatureRig rig;
  const auto said = [&](float first, float rest) {
    Mel odd = rig.mel;
    odd.values.assign(odd.values.size(), rest);
    odd.values[0] = first;
    write_bytes(rig.folder.file("odd.npy"), write_mel_npy(odd));
    const ProgramResult result =
        rig.render_it("odd.npy", "odd.wav", {"--force", "--clip", "clamp"});
    check_done(result);
    return result.err;
  };
  check_contains(said(80.0F, -3.0F), {"warning: ", "(ln)", "its greatest value is 80"});
  check_contains(said(1e-4F, -1e-5F), {"warning: ", "within 0.0001 of 0"});
  check_contains(said(0.5F, 0.001F), {"warning: ", "none of its values is below 0"});
  CHECK(said(1.0F, -11.5F).find("warning") == std::string::npos);
}

TEST_CASE("inputs that the voice does not take are refused with what it takes") {
  const FeatureRig rig;
  const ProgramResult score = rig.render_it("score.mid", "out.wav");
  CHECK(score.exit_code == 3);
  check_contains(score.err, {"score.mid", "small vocoder", "takes mels"});
  const ProgramResult integers = rig.render_it("x.npy", "out.wav", {"--precision", "i8"});
  CHECK(integers.exit_code == 2);
  check_contains(integers.err,
                 {"--precision i8", "not calibrated", "ondes import", "--calibrate MEL.npy"});
  const ProgramResult i16 = rig.render_it("x.npy", "out.wav", {"--precision", "i16"});
  CHECK(i16.exit_code == 2);
  check_contains(i16.err, {"--precision i16", "f32 or i8"});
  const ProgramResult halves = rig.render_it("x.npy", "out.wav", {"--precision", "f16"});
  CHECK(halves.exit_code == 2);
  check_contains(halves.err, {"found f16", "take --device cuda, or f32"});
  const ProgramResult cuda = rig.render_it("x.npy", "cuda.wav", {"--device", "cuda"});
  if (cuda.exit_code != 0) {  // where there is no GPU
    CHECK(cuda.exit_code == 5);
    check_contains(cuda.err, {"--device cuda: ", "CUDA"});
    CHECK_FALSE(rig.exists("cuda.wav"));
  }
  const ProgramResult mel = rig.run({"render", "x.npy", "-o", "out.wav", "--voice", "voice"});
  CHECK(mel.exit_code == 3);
  check_contains(mel.err, {"x.npy", "plays notes"});
  rig.write_sound("short.wav", kHop - 1, 1, kRateHz);
  const ProgramResult little = rig.render_it("short.wav", "out.wav");
  CHECK(little.exit_code == 3);
  check_contains(little.err, {"short.wav", "at least one frame"});
  for (const std::vector<std::string>& option : {std::vector<std::string>{"--program", "0=piano"},
                                                 {"--temperature", "0.5"},
                                                 {"--tail", "1"}}) {
    const ProgramResult result = rig.render_it("x.npy", "out.wav", option);
    CHECK(result.exit_code == 2);
    check_contains(result.err, {option[0]});
  }
  CHECK_FALSE(rig.exists("out.wav"));
}

TEST_CASE("voices and info explain a vocoder, a mel and what was rendered from it") {
  const FeatureRig rig;
  check_contains(rig.run({"voices"}).out, {"vocoder", "hifigan", "8000 Hz", "takes mels"});
  const json voice = json::parse(rig.run({"info", "vocoder.safetensors", "--json"}).out);
  CHECK(voice.at("kind") == "voice");
  CHECK(voice.at("features").at("mels") == kBands);
  CHECK(voice.at("latency_frames") > 0);
  const json mel = json::parse(rig.run({"info", "x.npy", "--json"}).out);
  CHECK(mel.at("kind") == "mel");
  check_done(rig.render_it("x.npy", "out.wav"));
  const json file = json::parse(rig.run({"info", "out.wav", "--json"}).out);
  CHECK(file.at("recipe").at("mel").at("path") == "x.npy");
}

TEST_CASE("a recording comes back as the reference audio of its reference mel") {
  const auto data = test_data();
  if (!data) {
    WARN("SKIPPED: no test data");
    return;
  }
  const FeatureRig rig;
  const auto folder = *data / "hifigan_v3_ljspeech";
  std::ifstream stream(folder / "config.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const HifiganConfig config =
      hifigan_config_from_json(parse_json(text, "config.json"), "config.json");
  const SafetensorsFile weights = open_safetensors((folder / "generator.safetensors").string());
  std::map<std::string, TensorData> tensors;
  for (const auto& [name, view] : weights.tensors) {
    tensors[name] = {view.type, view.shape, {view.bytes.begin(), view.bytes.end()}};
  }
  write_bytes(rig.folder.file("v3.safetensors"),
              write_voice(description_of(config, MelContract{}), tensors));
  const std::vector<float> expected = read_npy_floats(folder / "LJ050-0029.audio.npy").values;
  const auto check = [&](const std::string& input, float tolerance) {
    INFO(input);
    check_done(
        rig.run({"render", input, "-o", "out.wav", "--voice", "v3", "--bits", "32f", "--force"}));
    const std::vector<float> samples = rig.samples_of("out.wav");
    REQUIRE(samples.size() == expected.size());
    const double worst = largest_difference(samples, expected);
    INFO("largest difference " << worst);
    CHECK(worst < tolerance);
  };
  // The figures the project promises: its weights alone, and with our own mel before them.
  check((folder / "LJ050-0029.mel.npy").string(), 1e-4F);
  check((*data / "speech" / "LJ050-0029_raw.wav").string(), 1e-3F);
}

TEST_CASE("a capture processes sound as its reference does") {
  const auto data = test_data();
  if (!data) {
    WARN("SKIPPED: no test data");
    return;
  }
  const FeatureRig rig;
  const auto folder = *data / "nam";
  check_done(rig.run({"render", (folder / "input.wav").string(), "-o", "out.wav", "--voice",
                      (folder / "wavenet.nam").string(), "--bits", "32f"}));
  const std::vector<float> expected = read_npy_floats(folder / "wavenet.golden.npy").values;
  const std::vector<float> samples = rig.samples_of("out.wav");
  REQUIRE(samples.size() == expected.size());
  CHECK(largest_difference(samples, expected) < 1e-5F);  // the figure the project promises
  check_contains(rig.run({"rerender", "out.wav"}).err, {"identical to the original"});
}
