// `ondes import`, as a user runs it.
#include <catch2/catch.hpp>
#include <fstream>
#include <tuple>

#include "engine/weights/voice_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

std::string golden(const std::string& name) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/" + name;
}

}  // namespace

TEST_CASE("a checkpoint becomes a voice file, with a report of what was taken") {
  const OndesRig rig;
  const ProgramResult result =
      rig.run({"import", golden("torch/hifigan_2.pt"), "--config", golden("torch/hifigan_2.json"),
               "-o", "g.safetensors", "--licence", "CC0-1.0", "--name", "tiny", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json report = json::parse(result.out);
  CHECK(report["architecture"] == "hifigan");
  CHECK(report["tensors"] == 16);
  CHECK(report["weight_norm_folded"] == 8);
  // The runner is the judge to the last bit.
  CHECK(report["self_check"]["largest_difference"] == 0.0);
  CHECK(report["self_check"]["samples"] == 12 * 4);
  const VoiceFile voice = open_voice(rig.folder.file("g.safetensors"));
  CHECK(voice.name == "tiny");
  CHECK(voice.description->at("licence") == "CC0-1.0");
  CHECK(voice.description->at("training")["imported"]["file"] == "hifigan_2.pt");
}

TEST_CASE("captures import without a configuration; the report for people goes to standard error") {
  const OndesRig rig;
  const ProgramResult result = rig.run({"import", golden("nam/lstm.nam"), "-o", "amp.safetensors"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.empty());
  check_contains(result.err, {"Neural Amp Modeler capture, LSTM", "nam_lstm, 48000 Hz",
                              "checked   256 samples of noise were played by the fast code and by",
                              "not compared with the program the weights come from",
                              "the licence (say it with --licence)"});
  CHECK(open_voice(rig.folder.file("amp.safetensors")).architecture == "nam_lstm");
}

TEST_CASE("an existing output stays without --force; bad input leaves nothing behind") {
  const OndesRig rig;
  const ProgramResult kept = rig.run({"import", golden("nam/lstm.nam"), "-o", "voice.safetensors"});
  CHECK(kept.exit_code == 4);
  check_contains(kept.err, {"voice.safetensors", "--force"});
  const ProgramResult forced =
      rig.run({"import", golden("nam/lstm.nam"), "-o", "voice.safetensors", "--force"});
  CHECK(forced.exit_code == 0);
  const ProgramResult onto_itself =
      rig.run({"import", "voice.safetensors", "-o", "voice.safetensors", "--force"});
  CHECK(onto_itself.exit_code == 2);
  check_contains(onto_itself.err, {"voice.safetensors", "input itself"});
  const auto names = rig.folder.names();
  for (const char* name :
       {"torch/whole_module.pt", "torch/legacy.pt", "torch/hifigan_1.pt", "torch/make_golden.py"}) {
    const ProgramResult refused = rig.run({"import", golden(name), "-o", "out.safetensors"});
    CAPTURE(name, refused.err);
    CHECK(refused.exit_code == 3);
    check_contains(refused.err, {"ondes: ", name});
  }
  CHECK(rig.run({"import", "none.pt", "-o", "out.safetensors"}).exit_code == 4);
  CHECK(rig.folder.names() == names);
}

TEST_CASE("a configuration that is empty is said to be empty, not absent") {
  const OndesRig rig;
  write_bytes(rig.folder.file("empty.json"), std::vector<std::byte>());
  const ProgramResult refused = rig.run(
      {"import", golden("torch/hifigan_2.pt"), "--config", "empty.json", "-o", "out.safetensors"});
  CHECK(refused.exit_code == 3);
  check_contains(refused.err, {"empty.json: expected a configuration (JSON), found an empty file"});
}

TEST_CASE(
    "weights that were not imported are no voice, and an .npz is no checkpoint: both say what") {
  const OndesRig rig;
  const std::string weights = golden("torch/hifigan_2.pt");
  write_bytes(rig.folder.file("foreign.safetensors"),
              write_safetensors({}, {{"x", tensor_from_floats(std::vector<float>(2, 0.5F), {2})}}));
  for (const std::string& voice : {weights, std::string("foreign.safetensors")}) {
    const ProgramResult refused =
        rig.run({"render", "score.mid", "-o", "out.wav", "--voice", voice});
    CHECK(refused.exit_code == 3);
    check_contains(refused.err, {"found weights of another project", "ondes import " + voice});
  }
  // What numpy.savez(file, mel=numpy.zeros((1, 1))) begins with.
  const std::string npz = std::string("PK\x03\x04", 4) + std::string(22, '\0') +
                          std::string("\x07\0\0\0", 4) + "mel.npy" + std::string(100, '\0');
  std::ofstream(rig.folder.file("mel.npz"), std::ios::binary) << npz;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"render", "mel.npz", "-o", "out.wav"},
        {"info", "mel.npz"},
        {"import", "mel.npz", "-o", "out.safetensors"}}) {
    const ProgramResult refused = rig.run(arguments);
    CHECK(refused.exit_code == 3);
    check_contains(refused.err, {"mel.npz", "a NumPy archive (.npz)"});
  }
}

TEST_CASE("a voice's name ends in .safetensors: anything else is a usage error") {
  const OndesRig rig;
  for (const char* name : {"amp.pt", "amp", "amp.safetensors.bak"}) {
    const ProgramResult refused = rig.run({"import", golden("nam/lstm.nam"), "-o", name});
    CAPTURE(name, refused.err);
    CHECK(refused.exit_code == 2);
    check_contains(refused.err, {name, "ends in .safetensors"});
    CHECK_FALSE(rig.exists(name));
  }
}

TEST_CASE("weights that are integers are refused by name and type") {
  const OndesRig rig;
  const std::vector<float> values(2, 0.5F);
  TensorData whole;
  whole.shape = {2};
  for (const auto& [type, name, size] :
       {std::tuple{TensorType::i32, "I32", 4}, std::tuple{TensorType::i64, "I64", 8},
        std::tuple{TensorType::u8, "U8", 1}}) {
    whole.type = type;
    whole.bytes.assign(2 * static_cast<std::size_t>(size), std::byte{0});
    write_bytes(rig.folder.file("quantized.safetensors"),
                write_safetensors({}, {{"generator.conv_pre.bias", whole},
                                       {"step", tensor_from_floats(values, {2})}}));
    const ProgramResult refused =
        rig.run({"import", "quantized.safetensors", "--config", golden("torch/hifigan_2.json"),
                 "-o", "out.safetensors"});
    CAPTURE(name, refused.err);
    CHECK(refused.exit_code == 3);
    check_contains(refused.err, {"'generator.conv_pre.bias'", "expected floating-point", name});
  }
}
