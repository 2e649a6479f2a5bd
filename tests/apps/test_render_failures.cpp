#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

const std::vector<std::string> kUntouched{"score.mid", "voice.safetensors"};

// Exit code, one message that names `named`, and nothing new in the folder.
void check_refused(const OndesRig& rig,
                   const ProgramResult& result,
                   int exit_code,
                   const std::string& named) {
  INFO(result.err);
  CHECK(result.exit_code == exit_code);
  CHECK(result.err.find(named) != std::string::npos);
  CHECK(rig.folder.names() == kUntouched);
}

}  // namespace

TEST_CASE("usage errors exit with 2") {
  const OndesRig rig;
  check_refused(rig, rig.run({}), 2, "subcommand is required");
  check_refused(rig, rig.run({"fly"}), 2, "fly");
  check_refused(rig, rig.run({"render", "score.mid"}), 2, "output");
  check_refused(rig, rig.render("a.wav", {"--bits", "12"}), 2, "--bits");
  check_refused(rig, rig.render("a.wav", {"--temperature", "-1"}), 2, "--temperature");
  check_refused(rig, rig.render("a.mp3"), 2, "a.mp3");
  check_refused(rig, rig.render("a.flac", {"--bits", "32f"}), 2, "a.flac");
}

TEST_CASE("numbers that are not finite, and seeds beyond 64 bits, are usage errors") {
  const OndesRig rig;
  for (const std::string option : {"--lufs", "--temperature", "--gain-db", "--tail"}) {
    for (const std::string value : {"nan", "inf", "-inf"}) {
      check_refused(rig, rig.render("a.wav", {option, value}), 2, option);
    }
  }
  for (const std::string value : {"99999999999999999999", "18446744073709551616", "-1", "1x"}) {
    check_refused(rig, rig.render("a.wav", {"--seed", value}), 2, "--seed");
  }
}

TEST_CASE("what the parser of the command line refuses is said as every other error") {
  const OndesRig rig;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"render"}, {"render", "--bits", "12"}, {"info"}}) {
    const ProgramResult result = rig.run(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err.starts_with("ondes: "));
  }
}

TEST_CASE("bench refuses a time that is no number, and a yardstick that is not there") {
  const OndesRig rig;
  for (const std::string value : {"nan", "inf", "0", "-1"}) {
    check_refused(rig, rig.run({"bench", "wavenet", "--seconds", value}), 2, "--seconds");
  }
  check_refused(rig, rig.run({"bench", "wavenet", "--torch", "./nothing-here"}), 4,
                "./nothing-here");
}

TEST_CASE("the sound and the JSON cannot both go to standard output") {
  const OndesRig rig;
  check_refused(rig, rig.render("-", {"--json"}), 2, "standard output");
  check_refused(rig, rig.render("/dev/stdout", {"--json"}), 2, "standard output");
  REQUIRE(rig.render("a.wav").exit_code == 0);
  const ProgramResult result = rig.run({"rerender", "a.wav", "-o", "-", "--json"});
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("standard output") != std::string::npos);
  CHECK(result.out.empty());
}

TEST_CASE("help and version are no errors") {
  const OndesRig rig;
  CHECK(rig.run({"--help"}).exit_code == 0);
  CHECK(rig.run({"render", "--help"}).out.find("--temperature") != std::string::npos);
  CHECK(rig.run({"--version"}).out.starts_with("ondes "));
}

TEST_CASE("bad input exits with 3 and names the file") {
  const OndesRig rig;
  const TemporaryFolder other;
  const auto try_score = [&](const std::string& name, const std::vector<std::byte>& bytes) {
    write_bytes(other.file(name), bytes);
    check_refused(rig, rig.run({"render", other.file(name), "-o", "a.wav", "--voice", "voice"}), 3,
                  name);
  };
  try_score("empty.mid", {});
  std::vector<std::byte> score = test_score(2);
  score.resize(score.size() / 2);
  try_score("truncated.mid", score);
  std::vector<std::byte> voice = short_release_voice();
  voice.resize(voice.size() - 4);
  write_bytes(other.file("cut.safetensors"), voice);
  check_refused(
      rig,
      rig.run({"render", "score.mid", "-o", "a.wav", "--voice", other.file("cut.safetensors")}), 3,
      "cut.safetensors");
  check_refused(rig, rig.run({"render", "score.mid", "-o", "a.wav", "--voice", "nobody"}), 3,
                "nobody");
}

TEST_CASE("missing files exit with 4") {
  const OndesRig rig;
  check_refused(rig, rig.run({"render", "nothing.mid", "-o", "a.wav", "--voice", "voice"}), 4,
                "nothing.mid");
  check_refused(rig, rig.run({"render", "score.mid", "-o", "a.wav", "--voice", "./no.safetensors"}),
                4, "no.safetensors");
}

