// ondes eval: what it writes, takes up again and never replaces.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/eval_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

TEST_CASE("a run is taken up again: lines that hold stay, changed files are measured again") {
  const EvalRig rig;
  rig.corpus();
  const std::vector<std::string> arguments{"ref",     "gen",       "--metrics", "mcd",
                                           "--jsonl", "out.jsonl", "--resume"};
  REQUIRE(rig.eval(arguments).exit_code == 0);
  // A torn line at the end, as an interruption leaves it, and a value that tells whether it was kept.
  std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  std::string edited = lines[0].dump() + "\n";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    lines[i]["values"]["mcd_db"] = 77.0;
    edited += lines[i].dump() + "\n";
  }
  rig.write("out.jsonl", edited + R"({"pair": "c", "val)");
  rig.sound("gen/b.wav", {.seconds = 0.9, .brightness = 0.4});
  REQUIRE(rig.eval(arguments).exit_code == 0);
  lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 4);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    CHECK((lines[i]["values"]["mcd_db"] == 77.0) == (lines[i]["pair"] != "b"));
  }
  const ProgramResult other = rig.eval(
      {"ref", "gen", "--metrics", "mcd,mfcc_distance", "--jsonl", "out.jsonl", "--resume"});
  CHECK(other.exit_code == 3);
  check_contains(other.err, {"--resume", "mfcc_distance_db"});
  CHECK(rig.lines("out.jsonl").size() == 4);
}

TEST_CASE("an interrupted run ends with 130, keeps whole lines and is taken up from them") {
  const EvalRig rig;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    rig.sound(std::string("ref/") + name + ".wav", {.seconds = 3.0});
    rig.sound(std::string("gen/") + name + ".wav", {.seconds = 3.0, .brightness = 0.5});
  }
  const std::vector<std::string> arguments{"ref",       "gen",   "--jsonl",  "out.jsonl",
                                           "--threads", "1",     "--resume", "--progress",
                                           "json",      "--csv", "out.csv",  "--force"};
  ProgramOptions options;
  options.interrupt_after = "\"fraction\"";  // the first pair is done
  const ProgramResult cut = rig.eval(arguments, options);
  INFO(cut.err);
  REQUIRE(cut.exit_code == 130);
  check_contains(cut.err, {"out.jsonl", "--resume"});
  CHECK_FALSE(rig.exists("out.csv"));
  const std::size_t done = rig.lines("out.jsonl").size();
  CHECK(done >= 2);
  CHECK(done < 9);
  CHECK(rig.eval(arguments).exit_code == 0);
  CHECK(rig.lines("out.jsonl").size() == 9);
  CHECK(rig.exists("out.csv"));
}

TEST_CASE("outputs are never replaced without --force, and an unwritable one is known at once") {
  const EvalRig rig;
  rig.corpus();
  rig.write("out.csv", "mine");
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv"}).exit_code == 4);
  CHECK(rig.bytes("out.csv") == "mine");
  // --force replaces earlier outputs; this is none.
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv", "--force"}).exit_code == 2);
  CHECK(rig.bytes("out.csv") == "mine");
  fs::remove(rig.folder.path() / "out.csv");
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv"}).exit_code == 0);
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv", "--force"}).exit_code == 0);
  for (const char* option : {"--csv", "--jsonl"}) {
    const ProgramResult result = rig.eval({"ref", "gen", option, "nowhere/out"});
    CHECK(result.exit_code == 4);
    check_contains(result.err, {"nowhere/out"});
  }
  CHECK(rig.eval({"ref", "gen", "--jsonl", "out.csv"}).exit_code == 4);
}

TEST_CASE("no output replaces what is measured, behind a link neither, whatever is forced") {
  const EvalRig rig;
  rig.corpus();
  fs::create_directories(rig.folder.path() / "linked");
  for (const char* name : {"a.wav", "b.wav", "c.wav"}) {
    fs::create_symlink(rig.folder.path() / "ref" / name, rig.folder.path() / "linked" / name);
  }
  rig.write("pairs.csv", "ref,gen\nref/a.wav,gen/a.wav\n");
  const std::string a = rig.bytes("ref/a.wav");
  for (const char* option : {"--csv", "--jsonl", "--report"}) {
    INFO(option);
    CHECK(rig.eval({"ref/a.wav", "gen/a.wav", option, "ref/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"ref", "gen", option, "linked/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"linked", "gen", option, "ref/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"--manifest", "pairs.csv", option, "gen/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"--manifest", "pairs.csv", option, "pairs.csv", "--force"}).exit_code == 2);
  }
  CHECK(rig.bytes("ref/a.wav") == a);
}

TEST_CASE("--force replaces no sound without partner, no track, and no output by another") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("ref/alone.wav");
  fs::create_directories(rig.folder.path() / "f0");
  rig.write("f0/a.csv", "0.0,220\n");
  rig.write("pairs.jsonl", "{\"ref\": \"ref/a.wav\", \"gen\": \"gen/a.wav\"}\n");
  for (const char* option : {"--csv", "--jsonl", "--report"}) {
    for (const char* file : {"ref/alone.wav", "f0/a.csv", "pairs.jsonl"}) {
      INFO(option << ' ' << file);
      const std::string before = rig.bytes(file);
      CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", option, file, "--force"}).exit_code == 2);
      CHECK(rig.bytes(file) == before);
    }
  }
  const std::string alone = rig.bytes("ref/alone.wav");
  CHECK(
      rig.eval({"--nearest", "ref", "gen/a.wav", "--csv", "ref/alone.wav", "--force"}).exit_code ==
      2);
  CHECK(rig.eval({"ref", "gen", "--jsonl", "ref/alone.wav", "--resume"}).exit_code == 2);
  CHECK(rig.bytes("ref/alone.wav") == alone);
  for (const char* other : {"--jsonl", "--report"}) {
    const ProgramResult twice = rig.eval({"ref", "gen", "--csv", "out", other, "./out"});
    CHECK(twice.exit_code == 2);
    check_contains(twice.err, {"--csv", other});
  }
  CHECK_FALSE(rig.exists("out"));
}
