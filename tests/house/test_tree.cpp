#include <catch2/catch.hpp>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>

#include "engine/weights/voice_file.h"
#include "tests/house/tree_rules.h"

namespace ondes::house {
namespace {

constexpr SampleLimits kSampleLimits = {.file_bytes = 10'000'000, .total_bytes = 60'000'000};

const std::vector<SourceFile>& project() {
  static const std::vector<SourceFile> tree = read_tree(ONDES_SOURCE_DIR);
  return tree;
}

void check_none(const std::vector<std::string>& findings) {
  INFO(join_lines(findings));
  CHECK(findings.empty());
}

void check_one(const std::vector<std::string>& findings, const std::string& says) {
  INFO(join_lines(findings));
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings.front(), Catch::Contains(says));
}

TEST_CASE("every source and test on disk is registered, and nothing else is") {
  REQUIRE(project().size() > 20);  // an empty tree would pass everything
  check_none(registration_findings(project()));
}

TEST_CASE("every folder opens with a README") {
  check_none(readme_findings(project()));
}

TEST_CASE("no file names a place of somebody's machine") {
  check_none(machine_path_findings(project()));
}

TEST_CASE("the samples are small and say their licence") {
  check_none(sample_findings(project(), kSampleLimits));
}

TEST_CASE("every shipped voice carries its licence and its provenance inside") {
  for (const SourceFile& file : project()) {
    if (file.path.starts_with("samples/voices/") && file.path.ends_with(".safetensors")) {
      INFO(file.path);
      const VoiceFile voice = parse_voice(std::as_bytes(std::span(file.text)), file.path);
      const nlohmann::json& description = *voice.description;
      REQUIRE(description.contains("licence"));
      CHECK(description["licence"].is_string());
      CHECK_FALSE(description["licence"].get<std::string>().empty());
      REQUIRE(description.contains("training"));
      CHECK_FALSE(description["training"].empty());
    }
  }
}

// --- each rule refuses a tree that breaks it -----------------------------------------------------

TEST_CASE("an unregistered or unrunnable test, a missing source and a stray source are refused") {
  const SourceFile cmake = {"tests/CMakeLists.txt",
                            "ondes_test(engine/test_a.cpp LINK x LABELS fast)\n"};
  const SourceFile test = {"tests/engine/test_a.cpp", ""};
  check_none(registration_findings({cmake, test}));
  check_one(registration_findings({cmake}), "names tests/engine/test_a.cpp, which does not exist");
  check_one(registration_findings({cmake, test, {"tests/engine/test_b.cpp", ""}}),
            "tests/engine/test_b.cpp: no CMakeLists.txt names it");
  check_one(
      registration_findings({{"tests/CMakeLists.txt", "# ondes_test(engine/test_a.cpp)\n"}, test}),
      "no CMakeLists.txt names it");
  check_one(registration_findings(
                {{"tests/CMakeLists.txt", "add_executable(a engine/test_a.cpp)"}, test}),
            "does not register a test");
  check_one(registration_findings({{"tests/fuzz/CMakeLists.txt", "add_library(a fuzz_a.cpp)"},
                                   {"tests/fuzz/fuzz_a.cpp", ""}}),
            "does not register a fuzz");
  check_one(registration_findings({{"engine/CMakeLists.txt", "add_library(e a.cpp)"},
                                   {"engine/a.cpp", ""},
                                   {"engine/deep/b.cpp", ""}}),
            "engine/deep/b.cpp");
}

TEST_CASE("a folder without a README is refused, down to the folder between two others") {
  check_one(readme_findings({{"README.md", ""}, {"a/b/README.md", ""}}), "a/ has no README.md");
  check_one(readme_findings({{"a/README.md", ""}, {"a/x.cpp", ""}}), "the root has no README.md");
  check_none(readme_findings({{"README.md", ""}, {"corpus/midi/one.mid", ""}}));
}

TEST_CASE("a machine's path is refused in text and in binary, a path's middle is not") {
  const std::string place = "/ho" + std::string("me/someone");
  check_one(machine_path_findings({{"a.md", "one\ntwo " + place}}), "a.md:2");
  check_one(machine_path_findings({{"v.safetensors", std::string("\0\1", 2) + place}}), "v.safe");
  check_one(machine_path_findings({{"a.md", place}}), "a.md:1");
  check_none(machine_path_findings({{"a.md", "example.org" + place}}));
}

TEST_CASE("a large sample, too many of them and one without a licence are refused") {
  const SampleLimits limits = {.file_bytes = 10, .total_bytes = 20};
  const SourceFile readme = {"samples/README.md", "licence"};
  check_none(sample_findings({readme, {"samples/a.mid", "123456789"}}, limits));
  check_one(sample_findings({readme, {"samples/a.mid", "1234567890"}}, limits), "10 bytes");
  check_one(
      sample_findings({readme, {"samples/a.mid", "1234567"}, {"samples/b.mid", "123456"}}, limits),
      "samples/: 20 bytes");
  check_one(sample_findings({{"samples/README.md", ""}, {"samples/a.mid", ""}}, limits),
            "does not name a licence");
}

}  // namespace
}  // namespace ondes::house
