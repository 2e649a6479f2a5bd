// The keys of `ondes play`, pressed in a terminal, on the device that is only a clock.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <thread>

#include "dsp/audio_file.h"
#include "tests/support/keys_terminal.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr int kRateHz = 16000;  // of the small voice

struct KeysRig : OndesRig {
  KeysRig() {
    write_bytes(folder.file("other.safetensors"), short_release_voice(2));
    write_bytes(folder.file("long.mid"), test_score(8));
  }
  // Presses keys once so much of the score has been played, one after the other.
  struct Press {
    double at_s;
    std::string keys;
  };
  ProgramResult play(std::vector<std::string> arguments, const std::vector<Press>& presses) const {
    KeysTerminal terminal;
    arguments.insert(arguments.begin(), "play");
    for (const char* argument : {"--audio-device", "clock", "--speed", "2", "--gain-db", "-12",
                                 "--json", "--record", "played.wav", "--force"}) {
      arguments.emplace_back(argument);
    }
    ProgramOptions options;
    options.stdin_file = terminal.path();
    options.stdout_file = folder.file("telemetry");
    ProgramResult result;
    std::thread program([&] { result = run(arguments, options); });
    std::size_t next = 0;
    for (int tries = 0; next < presses.size() && tries < 2000; ++tries) {
      if (position_s() >= presses[next].at_s) {
        terminal.press(presses[next++].keys);
      }
      std::this_thread::sleep_for(10ms);
    }
    program.join();
    INFO(result.err);
    CHECK(next == presses.size());
    return result;
  }
  std::vector<json> telemetry() const {
    std::istringstream stream(bytes("telemetry"));
    std::vector<json> lines;
    for (std::string line; std::getline(stream, line) && line.ends_with("}");) {
      lines.push_back(json::parse(line));
    }
    return lines;
  }
  AudioClip clip(const std::string& name) const { return read_audio_file(folder.file(name)); }

 private:
  double position_s() const {
    const std::vector<json> lines = telemetry();
    return lines.empty() ? 0.0 : lines.back()["position_s"].get<double>();
  }
};

// A machine that is busy with other things (or with a sanitizer) is late, or gives notes up: then
// there is nothing to learn about keys.
bool was_too_slow(const ProgramResult& result) {
  const bool late = result.err.find("; 0 underruns") == std::string::npos ||
                    result.err.find("the load was too high") != std::string::npos;
  if (late) {
    WARN("not judged: the machine is too busy to play in time");
  }
  return late;
}

// A frame's time takes seven digits after the point.
std::string exactly(double seconds) {
  std::ostringstream text;
  text << std::setprecision(17) << seconds;
  return text.str();
}

}  // namespace

// The recording tells the whole story: the first voice's render until the change; from there the
// first voice rings out while the second one plays the score's notes from that very sample on; once
// the first one is silent, it is what the second one alone plays from there.
TEST_CASE("v takes the next voice at a sample: no gap, no note twice, none left out") {
  const KeysRig rig;
  REQUIRE(rig.run({"render", "long.mid", "-o", "first.wav", "--voice", "voice", "--bits", "32f",
                   "--gain-db", "-12"})
              .exit_code == 0);
  const AudioClip first = rig.clip("first.wav");
  const ProgramResult result =
      rig.play({"long.mid", "--voice", "voice", "--voice", "other"}, {{2.0, "v"}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::vector<json> telemetry = rig.telemetry();
  if (was_too_slow(result)) {
    return;
  }
  // The end is looked for every 256 samples, counted from a source's beginning.
  CHECK(std::abs(telemetry.back()["played_frames"].get<std::int64_t>() - first.info.frames) < 256);

  const AudioClip played = rig.clip("played.wav");
  const auto frames = static_cast<std::size_t>(first.info.frames - 256);
  REQUIRE(played.samples.size() >= 2 * frames);
  const auto differs = [&](std::size_t t) {
    return played.samples[2 * t] != first.samples[2 * t] ||
           played.samples[2 * t + 1] != first.samples[2 * t + 1];
  };
  std::size_t change = 0;
  while (change < frames && !differs(change)) {
    ++change;
  }
  REQUIRE(change > 2 * kRateHz);  // v was pressed after 2 s
  REQUIRE(change < 7 * kRateHz);
  // The first note of the second voice is heard there; it began up to a few samples earlier.
  const std::size_t from = change - 32;
  REQUIRE(rig.run({"play", "long.mid", "--voice", "other", "--start",
                   exactly(static_cast<double>(from) / kRateHz), "--audio-device", "clock",
                   "--speed", "0", "--gain-db", "-12", "--quiet", "--record", "second.wav"})
              .exit_code == 0);
  const AudioClip second = rig.clip("second.wav");
  const std::size_t silent = from + kRateHz * 8 / 10;  // notes last 0.24 s, releases 0.2 s
  std::size_t wrong = 0;
  for (std::size_t t = silent; t < frames; ++t) {
    wrong += static_cast<std::size_t>(played.samples[2 * t] != second.samples[2 * (t - from)]);
  }
  CHECK(wrong == 0);
  CHECK(frames - silent > kRateHz);
}

TEST_CASE("space pauses and goes on without a sample lost; q ends in order") {
  const KeysRig rig;
  REQUIRE(rig.run({"render", "long.mid", "-o", "first.wav", "--voice", "voice", "--bits", "32f",
                   "--gain-db", "-12"})
              .exit_code == 0);
  const AudioClip offline = rig.clip("first.wav");
  const ProgramResult result =
      rig.play({"long.mid", "--voice", "voice"}, {{1.0, " "}, {1.0, " "}, {4.0, "q"}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  if (was_too_slow(result)) {
    return;
  }
  const json last = rig.telemetry().back();
  CHECK(last["finished"] == false);
  // The pause has been taken out and in again by a fade: what is before and after it is the render.
  const auto played = last["played_frames"].get<std::int64_t>();
  CHECK(played >= 4 * kRateHz);
  CHECK(played < offline.info.frames);
  const AudioClip recorded = rig.clip("played.wav");
  const auto begin = static_cast<std::size_t>(played) - kRateHz;  // after the pause, before the end
  const std::vector<float> part(
      offline.samples.begin() + static_cast<std::ptrdiff_t>(2 * begin),
      offline.samples.begin() + static_cast<std::ptrdiff_t>(2 * begin + kRateHz));
  CHECK(std::search(recorded.samples.begin(), recorded.samples.end(), part.begin(), part.end()) !=
        recorded.samples.end());
}

TEST_CASE("keys that do not fit what is played say so and change nothing") {
  const KeysRig rig;
  const ProgramResult result =
      rig.play({"long.mid", "--voice", "voice"}, {{1.0, "v"}, {1.0, "]"}, {2.0, "q"}});
  REQUIRE(result.exit_code == 0);
  check_contains(result.err, {"voices: only one", "loop: set its beginning first"});
}
