// What `ondes play` does while the next thing is being loaded: it goes on.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <sstream>
#include <thread>

#include "dsp/audio_file.h"
#include "engine/weights/mel_file.h"
#include "tests/support/keys_terminal.h"
#include "tests/support/ondes_program.h"
#include "tests/support/telemetry_lines.h"

using namespace ondes;
using namespace std::chrono_literals;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

// Loading it takes longer than any test: its notes last to its end, so that to know when that is they
// must be followed for 20 hours.
std::vector<std::byte> endless_score() {
  MidiWriter writer(480, "drones");
  const int track = writer.add_track("drones");
  constexpr int kTicks = 20 * 3600 * 960;
  for (int i = 0; i < 32; ++i) {
    writer.note(track, 0, kTicks, i % 8, 40 + i, 90);
  }
  return writer.bytes();
}

struct LoadingRig : OndesRig {
  LoadingRig() {
    write_bytes(folder.file("1.mid"), test_score(1));
    write_bytes(folder.file("2.mid"), endless_score());
    write_bytes(folder.file("3.mid"), test_score(1, 50));
  }
  struct Press {
    std::chrono::milliseconds rest;
    std::string keys;
  };
  // Keys after rests; `until` must be true before each of them, for 20 s at most.
  ProgramResult play(std::vector<std::string> arguments,
                     const std::vector<Press>& presses,
                     const std::function<bool(const std::vector<json>&)>& until) const {
    KeysTerminal terminal;
    arguments.insert(arguments.begin(), "play");
    for (const char* argument : {"--voice", "voice", "--audio-device", "clock", "--gain-db", "-12",
                                 "--json", "--record", "played.wav"}) {
      arguments.emplace_back(argument);
    }
    ProgramOptions options;
    options.stdin_file = terminal.path();
    options.stdout_file = folder.file("telemetry");
    ProgramResult result;
    std::thread program([&] { result = run(arguments, options); });
    const Clock::time_point most = Clock::now() + 20s;
    while (!until(telemetry()) && Clock::now() < most) {
      std::this_thread::sleep_for(10ms);
    }
    for (const Press& press : presses) {
      std::this_thread::sleep_for(press.rest);
      terminal.press(press.keys);
    }
    const Clock::time_point pressed = Clock::now();
    program.join();
    ended_after = Clock::now() - pressed;
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result;
  }
  std::vector<json> telemetry() const { return telemetry_lines(bytes("telemetry")); }
  mutable Clock::duration ended_after{};
};

bool waits(const std::vector<json>& lines) {
  return lines.size() > 1 && lines.back()["waits_for"] == "2.mid" &&
         lines.back()["played_frames"] == lines[lines.size() - 2]["played_frames"];
}

// Ten times the loop's turn of 100 ms, for a busy machine. Loading takes minutes.
constexpr auto kBounded = 1s;

}  // namespace

TEST_CASE("what takes long to load is waited for in silence, said once, and given up by q") {
  const LoadingRig rig;
  const ProgramResult result = rig.play({"1.mid", "2.mid"}, {{1500ms, "q"}}, waits);
  CHECK(rig.ended_after < kBounded);
  CHECK(result.err.find("waits for 2.mid to load") != std::string::npos);
  CHECK(result.err.find("waits for") == result.err.rfind("waits for"));
  // The clock went on, and so did the telemetry: a line a second, none in between.
  const std::vector<json> lines = rig.telemetry();
  REQUIRE(lines.size() >= 4);
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
    const double passed_s =
        (lines[i]["device_frames"].get<double>() - lines[i - 1]["device_frames"].get<double>()) /
        lines[i]["rate"].get<double>();
    CHECK(passed_s > 0.5);
    CHECK(passed_s < 2.0);
  }
  CHECK(lines.back()["underruns"] == 0);
}

TEST_CASE("an item that is skipped while it loads is abandoned; the one after it plays whole") {
  const LoadingRig rig;
  REQUIRE(rig.run({"render", "3.mid", "-o", "offline.wav", "--voice", "voice", "--bits", "32f",
                   "--gain-db", "-12"})
              .exit_code == 0);
  // The first n asks for what is being loaded anyhow, the second one for what follows it.
  const ProgramResult result =
      rig.play({"1.mid", "2.mid", "3.mid"}, {{0ms, "n"}, {300ms, "n"}}, waits);
  const AudioClip offline = read_audio_file(rig.folder.file("offline.wav"));
  const AudioClip played = read_audio_file(rig.folder.file("played.wav"));
  CHECK(rig.telemetry().back()["item"] == 2);
  CHECK(std::search(played.samples.begin(), played.samples.end(), offline.samples.begin(),
                    offline.samples.end()) != played.samples.end());
  CHECK(rig.telemetry().back()["finished"] == true);
}

TEST_CASE("while an item that was asked for loads, what plays goes on playing") {
  const LoadingRig rig;
  write_bytes(rig.folder.file("1.mid"), test_score(4));
  rig.play({"1.mid", "2.mid"}, {{0ms, "n"}, {1500ms, "q"}},
           [](const std::vector<json>& lines) { return !lines.empty(); });
  const json last = rig.telemetry().back();
  CHECK(last["item"] == 0);
  CHECK(last["waits_for"] == "2.mid");
  CHECK(last["position_s"].get<double>() > 1.0);
  CHECK(rig.ended_after < kBounded);
}

TEST_CASE("a folder of frames plays turn after turn without a gap") {
  const OndesRig rig;
  const std::string golden = std::string(ONDES_SOURCE_DIR) + "/tests/golden/torch/hifigan_1";
  REQUIRE(
      rig.run({"import", golden + ".pt", "--config", golden + ".json", "-o", "vocoder.safetensors"})
          .exit_code == 0);
  std::filesystem::create_directory(rig.folder.path() / "list");
  for (int i = 0; i < 8; ++i) {
    Mel mel;
    mel.mels = 4;
    mel.frames = 24;  // 12 ms
    mel.values.assign(static_cast<std::size_t>(mel.mels * mel.frames),
                      -2.0F + 0.25F * static_cast<float>(i));
    write_bytes(rig.folder.file("list/" + std::to_string(i) + ".npy"), write_mel_npy(mel));
  }
  ProgramOptions options;
  options.folder = rig.folder.path().string();
  options.environment = {{"ONDES_VOICES", rig.folder.path().string()}};
  const ProgramResult result = run_program(
      "/usr/bin/timeout",
      {"--preserve-status", "--foreground", "-s", "INT", "4", ONDES_BINARY_DIR "/bin/ondes", "play",
       "list", "--loop", "--voice", "vocoder", "--audio-device", "clock", "--quiet", "--json"},
      options);
  INFO(result.err);
  REQUIRE(result.exit_code == 130);
  std::istringstream stream(result.out);
  std::vector<json> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(json::parse(line));
  }
  REQUIRE(lines.size() >= 4);
  INFO(lines.back());
  CHECK(lines.back()["duration_s"].get<double>() < 0.02);
  // The last line comes after the fade of the end. A turn of the control loop may be late on a busy
  // machine; one item a turn was a tenth of this.
  const json& line = lines[lines.size() - 2];
  CHECK(line["played_frames"].get<double>() > 0.8 * line["device_frames"].get<double>());
  // What there is to say of an item is said once, however often it comes round.
  int remarks = 0;
  const std::string remark = "does not say how it was made";
  for (std::size_t at = result.err.find(remark); at != std::string::npos;
       at = result.err.find(remark, at + 1)) {
    ++remarks;
  }
  CHECK(remarks == 8);
}
