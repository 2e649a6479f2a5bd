// ondes eval: which files belong together, from folders and from manifests.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/eval_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

TEST_CASE("folders pair by exact stem, and what has no partner is listed and counted") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("ref/sub/deep.wav");
  rig.sound("gen/sub/deep.flac");
  rig.sound("ref/clip1.wav");
  rig.sound("gen/clip10.wav");
  rig.write("ref/notes.txt", "no sound");
  const nlohmann::json summary = rig.summary({"ref", "gen", "--metrics", "mcd"});
  const nlohmann::json& system = summary["systems"][0];
  CHECK(system["pairs"] == 4);
  CHECK(system["only_in_reference"] == nlohmann::json{"clip1"});
  CHECK(system["only_in_generated"] == nlohmann::json{"clip10"});
  CHECK(metric(summary, "mcd_db")["n"] == 4);
  const ProgramResult strict = rig.eval({"ref", "gen", "--require-all"});
  CHECK(strict.exit_code == 3);
  check_contains(strict.err, {"--require-all", "clip1"});
}

TEST_CASE(
    "two sounds of one stem in one folder are one failure, by name, and the rest is measured") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("gen/a.flac");
  const ProgramResult result = rig.eval({"ref", "gen", "--metrics", "mcd", "--json"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"a: not measured", "gen/a.flac", "gen/a.wav"});
  const nlohmann::json summary = nlohmann::json::parse(result.out);
  CHECK(metric(summary, "mcd_db")["n"] == 2);
}

TEST_CASE("folders behind links are measured, and a link that leads back up ends") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("elsewhere/deep.wav");
  for (const char* side : {"ref", "gen"}) {
    fs::create_directory_symlink(rig.folder.path() / "elsewhere",
                                 rig.folder.path() / side / "linked");
    fs::create_directory_symlink(rig.folder.path() / side, rig.folder.path() / side / "loop");
  }
  const nlohmann::json summary = rig.summary({"ref", "gen", "--metrics", "length_difference"});
  CHECK(summary["systems"][0]["pairs"] == 4);
}

TEST_CASE("folders without a pair end with the counts and stems of both sides") {
  const EvalRig rig;
  rig.sound("ref/one.wav");
  rig.sound("gen/two.wav");
  const ProgramResult result = rig.eval({"ref", "gen"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"no pairs", "1 sound (one)", "1 sound (two)"});
  fs::create_directories(rig.folder.path() / "empty");
  check_contains(rig.eval({"ref", "empty"}).err, {"no sounds"});
}

TEST_CASE("a manifest pairs what it says, as CSV and as JSON lines") {
  const EvalRig rig;
  rig.corpus();
  rig.write("pairs.csv",
            "\xEF\xBB\xBFid,ref,gen\r\n\"first, "
            "quoted\",ref/a.wav,gen/a.wav\r\nb,ref/b.wav,gen/b.wav\r\n");
  rig.write("pairs.jsonl", R"({"ref": "ref/c.wav", "gen": "gen/c.wav"})");
  CHECK(rig.eval({"--manifest", "pairs.csv", "--metrics", "mcd", "--jsonl", "out.jsonl",
                  "--threads", "1"})
            .exit_code == 0);
  const std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["pair"] == "first, quoted");
  const nlohmann::json summary = rig.summary({"--manifest", "pairs.jsonl", "--metrics", "mcd"});
  CHECK(summary["systems"][0]["pairs"] == 1);
}

TEST_CASE("a broken manifest is refused with its line") {
  const EvalRig rig;
  rig.corpus();
  const auto refused = [&](const std::string& text, std::initializer_list<std::string> named) {
    rig.write("pairs.csv", text);
    const ProgramResult result = rig.eval({"--manifest", "pairs.csv"});
    INFO(result.err);
    CHECK(result.exit_code == 3);
    check_contains(result.err, named);
  };
  refused("", {"ref,gen"});
  refused("a,b\n", {"line 1", "ref,gen"});
  refused("ref,gen\n", {"expected pairs"});
  refused("ref,gen\nx.wav\n", {"line 2", "2 cells"});
  refused("ref,gen\nx.wav,\n", {"line 2", "empty gen"});
  refused("ref,gen\n\"x.wav,y.wav\n", {"never closed"});
  refused("ref,gen,id\nx,y,1\nx,z,1\n", {"line 3", "a second time"});
}