TEST_CASE("a place that cannot be written exits with 4") {
  const OndesRig rig;
  check_refused(rig, rig.render("missing/folder/a.wav"), 4, "missing/folder");
  check_refused(rig, rig.render("/proc/a.wav"), 4, "/proc/a.wav");
}

TEST_CASE("an existing file stays as it was, unless --force replaces it") {
  const OndesRig rig;
  write_bytes(rig.folder.file("a.wav"), std::vector<std::byte>(3, std::byte{'x'}));
  const ProgramResult refused = rig.render("a.wav");
  CHECK(refused.exit_code == 4);
  CHECK(refused.err.find("--force") != std::string::npos);
  CHECK(rig.bytes("a.wav") == "xxx");
  CHECK(rig.render("a.wav", {"--force"}).exit_code == 0);
  CHECK(rig.bytes("a.wav").starts_with("RIFF"));
}

TEST_CASE("a link that leads nowhere exists too: only --force replaces it") {
  const OndesRig rig;
  std::filesystem::create_symlink("nowhere.wav", rig.folder.path() / "a.wav");
  const ProgramResult refused = rig.render("a.wav");
  CHECK(refused.exit_code == 4);
  CHECK(refused.err.find("--force") != std::string::npos);
  CHECK(std::filesystem::is_symlink(rig.folder.path() / "a.wav"));
  CHECK_FALSE(rig.exists("nowhere.wav"));
  CHECK(rig.render("a.wav", {"--force"}).exit_code == 0);
  CHECK(rig.bytes("a.wav").starts_with("RIFF"));
}

TEST_CASE("an error among several scores says what is complete, and leaves that") {
  const OndesRig rig;
  write_bytes(rig.folder.file("bad.mid"), std::vector<std::byte>(40, std::byte{'x'}));
  write_bytes(rig.folder.file("last.mid"), test_score(1));
  const ProgramResult result =
      rig.run({"render", "score.mid", "bad.mid", "last.mid", "-o", "made/", "--voice", "voice"});
  INFO(result.err);
  CHECK(result.exit_code == 3);
  CHECK(result.err.find("bad.mid: ") != std::string::npos);
  CHECK(result.err.find("(1 of 3 inputs rendered: made/score.wav; 1 not begun)") !=
        std::string::npos);
  CHECK(rig.bytes("made/score.wav").starts_with("RIFF"));
  CHECK_FALSE(rig.exists("made/bad.wav"));
  CHECK_FALSE(rig.exists("made/last.wav"));
}

TEST_CASE("a full disk exits with 4") {
  const OndesRig rig;
  for (const std::string clip : {"clamp", "rescale"}) {
    check_refused(rig, rig.render("/dev/full", {"--clip", clip}), 4, "");
    ProgramOptions full;
    full.stdout_file = "/dev/full";
    check_refused(rig, rig.render("-", {"--clip", clip}, full), 4, "");
  }
}

TEST_CASE("a file size limit exits with 4 and leaves nothing, new or half replaced") {
  const OndesRig rig;
  ProgramOptions limited;
  limited.file_size_limit_bytes = 20000;
  for (const std::string clip : {"clamp", "rescale"}) {
    check_refused(rig, rig.render("a.wav", {"--clip", clip}, limited), 4, "a.wav");
    write_bytes(rig.folder.file("b.wav"), std::vector<std::byte>(3, std::byte{'x'}));
    CHECK(rig.render("b.wav", {"--clip", clip, "--force"}, limited).exit_code == 4);
    CHECK(rig.bytes("b.wav") == "xxx");
    std::filesystem::remove(rig.folder.path() / "b.wav");
  }
}

TEST_CASE("a machine without CUDA exits with 5 when it is asked for") {
  const OndesRig rig;
  const ProgramResult result = rig.render("a.wav", {"--device", "cuda"});
  if (result.exit_code == 0) {
    WARN("skipped: this machine has CUDA");
    return;
  }
  check_refused(rig, result, 5, "cuda");
  // Nobody need be told in every summary that there is none.
  const ProgramResult automatic = rig.render("b.wav", {"--tail", "0.1", "--json"});
  check_contains(automatic.err, {"ran on cpu", "threads"});
  CHECK(automatic.err.find("CUDA") == std::string::npos);
  check_contains(automatic.out, {"auto: ", "CUDA"});
}

TEST_CASE("an interrupt in the middle exits with 130 and leaves nothing") {
  const OndesRig rig;
  write_bytes(rig.folder.file("score.mid"), test_score(120));
  for (const std::string clip : {"clamp", "rescale"}) {
    ProgramOptions options;
    options.interrupt_after = "\"samples\":";
    const ProgramResult result =
        rig.render("a.wav", {"--progress", "json", "--clip", clip}, options);
    check_refused(rig, result, 130, "interrupted");
  }
}
