#include <catch2/catch.hpp>

#include "tests/support/ondes_program.h"
#include "tests/support/test_data.h"

using namespace ondes;

TEST_CASE("real scores render, every note of them, and end in silence") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data (../shared/data or $ONDES_TEST_DATA)");
    return;
  }
  const OndesRig rig;
  int rendered = 0;
  std::vector<std::filesystem::path> scores;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*data / "midi")) {
    if (entry.path().extension() == ".mid") {
      scores.push_back(entry.path());
    }
  }
  std::sort(scores.begin(), scores.end());
  // Every twelfth: a sample of formats and sizes that a slow machine renders in half a minute. All
  // of them are parsed, note by note, in tests/golden.
  for (std::size_t i = 0; i < scores.size(); i += 12) {
    INFO(scores[i].filename().string());
    const ProgramResult info = rig.run({"info", scores[i].string(), "--json"});
    REQUIRE(info.exit_code == 0);
    const ProgramResult result = rig.run({"render", scores[i].string(), "-o", "out.wav", "--force",
                                          "--voice", "voice", "--json", "--progress", "none"});
    REQUIRE(result.exit_code == 0);
    const nlohmann::json summary = nlohmann::json::parse(result.out).at("outputs").at(0);
    const nlohmann::json score = nlohmann::json::parse(info.out);
    CHECK(summary.at("notes") == score.at("notes"));
    CHECK(summary.at("stolen_notes") == 0);
    CHECK(summary.at("lanes_max").get<int>() >= score.at("max_polyphony").get<int>() / 2);
    const double after =
        summary.at("duration_s").get<double>() - score.at("duration_s").get<double>();
    CHECK(after >= 0.0);
    CHECK(after < 1.0);  // the voice's release is a fifth of a second
    ++rendered;
  }
  CHECK(rendered > 0);
}
