// info, voices, rerender, doctor, train.
#include <catch2/catch.hpp>

#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

nlohmann::json json_of(const ProgramResult& result) {
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("info explains a score") {
  const OndesRig rig;
  const nlohmann::json info = json_of(rig.run({"info", "score.mid", "--json"}));
  CHECK(info.at("kind") == "score");
  CHECK(info.at("notes") == 32);
  CHECK(info.at("percussion_notes_left_out") == 1);
  CHECK(info.at("programs").size() == 2);
  CHECK(info.at("programs")[1].at("program") == 40);
  CHECK(info.at("tracks").size() == 2);
  CHECK(rig.run({"info", "score.mid"}).out.find("max_polyphony") != std::string::npos);
}

TEST_CASE("info explains a voice") {
  const OndesRig rig;
  const nlohmann::json info = json_of(rig.run({"info", "voice.safetensors", "--json"}));
  CHECK(info.at("kind") == "voice");
  CHECK(info.at("licence") == "CC0-1.0");
  CHECK(info.at("instruments")[1].at("name") == "flute");
  CHECK(info.at("macs_per_sample") > 0);
}

TEST_CASE("info explains a rendered file by its recipe, in WAV and FLAC") {
  const OndesRig rig;
  for (const std::string name : {"a.wav", "a.flac"}) {
    REQUIRE(rig.render(name, {"--seed", "18446744073709551615"}).exit_code == 0);
    const nlohmann::json info = json_of(rig.run({"info", name, "--json"}));
    CHECK(info.at("kind") == "audio");
    CHECK(info.at("recipe").at("options").at("seed") == "18446744073709551615");
    CHECK(info.at("recipe").at("samples") == info.at("frames"));
    CHECK(info.at("recipe").at("score").at("path") == "score.mid");
  }
}

TEST_CASE("info refuses what is none of the three, with 3, and what is not there, with 4") {
  const OndesRig rig;
  write_bytes(rig.folder.file("noise"), std::vector<std::byte>(100, std::byte{'q'}));
  CHECK(rig.run({"info", "noise"}).exit_code == 3);
  CHECK(rig.run({"info", "absent.wav"}).exit_code == 4);
}

TEST_CASE("rerender repeats a file byte for byte") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav", {"--seed", "9", "--temperature", "0.8", "--bits", "16", "--lufs",
                               "-30", "--program", "40=piano", "--tail", "0.25", "--gain-db", "-3",
                               "--rate", "22050"})
              .exit_code == 0);
  const ProgramResult again = rig.run({"rerender", "a.wav", "-o", "b.wav"});
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK(again.err.find("identical") != std::string::npos);
  CHECK(rig.bytes("a.wav") == rig.bytes("b.wav"));
  REQUIRE(rig.run({"rerender", "a.wav"}).exit_code == 0);
  CHECK(rig.bytes("a.wav") == rig.bytes("a.again.wav"));
  CHECK(rig.run({"rerender", "a.wav"}).exit_code == 4);  // it exists by now
}

TEST_CASE("a render that went to a pipe is repeated too: its header says no length, that is all") {
  const OndesRig rig;
  ProgramOptions piped;
  piped.stdout_file = rig.folder.file("piped.wav");
  REQUIRE(rig.run({"render", "score.mid", "-o", "-", "--voice", "voice", "--tail", "0.1"}, piped)
              .exit_code == 0);
  const ProgramResult again = rig.run({"rerender", "piped.wav", "-o", "b.wav", "--json"});
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK(rig.bytes("piped.wav") != rig.bytes("b.wav"));
  check_contains(again.err, {"identical to the original, sample for sample"});
  const nlohmann::json summary = nlohmann::json::parse(again.out);
  CHECK(summary.at("identical") == false);
  CHECK(summary.at("same_samples") == true);
  // Another container is another header too.
  CHECK(rig.run({"rerender", "b.wav", "-o", "c.flac"}).exit_code == 0);
}

TEST_CASE("a rerender whose samples are not the original's exits with 6, and never judges itself") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav", {"--bits", "16", "--tail", "0.1"}).exit_code == 0);
  std::string bytes = read_text(rig.folder.file("a.wav"));
  bytes[bytes.size() - 1001] = static_cast<char>(bytes[bytes.size() - 1001] ^ 1);
  std::ofstream(rig.folder.file("a.wav"), std::ios::binary) << bytes;
  const ProgramResult again = rig.run({"rerender", "a.wav", "-o", "b.wav", "--json"});
  CHECK(again.exit_code == 6);
  check_contains(again.err, {"not identical to the original"});
  CHECK(nlohmann::json::parse(again.out).at("same_samples") == false);
  CHECK(rig.exists("b.wav"));  // to be looked at
  const ProgramResult self = rig.run({"rerender", "a.wav", "-o", "a.wav", "--force"});
  CHECK(self.exit_code == 2);
  CHECK(read_text(rig.folder.file("a.wav")) == bytes);
}

