// --device of every command that makes sound or times it.
#include <catch2/catch.hpp>

#include "cuda/backend.h"
#include "tests/support/ondes_program.h"

namespace ondes {
namespace {

// Every command with what it needs to begin, and --device DEVICE.
std::vector<std::vector<std::string>> commands(const std::string& device) {
  std::vector<std::vector<std::string>> all{
      {"render", "score.mid", "-o", "out.wav", "--voice", "voice"},
      {"play", "score.mid", "--voice", "voice", "--audio-device", "clock", "--quiet"},
      {"live", "--voice", "voice", "--audio-device", "clock", "--quiet", "--for", "0.1"},
      {"bench", "wavenet"},
      {"bench", "gan"},
      {"bench", "voice", "--voice", "voice"},
      {"bench", "roofline"}};
  for (auto& command : all) {
    command.insert(command.end(), {"--device", device});
  }
  return all;
}

TEST_CASE("without a GPU every command refuses --device cuda with exit code 5 and one line") {
  if (cuda_available()) {
    WARN("skipped: there is a CUDA device, " << cuda_description());
    return;
  }
  const OndesRig rig;
  for (const auto& command : commands("cuda")) {
    CAPTURE(command);
    const ProgramResult result = rig.run(command);
    CHECK(result.exit_code == 5);
    CHECK_THAT(result.err, Catch::Contains("--device cuda: ") && Catch::Contains("CUDA"));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(result.out.empty());
  }
  CHECK_FALSE(rig.exists("out.wav"));
}

TEST_CASE("no command takes a device that is none") {
  const OndesRig rig;
  for (const auto& command : commands("gpu")) {
    CAPTURE(command);
    CHECK(rig.run(command).exit_code == 2);
  }
}

TEST_CASE("--device auto says what it chose and why") {
  const OndesRig rig;
  const std::string why = cuda_available() ? "--device cuda takes" : "CUDA";
  const ProgramResult rendered = rig.render("out.wav", {"--device", "auto"});
  REQUIRE(rendered.exit_code == 0);
  CHECK_THAT(rendered.err,
             Catch::Contains("ran on cpu ") && Catch::Contains("(auto: ") && Catch::Contains(why));
  const ProgramResult played = rig.run({"play", "score.mid", "--voice", "voice", "--audio-device",
                                        "clock", "--speed", "0", "--quiet", "--device", "auto"});
  REQUIRE(played.exit_code == 0);
  CHECK_THAT(played.err, Catch::Contains("(auto: ") && Catch::Contains(why));
  const ProgramResult counted = rig.run({"bench", "roofline", "--device", "auto"});
  REQUIRE(counted.exit_code == 0);
  CHECK_THAT(counted.err, Catch::Contains("auto: ") && Catch::Contains(why));
}

TEST_CASE("a processor that nobody asked about is not explained") {
  const OndesRig rig;
  const ProgramResult rendered = rig.render("out.wav");
  REQUIRE(rendered.exit_code == 0);
  CHECK_THAT(rendered.err, Catch::Contains("ran on cpu ") && !Catch::Contains("auto"));
}

TEST_CASE("bench roofline prints what the published networks cost") {
  const OndesRig rig;
  const ProgramResult result = rig.run({"bench", "roofline", "--json"});
  REQUIRE(result.exit_code == 0);
  std::istringstream lines(result.out);
  double wavenet = 0.0;
  double hifigan = 0.0;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const nlohmann::json row = nlohmann::json::parse(line);
    if (row.at("network") == "wavenet" && row.at("residual") == 64) {
      wavenet = row.at("macs_per_sample");
    }
    if (row.at("network") == "hifigan" && row.at("variant") == 1) {
      hifigan = row.at("macs_per_second");
    }
  }
  CHECK(count == 3 * 4 + 3);
  CHECK(wavenet == 868352.0 - 64 * 64);                    // the last layer hands nothing on
  CHECK(1e-9 * hifigan == Approx(26.447).margin(0.0005));  // published with five digits
  CHECK_THAT(rig.run({"bench", "roofline"}).out,
             Catch::Contains("864256") && Catch::Contains("13926017") && Catch::Contains("26.447"));
}

TEST_CASE("what only the processor has is refused beside --device cuda") {
  if (!cuda_available()) {
    WARN("skipped: the device is refused first, " << cuda_description());
    return;
  }
  const OndesRig rig;
  const ProgramResult result = rig.run({"bench", "wavenet", "--device", "cuda", "--threads", "2"});
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Catch::Contains("--threads"));
}

}  // namespace
}  // namespace ondes
