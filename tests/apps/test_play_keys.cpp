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
#include "tests/support/telemetry_lines.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr int kRateHz = 16000;  // of the small voice

const std::string kRight = "\x1b[C";
const std::string kLeft = "\x1b[D";
const std::string kUp = "\x1b[A";
const std::string kDown = "\x1b[B";
const std::string kHome = "\x1b[H";

std::string times(int count, const std::string& key) {
  std::string keys;
  for (int i = 0; i < count; ++i) {
    keys += key;
  }
  return keys;
}

struct KeysRig : OndesRig {
  KeysRig() {
    write_bytes(folder.file("other.safetensors"), short_release_voice(2));
    write_bytes(folder.file("long.mid"), test_score(8));
    write_bytes(folder.file("longer.mid"), test_score(40));
  }
  // Presses keys once the score is at a place, or after it, one after the other.
  struct Press {
    double at_s;
    std::string keys;
    std::chrono::milliseconds rest = 0ms;  // before they are pressed
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
        std::this_thread::sleep_for(presses[next].rest);
        terminal.press(presses[next++].keys);
      }
      std::this_thread::sleep_for(10ms);
    }
    if (next < presses.size()) {
      terminal.press("q");  // it never got there
    }
    program.join();
    INFO(result.err);
    CHECK(next == presses.size());
    return result;
  }
  std::vector<json> telemetry() const { return telemetry_lines(bytes("telemetry")); }
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

TEST_CASE("held arrows set no loop: the end of a read cuts no key in two") {
  const KeysRig rig;
  // Ends in order, so the loop that must not be there would be seen as a position that comes back.
  const ProgramResult result =
      rig.play({"longer.mid", "--voice", "voice"}, {{0.2, " "},
                                                    {0.0, times(60, kRight + kLeft) + kRight},
                                                    {4.9, "]", 200ms},
                                                    {4.9, "q", 200ms}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  check_contains(result.err, {"loop: set its beginning first"});  // no key was a [
}

// In a pause the position stands still, so that it can be known exactly.
TEST_CASE("in a pause every seek counts, however many there are, and is shown") {
  const KeysRig rig;
  const ProgramResult result = rig.play(
      {"longer.mid", "--voice", "voice"},
      {{0.2, " "}, {0.0, times(75, kLeft)}, {0.0, times(3, kRight) + "," + ".."}, {15.5, "q"}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(rig.telemetry().back()["position_s"] == Approx(16.0).margin(1e-3));
}

TEST_CASE("seeks that are pressed at once while it plays count one by one") {
  const KeysRig rig;
  const ProgramResult result =
      rig.play({"longer.mid", "--voice", "voice"}, {{0.2, times(3, kRight)}, {15.0, "q"}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const double played_s = rig.telemetry().back()["played_frames"].get<double>() / kRateHz;
  CHECK(played_s < 15.0);  // it went there and did not play up to there
}

TEST_CASE("tempo, temperature and voice do not undo a seek") {
  const KeysRig rig;
  const auto key = GENERATE(as<std::string>{}, kUp, "T", "v");
  CAPTURE(key);
  SECTION("in a pause") {
    const ProgramResult result =
        rig.play({"longer.mid", "--voice", "voice", "--voice", "other"},
                 {{0.2, " "}, {0.0, times(3, kRight)}, {15.0, key}, {15.0, " "}, {15.5, "q"}});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK(rig.telemetry().back()["played_frames"].get<double>() / kRateHz < 15.0);
  }
  SECTION("pressed with the seek") {
    const ProgramResult result = rig.play({"longer.mid", "--voice", "voice", "--voice", "other"},
                                          {{0.2, times(3, kRight) + key}, {15.0, "q"}});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK(rig.telemetry().back()["played_frames"].get<double>() / kRateHz < 15.0);
  }
}

TEST_CASE("the keys for tempo, temperature, the beginning and the next and previous item") {
  const KeysRig rig;
  const std::vector<std::string> inputs{"long.mid", "longer.mid", "--voice", "voice"};
  SECTION("two up, one down; three warmer, one cooler; home") {
    const ProgramResult result =
        rig.play(inputs, {{0.2, " "},
                          {0.0, kRight},
                          {4.9, times(2, kUp) + kDown + "TTT" + "t" + kHome, 0ms},
                          {0.0, "q", 500ms}});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const json last = rig.telemetry().back();
    CHECK(last["tempo"] == Approx(1.05).margin(1e-9));
    const double temperature = rig.telemetry().front()["temperature"].get<double>();
    CHECK(last["temperature"] == Approx(std::min(temperature + 0.1, 1.95)).margin(1e-9));
    CHECK(last["position_s"] == 0.0);
  }
  SECTION("next") {
    REQUIRE(rig.play(inputs, {{0.2, " "}, {0.0, kRight + "n"}, {0.0, "q", 500ms}}).exit_code == 0);
    const json last = rig.telemetry().back();
    CHECK(last["item"] == 1);
    CHECK(last["title"] == "longer.mid");
    CHECK(last["position_s"] == 0.0);
  }
  SECTION("next, a seek and previous") {
    REQUIRE(
        rig.play(inputs, {{0.2, " "}, {0.0, "n" + kRight + "p"}, {0.0, "q", 500ms}}).exit_code ==
        0);
    const json last = rig.telemetry().back();
    CHECK(last["item"] == 0);
    CHECK(last["position_s"] == 0.0);
  }
}

TEST_CASE("[ and ] repeat what lies between them until l lets it go on") {
  const KeysRig rig;
  const ProgramResult result = rig.play({"long.mid", "--voice", "voice"},
                                        {{1.0, "["}, {3.0, "]"}, {0.0, "l", 4000ms}, {5.0, "q"}});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::vector<json> telemetry = rig.telemetry();
  // 4 s at double speed are 8 s of sound, and the score has as many: without the loop it had ended.
  CHECK(telemetry.back()["played_frames"].get<double>() / kRateHz > 3.0 + 7.0);
  CHECK(telemetry.back()["finished"] == false);
}
