// The scores of the test data, through the whole program: what people feed it is not what we wrote.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>

#include "dsp/audio_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/test_data.h"

using namespace ondes;

// A sanitized program is ten times slower: it renders one score in nine.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStride = 9;
#else
constexpr int kStride = 1;
#endif

TEST_CASE("all real scores render: stereo, finite, as long as the score and its tail") {
  const auto data = test_data();
  if (!data) {
    std::puts("SKIPPED: the test data is not there (../shared/data or ONDES_TEST_DATA)");
    return;
  }
  const OndesRig rig;
  int scores = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*data / "midi")) {
    if (entry.path().extension() != ".mid") {
      continue;
    }
    if (scores++ % kStride != 0) {
      continue;
    }
    const std::string score = entry.path().string();
    INFO(score);
    const ProgramResult about = rig.run({"info", score, "--json"});
    REQUIRE(about.exit_code == 0);
    const double duration_s = nlohmann::json::parse(about.out).at("duration_s").get<double>();
    const ProgramResult result = rig.run({"render", score, "-o", "out.wav", "--voice", "voice",
                                          "--force", "--precision", "i8", "--max-lanes", "128"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    // The reader refuses NaN and Inf.
    const AudioClip clip = read_audio_file(rig.folder.file("out.wav"));
    CHECK(clip.info.channels == 2);
    const double rendered_s = static_cast<double>(clip.info.frames) / clip.info.sample_rate_hz;
    CHECK(rendered_s >= duration_s - 1.0);   // a score may end in a second of silence
    CHECK(rendered_s <= duration_s + 25.0);  // the longest release a lane may have, and pedals
    const float peak = *std::max_element(clip.samples.begin(), clip.samples.end());
    CHECK(peak > 0.001F);
  }
  CHECK(scores == 37);
}
