// `ondes info` of files that carry numbers without saying what for: arrays, checkpoints, captures.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/files/npy.h"
#include "engine/weights/safetensors.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

std::string golden(const std::string& name) {
  return std::string(ONDES_SOURCE_DIR) + "/tests/golden/" + name;
}

json info_of(const OndesRig& rig, const std::string& file) {
  const ProgramResult result = rig.run({"info", file, "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return json::parse(result.out);
}

// An array of ones of this shape, info's answer.
json array_info(const OndesRig& rig, const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    count *= static_cast<std::size_t>(size);
  }
  const std::vector<float> ones(count, 1.0F);
  write_bytes(rig.folder.file("a.npy"), write_npy(std::span<const float>(ones), shape));
  return info_of(rig, "a.npy");
}

std::string layout_of(const OndesRig& rig, const std::vector<std::int64_t>& shape) {
  return array_info(rig, shape).at("layout");
}

}  // namespace

TEST_CASE("info guesses which way round a mel lies, and says where it cannot") {
  const OndesRig rig;
  check_contains(layout_of(rig, {80, 31}), {"[mels, frames]", "80 bands, 31 frames", "guessed"});
  check_contains(layout_of(rig, {31, 80}), {"[frames, mels]", "80 bands, 31 frames", "guessed"});
  check_contains(layout_of(rig, {1, 80, 31}), {"[1, mels, frames]", "80 bands, 31 frames"});
  check_contains(layout_of(rig, {7, 90}), {"[mels, frames]", "7 bands, 90 frames"});
  check_contains(layout_of(rig, {80, 80}), {"either way round"});
  check_contains(layout_of(rig, {500}), {"no mel"});
  CHECK(array_info(rig, {80, 31}).at("kind") == "mel");
  CHECK(array_info(rig, {500}).at("kind") == "array");
}

TEST_CASE("info tells an array's type, range, and how many values are not finite") {
  const OndesRig rig;
  std::vector<double> values{-11.5, 0.25, NAN, 2.0, INFINITY, NAN};
  write_bytes(rig.folder.file("a.npy"),
              write_npy(std::span<const double>(values), std::vector<std::int64_t>{2, 3}));
  const json info = info_of(rig, "a.npy");
  CHECK(info.at("type") == "float64");
  CHECK(info.at("shape") == json({2, 3}));
  CHECK(info.at("least") == -11.5);
  CHECK(info.at("greatest") == 2.0);
  CHECK(info.at("nans") == 2);
  CHECK(info.at("infinities") == 1);
  check_contains(rig.run({"info", "a.npy"}).out, {"nans: 2", "greatest: 2.0"});
}

TEST_CASE("info lists a checkpoint's tensors and what it looks like, and runs nothing") {
  const OndesRig rig;
  const json info = info_of(rig, golden("torch/hifigan_2.pt"));
  CHECK(info.at("kind") == "checkpoint");
  CHECK(info.at("format") == "PyTorch checkpoint");
  check_contains(info.at("looks_like"), {"HiFi-GAN", "ondes import"});
  // One tensor of half precision lies beside the weights.
  CHECK(info.at("tensors") == json({{"F32", 36}, {"F16", 1}}));
  CHECK(info.at("tensor_list").size() == 37);
  const std::string text = rig.run({"info", golden("torch/hifigan_2.pt")}).out;
  check_contains(text, {"looks_like: generator", "more; --json has all", "conv_pre.weight"});
  check_contains(info_of(rig, golden("torch/nv_wavenet.pt")).at("looks_like"), {"WaveNet"});

  const ProgramResult module = rig.run({"info", golden("torch/whole_module.pt")});
  CHECK(module.exit_code == 3);
  check_contains(module.err, {"whole_module.pt", "global"});
}

TEST_CASE("info takes safetensors that do not describe themselves for a checkpoint") {
  const OndesRig rig;
  const std::vector<float> values{1.0F, 2.0F};
  write_bytes(rig.folder.file("other.safetensors"),
              write_safetensors({}, {{"w", tensor_from_floats(values, {2})}}));
  const json info = info_of(rig, "other.safetensors");
  CHECK(info.at("kind") == "checkpoint");
  CHECK(info.at("numbers") == 2);
  check_contains(info.at("looks_like"), {"nothing"});
  CHECK(info.at("tensor_list").at(0).at("name") == "w");
}

TEST_CASE("info says what a capture is, and what it takes") {
  const OndesRig rig;
  const json info = info_of(rig, golden("nam/lstm.nam"));
  CHECK(info.at("kind") == "voice");
  CHECK(info.at("takes") == "audio");
  CHECK(info.at("parameters") > 0);
  CHECK(info.at("training").at("imported").at("format") == "Neural Amp Modeler capture, LSTM");
}

TEST_CASE("info reads standard input") {
  const OndesRig rig;
  ProgramOptions options;
  options.stdin_file = rig.folder.file("score.mid");
  const ProgramResult result = rig.run({"info", "-", "--json"}, options);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(json::parse(result.out).at("notes") == 32);
  CHECK(json::parse(result.out).at("path") == "-");
}
