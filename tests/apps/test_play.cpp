// `ondes play` on the device that is only a clock, as fast as it can: what it records is what a
// device would have played, to the sample.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <tuple>

#include "dsp/audio_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kRateHz = 16000;  // of the small voice

struct PlayRig : OndesRig {
  ProgramResult play(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "play");
    return run(with_clock(std::move(arguments)));
  }
  // Ended by Ctrl-C after a while: loops have no end.
  ProgramResult play_a_while(std::vector<std::string> arguments, const std::string& seconds) const {
    arguments.insert(arguments.begin(), {"--preserve-status", "--foreground", "-s", "INT", seconds,
                                         ONDES_BINARY_DIR "/bin/ondes", "play"});
    ProgramOptions options;
    options.folder = folder.path().string();
    options.environment = {{"ONDES_VOICES", folder.path().string()}};
    return run_program("/usr/bin/timeout", with_clock(std::move(arguments)), options);
  }
  AudioClip clip(const std::string& name) const { return read_audio_file(folder.file(name)); }
  AudioClip rendered(const std::string& score) const {
    const ProgramResult result = run({"render", score, "-o", "offline.wav", "--voice", "voice",
                                      "--bits", "32f", "--gain-db", "-12", "--force"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return clip("offline.wav");
  }

 private:
  static std::vector<std::string> with_clock(std::vector<std::string> arguments) {
    for (const char* argument : {"--voice", "voice", "--audio-device", "clock", "--speed", "0",
                                 "--gain-db", "-12", "--quiet", "--record", "played.wav"}) {
      arguments.emplace_back(argument);
    }
    return arguments;
  }
};

// How many samples of `expected` are not at `first` of `played`.
std::int64_t wrong_samples(const AudioClip& played, std::int64_t first, const AudioClip& expected) {
  REQUIRE(played.info.frames >= first + expected.info.frames);
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < expected.samples.size(); ++i) {
    wrong += static_cast<int>(played.samples[2 * static_cast<std::size_t>(first) + i] !=
                              expected.samples[i]);
  }
  return wrong;
}

bool silent_from(const AudioClip& clip, std::int64_t frame) {
  return std::all_of(clip.samples.begin() + 2 * frame, clip.samples.end(),
                     [](float x) { return x == 0.0F; });
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(json::parse(line));
  }
  return lines;
}

}  // namespace