TEST_CASE("rerender refuses another score, another voice, and a file without a recipe") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav").exit_code == 0);
  write_bytes(rig.folder.file("other.mid"), test_score(1));
  const ProgramResult score = rig.run({"rerender", "a.wav", "-o", "b.wav", "--score", "other.mid"});
  CHECK(score.exit_code == 3);
  CHECK(score.err.find("score") != std::string::npos);
  write_bytes(rig.folder.file("voice.safetensors"), short_release_voice(2));
  const ProgramResult voice = rig.run({"rerender", "a.wav", "-o", "b.wav"});
  CHECK(voice.exit_code == 3);
  CHECK(voice.err.find("voice") != std::string::npos);
  CHECK(rig.run({"rerender", "score.mid"}).exit_code == 3);
  CHECK_FALSE(rig.exists("b.wav"));
}

TEST_CASE("rerender finds a score that moved with the file, and says so when it did not") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav").exit_code == 0);
  std::filesystem::create_directory(rig.folder.path() / "moved");
  std::filesystem::rename(rig.folder.path() / "a.wav", rig.folder.path() / "moved/a.wav");
  std::filesystem::rename(rig.folder.path() / "score.mid", rig.folder.path() / "moved/score.mid");
  CHECK(rig.run({"rerender", "moved/a.wav", "-o", "b.wav"}).exit_code == 0);
  std::filesystem::remove(rig.folder.path() / "moved/score.mid");
  const ProgramResult missing = rig.run({"rerender", "moved/a.wav", "-o", "c.wav"});
  CHECK(missing.exit_code == 4);
  check_contains(missing.err, {"the score of moved/a.wav", "--input"});
}

TEST_CASE("voices lists what --voice finds, broken files included") {
  const OndesRig rig;
  write_bytes(rig.folder.file("broken.safetensors"), std::vector<std::byte>(20, std::byte{1}));
  const nlohmann::json voices = json_of(rig.run({"voices", "--json"})).at("voices");
  bool good = false;
  bool broken = false;
  for (const auto& voice : voices) {
    good |= voice.at("name") == "voice" && voice.at("instruments").size() == 2;
    broken |= voice.at("name") == "broken" && voice.contains("error");
  }
  CHECK(good);
  CHECK(broken);
  CHECK(rig.run({"voices"}).exit_code == 0);
}

TEST_CASE("an ONDES_VOICES that is no folder is said once, and nothing ends of it") {
  const OndesRig rig;
  ProgramOptions options;
  options.environment = {{"ONDES_VOICES", rig.folder.file("absent")}};
  const ProgramResult absent =
      rig.run({"render", "score.mid", "-o", "a.wav", "--voice", "voice.safetensors"}, options);
  CHECK(absent.exit_code == 0);
  check_contains(absent.err, {"ONDES_VOICES: expected a folder, found nothing at ", "absent"});
  CHECK(absent.err.find("ONDES_VOICES") == absent.err.rfind("ONDES_VOICES"));
  options.environment = {{"ONDES_VOICES", rig.folder.file("score.mid")}};
  check_contains(rig.run({"voices"}, options).err, {"ONDES_VOICES", "something else at"});
  CHECK(rig.run({"voices"}).err.find("ONDES_VOICES") == std::string::npos);
}

TEST_CASE("doctor reports every part as JSON and on lines") {
  const OndesRig rig;
  write_bytes(rig.folder.file("chamber.safetensors"), short_release_voice());
  const nlohmann::json report = json_of(rig.run({"doctor", "--json"}));
  CHECK(report.at("ok") == true);
  CHECK(report.at("checks").size() >= 9);
  CHECK(rig.run({"doctor"}).out.find("precision i8") != std::string::npos);
}

TEST_CASE("train runs the program beside ondes or on PATH, and says what to do without one") {
  const OndesRig rig;
  if (std::filesystem::exists(ONDES_BINARY_DIR "/bin/ondes-train")) {
    CHECK(rig.run({"train", "--help"}).exit_code == 0);
    return;
  }
  ProgramOptions options;
  options.environment = {{"PATH", rig.folder.path().string()}};
  const ProgramResult absent = rig.run({"train", "--help"}, options);
  CHECK(absent.exit_code == 4);
  CHECK(absent.err.find("make train") != std::string::npos);
  {
    std::ofstream script(rig.folder.file("ondes-train"));
    script << "#!/bin/sh\necho \"trained $1\"\n";
  }
  std::filesystem::permissions(rig.folder.path() / "ondes-train",
                               std::filesystem::perms::owner_all);
  CHECK(rig.run({"train", "--help"}, options).out == "trained --help\n");
}