TEST_CASE("what is played is what is rendered, bit for bit, to the last sample") {
  const PlayRig rig;
  const AudioClip offline = rig.rendered("score.mid");
  const ProgramResult result = rig.play({"score.mid", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const AudioClip played = rig.clip("played.wav");
  CHECK(wrong_samples(played, 0, offline) == 0);
  CHECK(silent_from(played, offline.info.frames));
  const std::vector<json> telemetry = lines_of(result.out);
  REQUIRE(telemetry.size() >= 2);
  CHECK(telemetry.back()["finished"] == true);
  CHECK(telemetry.back()["underruns"] == 0);
  CHECK(telemetry.back()["played_frames"] == offline.info.frames);
  CHECK(telemetry.back()["position_s"].get<double>() ==
        Approx(static_cast<double>(offline.info.frames) / kRateHz).margin(1.0e-6));
}

TEST_CASE(
    "a folder is played item after item without a gap; what the voice does not play is said") {
  const PlayRig rig;
  std::filesystem::create_directory(rig.folder.path() / "list");
  write_bytes(rig.folder.file("list/1.mid"), test_score(2, 55));
  std::ofstream(rig.folder.file("list/2.wav")) << "no sound";
  std::ofstream(rig.folder.file("list/3.mid")) << "no score";
  write_bytes(rig.folder.file("list/4.mid"), test_score(3, 62));
  const AudioClip first = rig.rendered("list/1.mid");
  const AudioClip second = rig.rendered("list/4.mid");
  const ProgramResult result = rig.play({"list"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.find("2.wav") != std::string::npos);
  CHECK(result.err.find("3.mid") != std::string::npos);
  const AudioClip played = rig.clip("played.wav");
  CHECK(wrong_samples(played, 0, first) == 0);
  CHECK(wrong_samples(played, first.info.frames, second) == 0);
  CHECK(silent_from(played, first.info.frames + second.info.frames));
}

TEST_CASE("an input that cannot be played does not keep the next one from being played") {
  const PlayRig rig;
  std::ofstream(rig.folder.file("broken.mid")) << "MThd";
  const AudioClip offline = rig.rendered("score.mid");
  const ProgramResult result = rig.play({"broken.mid", "score.mid"});
  INFO(result.err);
  CHECK(result.exit_code == 3);
  CHECK(result.err.find("broken.mid") != std::string::npos);
  CHECK(wrong_samples(rig.clip("played.wav"), 0, offline) == 0);
}

// Turn after turn the same samples; the first turn differs, since it began before the loop.
TEST_CASE("a loop's turns are equal to the sample") {
  const PlayRig rig;
  const ProgramResult result =
      rig.play_a_while({"score.mid", "--loop-from", "0.5", "--loop-to", "1.25"}, "3");
  INFO(result.err);
  REQUIRE(result.exit_code == 130);
  const AudioClip played = rig.clip("played.wav");
  constexpr std::int64_t kFirst = 20'000;  // 1.25 s
  constexpr std::int64_t kTurn = 12'000;
  REQUIRE(played.info.frames > kFirst + 8 * kTurn);
  const auto at = [&](std::int64_t frame) {
    return played.samples[2 * static_cast<std::size_t>(frame)];
  };
  for (int turn = 2; turn < 7; ++turn) {
    std::int64_t wrong = 0;
    std::int64_t shifted = 0;
    for (std::int64_t t = 0; t < kTurn; ++t) {
      const std::int64_t frame = kFirst + turn * kTurn + t;
      wrong += static_cast<int>(at(frame) != at(frame - kTurn));
      shifted += static_cast<int>(at(frame + 1) != at(frame - kTurn));
    }
    CHECK(wrong == 0);
    CHECK(shifted > kTurn / 2);  // that the loop is heard at all
  }
  CHECK(wrong_samples(played, 0, [&] {
          AudioClip offline = rig.rendered("score.mid");
          offline.info.frames = kFirst;
          offline.samples.resize(2 * kFirst);
          return offline;
        }()) == 0);
}

TEST_CASE("a list that repeats begins again after its last sample") {
  const PlayRig rig;
  const AudioClip offline = rig.rendered("score.mid");
  const ProgramResult result = rig.play_a_while({"score.mid", "--loop"}, "3");
  INFO(result.err);
  REQUIRE(result.exit_code == 130);
  CHECK(result.err.find(" s, which played.wav holds") != std::string::npos);
  const AudioClip played = rig.clip("played.wav");
  REQUIRE(played.info.frames > 2 * offline.info.frames);
  CHECK(wrong_samples(played, 0, offline) == 0);
  CHECK(wrong_samples(played, offline.info.frames, offline) == 0);
}

TEST_CASE("twice the tempo takes half the time, and position runs twice as fast") {
  const PlayRig rig;
  const auto score_frames = rig.rendered("score.mid").info.frames;
  const ProgramResult result = rig.play({"score.mid", "--tempo", "2", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json last = lines_of(result.out).back();
  const auto frames = last["played_frames"].get<std::int64_t>();
  // The last note's release is not shorter.
  CHECK(frames < score_frames * 6 / 10);
  CHECK(frames >= score_frames / 2);
  CHECK(last["position_s"].get<double>() ==
        Approx(2.0 * static_cast<double>(frames) / kRateHz).margin(1.0e-6));
}

TEST_CASE("playing from the middle gives the notes that begin there") {
  const PlayRig rig;
  const AudioClip offline = rig.rendered("score.mid");
  const ProgramResult result = rig.play({"score.mid", "--start", "1.0"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.find("0 underruns") != std::string::npos);
  const AudioClip played = rig.clip("played.wav");
  CHECK(played.info.frames >= offline.info.frames - kRateHz);
  CHECK(silent_from(played, offline.info.frames - kRateHz));
}

TEST_CASE("another rate than the voice's changes the rate, not the length") {
  const PlayRig rig;
  const AudioClip offline = rig.rendered("score.mid");
  const ProgramResult result = rig.play({"score.mid", "--rate", "48000", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json last = lines_of(result.out).back();
  CHECK(last["rate"] == 48000);
  CHECK(last["played_frames"] == 3 * offline.info.frames);
  CHECK(rig.clip("played.wav").info.sample_rate_hz == 48000);
}

TEST_CASE("requests that make no sense are refused before anything sounds") {
  const PlayRig rig;
  const auto refused = [&](const std::vector<std::string>& arguments, int exit_code,
                           const std::string& named) {
    std::vector<std::string> all{"play", "score.mid", "--voice", "voice", "--quiet"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramResult result = rig.run(all);
    INFO(result.err);
    CHECK(result.exit_code == exit_code);
    CHECK(result.err.find(named) != std::string::npos);
    CHECK(result.err.starts_with("ondes: "));
  };
  refused({"--audio-device", "no such card"}, 5, "no such card");
  refused({"--speed", "2"}, 2, "--speed");
  refused({"--audio-device", "clock", "--speed", "1e-9"}, 2, "--speed: expected 0, or a number");
  refused({"--audio-device", "clock", "--speaker", "0"}, 2, "--speaker");
  refused({"--loop-from", "1"}, 2, "--loop-to");
  refused({"--audio-device", "clock", "--loop-from", "1", "--loop-to", "1.2"}, 2, "0.5 s");
  refused({"--tempo", "11"}, 2, "--tempo");
  refused({"--audio-device", "clock", "--record", "score.mid"}, 4, "score.mid");
  refused({"--audio-device", "clock", "--device", "cuda"}, 5, "cuda");
  const ProgramResult missing =
      rig.run({"play", "none.mid", "--voice", "voice", "--audio-device", "clock"});
  CHECK(missing.exit_code == 4);
  CHECK(missing.err.find("none.mid") != std::string::npos);
}

// 64 held notes of a WaveNet are too much for any processor that tests run on.
TEST_CASE("too many notes for the machine are given up, and the listener is told") {
  const PlayRig rig;
  MidiWriter writer(480, "wall");
  const int track = writer.add_track("wall");
  for (int i = 0; i < 64; ++i) {
    writer.note(track, 0, 480 * 4, i / 16, 40 + i % 16 * 3, 100);
  }
  write_bytes(rig.folder.file("wall.mid"), writer.bytes());
  const ProgramResult result =
      rig.run({"play", "wall.mid", "--voice",
               std::string(ONDES_SOURCE_DIR) + "/samples/voices/chamber.safetensors",
               "--audio-device", "clock", "--max-lanes", "64", "--quiet", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const json last = lines_of(result.out).back();
  if (last["lane_limit"].is_null()) {
    WARN("not judged: this machine plays 64 notes of the WaveNet");
    return;
  }
  CHECK(last["lane_limit"] < 64);
  CHECK(result.err.find("the load was too high: at most") != std::string::npos);
  CHECK(result.err.find("one second of sound takes") != std::string::npos);
}

// 200 KB are 1.5 s of stereo at 16 kHz; the score has two.
TEST_CASE("a full disk ends the recording, not the sound: played to the end, exit 4, no file") {
  const PlayRig rig;
  ProgramOptions options;
  options.file_size_limit_bytes = 200'000;
  const ProgramResult result = rig.run({"play", "score.mid", "--voice", "voice", "--audio-device",
                                        "clock", "--quiet", "--json", "--record", "played.wav"},
                                       options);
  INFO(result.err);
  CHECK(result.exit_code == 4);
  const std::vector<json> telemetry = lines_of(result.out);
  CHECK(telemetry.front()["recording"] == "on");
  CHECK(telemetry.back()["recording"] == "failed");
  CHECK(telemetry.back()["finished"] == true);
  CHECK(telemetry.back()["underruns"] == 0);
  CHECK(result.err.find("the recording has ended, playing goes on: played.wav") !=
        std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(rig.folder.path())) {
    CHECK(entry.path().string().find("played") == std::string::npos);
  }
}

TEST_CASE("where there is no card, devices says what to try, and ends with exit code 5 if none") {
  const PlayRig rig;
  const ProgramResult result = rig.run({"devices", "--json"});
  const json devices = json::parse(result.out);
  CHECK(result.exit_code == (devices["outputs"].empty() ? 5 : 0));
  CHECK(devices["advice"].size() >= 3);
  const ProgramResult text = rig.run({"devices"});
  CHECK(text.exit_code == result.exit_code);
  CHECK((text.out + text.err).find(devices["outputs"].empty() ? "jackd" : "*") !=
        std::string::npos);
}

TEST_CASE("live refuses what it cannot play or listen to, and says what there is") {
  const PlayRig rig;
  const auto refused = [&](std::vector<std::string> arguments, int exit_code,
                           const std::string& named) {
    arguments.insert(arguments.begin(), {"live", "--audio-device", "clock", "--quiet"});
    const ProgramResult result = rig.run(arguments);
    INFO(result.err);
    CHECK(result.exit_code == exit_code);
    CHECK(result.err.find(named) != std::string::npos);
  };
  refused({"--voice", "voice", "--midi-api", "jack"}, 5, "JACK");
  refused({"--voice", "voice", "--morph-to", "flute"}, 2, "--morph-cc");
  refused({"--voice", "voice", "--speaker", "0"}, 2, "--speaker");
  refused({"--voice", "voice", "--morph-cc", "1", "--morph-to", "tuba", "--midi-api", "jack"}, 2,
          "piano, flute");
  refused({"--voice", "no such voice"}, 3, "no such voice");
}

TEST_CASE("a folder in which nothing plays gives the reason of each file") {
  const PlayRig rig;
  std::filesystem::create_directory(rig.folder.file("bad"));
  std::ofstream(rig.folder.file("bad/a.mid")) << "";
  std::ofstream(rig.folder.file("bad/b.mid")) << "MThd and no more";
  const ProgramResult two = rig.play({"bad"});
  CHECK(two.exit_code == 3);
  check_contains(
      two.err, {"nothing that the voice small plays among 2 inputs", "bad/a.mid: ", "bad/b.mid: "});
  std::filesystem::remove(rig.folder.file("bad/b.mid"));
  const ProgramResult one = rig.play({"bad"});
  CHECK(one.exit_code == 3);
  CHECK(one.err.starts_with("ondes: bad/a.mid: "));
  CHECK_FALSE(rig.exists("played.wav"));
}

TEST_CASE("places that the input does not have are refused") {
  const PlayRig rig;
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--start", "9999"},
        {"--loop-from", "5000", "--loop-to", "6000"},
        {"--loop-to", "9999", "--loop-from", "0.25"},
        {"--start", "1.5", "--loop-from", "0.25", "--loop-to", "1"}}) {
    std::vector<std::string> arguments{"score.mid"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = rig.play(arguments);
    CAPTURE(result.err);
    CHECK(result.exit_code == 2);
    check_contains(result.err, {options[0] + ": expected ", "found " + options[1] + " s"});
    CHECK_FALSE(rig.exists("played.wav"));
  }
}

TEST_CASE("what is no file is refused as what it is, and passed over in a folder") {
  const PlayRig rig;
  std::filesystem::create_directory(rig.folder.file("list"));
  REQUIRE(::mkfifo(rig.folder.file("list/pipe.mid").c_str(), 0600) == 0);
  std::filesystem::create_symlink("/dev/null", rig.folder.file("list/null.mid"));
  std::filesystem::create_symlink("circle.mid", rig.folder.file("list/circle.mid"));
  std::filesystem::create_symlink("nowhere", rig.folder.file("list/gone.mid"));
  std::filesystem::create_directory(rig.folder.file("list/folder.mid"));
  for (const auto& [input, exit_code, named] :
       {std::tuple{"/dev/null", 4, "/dev/null: expected a file, found a device"},
        std::tuple{"/dev/zero", 4, "/dev/zero: expected a file, found a device"},
        std::tuple{"list/pipe.mid", 4, "list/pipe.mid: expected a file, found a pipe"},
        std::tuple{"list/circle.mid", 4, "list/circle.mid: "},
        std::tuple{"list", 3, "list: a folder without scores, mels or sounds"}}) {
    const ProgramResult result = rig.play({input});
    INFO(result.err);
    CHECK(result.exit_code == exit_code);
    CHECK(result.err.starts_with(std::string("ondes: ") + named));
    const ProgramResult rendered = rig.run({"render", input, "-o", "out.wav", "--voice", "voice"});
    CHECK(rendered.exit_code == (exit_code == 3 ? 4 : exit_code));
    check_contains(rendered.err, {input});
  }
  std::filesystem::copy_file(rig.folder.file("score.mid"), rig.folder.file("list/z.mid"));
  const ProgramResult result = rig.play({"list"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  check_contains(result.err, {"list/z.mid: "});
  CHECK(result.err.find("passed over") == std::string::npos);
}

TEST_CASE("a loop to the end that was shown, rounded up, goes to the end") {
  const PlayRig rig;
  const double end_s = static_cast<double>(rig.rendered("score.mid").info.frames) / kRateHz;
  const std::string shown = std::to_string(std::ceil(100.0 * end_s) / 100.0);
  const ProgramResult result =
      rig.play_a_while({"score.mid", "--loop-from", "1", "--loop-to", shown}, "1");
  INFO(result.err);
  CHECK(result.exit_code == 130);
}

TEST_CASE("one output for two things, and one that is the input, are refused") {
  const PlayRig rig;
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& named) {
    const ProgramResult result = rig.run(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err == "ondes: " + named + "\n");
    CHECK(result.out.empty());
  };
  const std::vector<std::string> play{"play",           "score.mid", "--voice", "voice",
                                      "--audio-device", "clock",     "--quiet"};
  const std::vector<std::string> live{"live",           "--voice", "voice",
                                      "--audio-device", "clock",   "--quiet"};
  const auto with = [](std::vector<std::string> all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  refused(with(play, {"--json", "--record", "-"}),
          "--json and --record - both want standard output");
  refused(with(play, {"--force", "--record", "score.mid"}),
          "score.mid: is the input itself; choose another output");
  refused(with(live, {"--json", "--score-out", "-"}),
          "--json and --score-out - both want standard output");
  refused(with(live, {"--record", "a.wav", "--score-out", "a.wav"}),
          "--record and --score-out: expected two files, found a.wav for both");
  refused(with(live, {"--score-out", "/dev/stdout", "--record", "-"}),
          "--record and --score-out: expected two files, found - for both");
}

// `timeout` signals its child, and then the group that both are in: twice the same request.
TEST_CASE("a closed terminal and timeout's two signals end it in order, the recording whole") {
  const PlayRig rig;
  const auto signal = GENERATE(as<std::string>{}, "HUP", "TERM");
  CAPTURE(signal);
  ProgramOptions options;
  options.folder = rig.folder.path().string();
  options.environment = {{"ONDES_VOICES", rig.folder.path().string()}};
  const ProgramResult result =
      run_program("/usr/bin/timeout",
                  {"--preserve-status", "-s", signal, "2", ONDES_BINARY_DIR "/bin/ondes", "play",
                   "score.mid", "--voice", "voice", "--audio-device", "clock", "--quiet",
                   "--record", "played.wav", "--loop"},
                  options);
  INFO(result.err);
  CHECK(result.exit_code == 130);
  check_contains(result.err, {"interrupted after", "which played.wav holds"});
  REQUIRE(rig.exists("played.wav"));
  CHECK(rig.clip("played.wav").info.frames > kRateHz);
}
