// `ondes play` and `ondes live` through a real sound server, heard by another client of it.
//
// ONDES_PLAY_SECONDS and ONDES_LIVE_NOTES make the tests as long as one likes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include "dsp/audio_file.h"
#include "tests/support/jack_rig.h"
#include "tests/support/keeps_up.h"
#include "tests/support/ondes_program.h"

using namespace ondes;
using namespace std::chrono_literals;

namespace {

constexpr int kRateHz = 48000;

int from_environment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

bool skipped() {
  if (jackd_is_installed()) {
    return false;
  }
  WARN("skipped: jackd is not installed (apt-get install jackd2)");
  return true;
}

ProgramResult run_ondes(const std::vector<std::string>& arguments) {
  return run_program(ONDES_BINARY_DIR "/bin/ondes", arguments);
}

std::string live_voice() {
  return std::string(ONDES_SOURCE_DIR) + "/samples/voices/chamber-live.safetensors";
}

// Where the captured sound lies in the offline render: captured[t] is offline[t + shift].
std::optional<std::int64_t> find_shift(const std::vector<float>& captured,
                                       std::int64_t frames,
                                       const AudioClip& offline) {
  const auto first = static_cast<std::int64_t>(
      std::find_if(captured.begin(), captured.begin() + frames, [](float x) { return x != 0.0F; }) -
      captured.begin());
  const std::int64_t total = offline.info.frames;
  for (std::int64_t candidate = 0; candidate + 256 < total; ++candidate) {
    bool same = true;
    for (std::int64_t t = 0; same && t < 256; ++t) {
      same = captured[static_cast<std::size_t>(first + t)] ==
             offline.samples[2 * static_cast<std::size_t>(candidate + t)];
    }
    if (same && offline.samples[2 * static_cast<std::size_t>(candidate)] != 0.0F) {
      return candidate - first;
    }
  }
  return std::nullopt;
}

constexpr std::int64_t kPeriod = 256;

// Whether the period that was heard at `t` is the render from `n` on; beyond its ends is silence.
bool period_is(const JackListener& heard,
               std::int64_t t,
               const AudioClip& offline,
               std::int64_t n) {
  for (std::int64_t i = 0; i < kPeriod; ++i) {
    const bool inside = n + i >= 0 && n + i < offline.info.frames;
    const auto at = static_cast<std::size_t>(2 * (n + i));
    if (heard.left()[static_cast<std::size_t>(t + i)] != (inside ? offline.samples[at] : 0.0F) ||
        heard.right()[static_cast<std::size_t>(t + i)] !=
            (inside ? offline.samples[at + 1] : 0.0F)) {
      return false;
    }
  }
  return true;
}

// By how many periods it is displaced, up to a second.
std::optional<std::int64_t> displacement(const JackListener& heard,
                                         std::int64_t t,
                                         const AudioClip& offline,
                                         std::int64_t n) {
  for (std::int64_t periods = 1; periods < kRateHz / kPeriod; ++periods) {
    for (const std::int64_t signed_periods : {periods, -periods}) {
      if (period_is(heard, t, offline, n + signed_periods * kPeriod)) {
        return signed_periods;
      }
    }
  }
  return std::nullopt;
}

// What was played live, rendered as a score, is what was heard, bit for bit.
void check_score(const TemporaryFolder& folder) {
  REQUIRE(run_ondes({"render", folder.file("played.mid"), "--voice", live_voice(), "--bits", "32f",
                     "-o", folder.file("rendered.wav")})
              .exit_code == 0);
  const AudioClip heard = read_audio_file(folder.file("heard.wav"));
  const AudioClip rendered = read_audio_file(folder.file("rendered.wav"));
  const auto first_sound = [](const AudioClip& clip) {
    const auto found =
        std::find_if(clip.samples.begin(), clip.samples.end(), [](float x) { return x != 0.0F; });
    return static_cast<std::size_t>(found - clip.samples.begin());
  };
  const std::size_t in_heard = first_sound(heard);
  const std::size_t in_rendered = first_sound(rendered);
  const std::size_t count =
      std::min(heard.samples.size() - in_heard, rendered.samples.size() - in_rendered);
  REQUIRE(count > 2 * static_cast<std::size_t>(kRateHz));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    wrong +=
        static_cast<std::size_t>(heard.samples[in_heard + i] != rendered.samples[in_rendered + i]);
  }
  CHECK(wrong == 0);
}

struct LatencyRun {
  std::vector<double> latencies_ms;  // ascending; of the notes during which the server lost nothing
  int disturbed = 0;                 // the other notes
  int xruns = 0;

  double percentile(double p) const {
    return latencies_ms[static_cast<std::size_t>(p * static_cast<double>(latencies_ms.size() - 1))];
  }
  double jitter_ms() const { return percentile(0.99) - percentile(0.01); }
  bool within_limits() const {
    return !latencies_ms.empty() && percentile(0.99) <= 12.0 && jitter_ms() <= 1.0;
  }
};

LatencyRun measure_latency(int notes) {
  const JackServer server(128);
  JackListener listener(0);
  const TemporaryFolder folder;
  ProgramResult played;
  std::jthread player([&] {  // a note that is missing ends the test, not the program
    played =
        run_ondes({"live", "--voice", live_voice(), "--quiet", "--midi-api", "jack", "--for",
                   std::to_string(5 + notes * 0.12), "--score-out", folder.file("played.mid")});
  });
  const bool connected = listener.connect_midi(20s) && listener.connect_audio(20s);
  LatencyRun run;
  std::this_thread::sleep_for(1500ms);  // the clock settles
  for (int i = 0; connected && i < notes; ++i) {
    const int xruns_before = listener.xruns();
    const auto key = static_cast<std::uint8_t>(48 + i % 36);
    listener.watch_for_sound();
    const std::uint32_t sent = listener.send({0x90, key, 100}, static_cast<std::uint32_t>(37 * i));
    const std::optional<std::uint32_t> heard = listener.first_sound(500ms);
    REQUIRE(heard.has_value());
    listener.send({0xB0, 120, 0}, 0);  // all sound off: silent 5 ms after its latency
    listener.send({0x80, key, 64}, 0);
    REQUIRE(listener.silent_for(10ms, 2000ms));
    // A server that loses a period of its own (it says so a moment later) delays what was sent by
    // whole periods, which tells nothing about the player. Every other note counts.
    if (listener.xruns() == xruns_before) {
      run.latencies_ms.push_back(1000.0 * static_cast<std::int32_t>(*heard - sent) / kRateHz);
    } else {
      ++run.disturbed;
    }
  }
  player.join();
  INFO(played.err);
  REQUIRE(connected);
  REQUIRE(played.exit_code == 0);
  // What was played is a score.
  CHECK(read_text(folder.file("played.mid")).starts_with("MThd"));
  std::sort(run.latencies_ms.begin(), run.latencies_ms.end());
  run.xruns = listener.xruns();
  return run;
}

// More wants to run than there are cores for, and than this test could want.
bool machine_is_busy() {
  double load = 0.0;
  return ::getloadavg(&load, 1) == 1 && load > 1.0 + std::thread::hardware_concurrency();
}

}  // namespace

TEST_CASE("what a JACK client hears of ondes play is the offline render, bit for bit, to its end") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  const int seconds = from_environment("ONDES_PLAY_SECONDS", 8);
  write_bytes(folder.file("s.mid"), test_score(seconds));
  REQUIRE(run_ondes({"render", folder.file("s.mid"), "--voice", live_voice(), "--bits", "32f", "-o",
                     folder.file("offline.wav")})
              .exit_code == 0);
  const AudioClip offline = read_audio_file(folder.file("offline.wav"));
  REQUIRE(offline.info.sample_rate_hz == kRateHz);

  const JackServer server(kPeriod);
  JackListener listener(offline.info.frames + 20 * kRateHz);
  ProgramResult played;
  std::thread player([&] {
    played = run_ondes({"play", folder.file("s.mid"), "--voice", live_voice(), "--quiet", "--json",
                        "--record", folder.file("played.wav")});
  });
  const bool connected = listener.connect_audio(20s);
  player.join();
  INFO(played.err);
  REQUIRE(played.exit_code == 0);
  REQUIRE(connected);
  if (!kKeepsUp) {
    WARN("played and not compared: slower than real time");
    return;
  }
  CHECK(played.err.find(" 0 underruns") != std::string::npos);

  // What was recorded is what was played: the render, then silence until the device closed.
  const AudioClip recorded = read_audio_file(folder.file("played.wav"));
  REQUIRE(recorded.info.frames >= offline.info.frames);
  CHECK(std::equal(offline.samples.begin(), offline.samples.end(), recorded.samples.begin()));

  const std::int64_t frames = listener.frames();
  const std::optional<std::int64_t> first_shift = find_shift(listener.left(), frames, offline);
  REQUIRE(first_shift.has_value());
  // A server that misses a period (it counts them) passes one over, gives the one before again, or
  // is silent for one: the sound is then displaced by whole periods, but whole.
  std::int64_t shift = *first_shift;
  std::int64_t displaced = 0;
  std::int64_t wrong = 0;
  std::int64_t compared = 0;
  for (std::int64_t t = 0; t + kPeriod <= frames; t += kPeriod) {
    if (!period_is(listener, t, offline, t + shift)) {
      // Silence is what lies far before the beginning.
      if (period_is(listener, t, offline, -2 * kPeriod)) {
        ++displaced;
        continue;
      }
      const std::optional<std::int64_t> periods = displacement(listener, t, offline, t + shift);
      if (!periods) {
        ++wrong;
        continue;
      }
      ++displaced;
      shift += *periods * kPeriod;
    }
    compared += t + shift >= 0 && t + shift < offline.info.frames ? kPeriod : 0;
  }
  WARN("compared " << compared << " of " << offline.info.frames << " frames; server xruns "
                   << listener.xruns() << ", periods displaced " << displaced);
  CHECK(wrong == 0);
  CHECK(displaced <= 2 * listener.xruns());  // there and back
  // The client is connected a moment after the device began; the tail is complete.
  CHECK(compared > offline.info.frames - kRateHz / 2);
  CHECK(frames + shift >= offline.info.frames);
}

TEST_CASE("keys of a JACK MIDI port are heard after a constant latency") {
  if (skipped()) {
    return;
  }
  // Where a server lost periods, what follows may be displaced too: such a run may be repeated.
  constexpr int kTries = 3;
  const int notes = from_environment("ONDES_LIVE_NOTES", 60);
  LatencyRun run;
  for (int i = 0; i < kTries && (i == 0 || (!run.within_limits() && run.xruns > 0)); ++i) {
    run = measure_latency(notes);
    if (!run.latencies_ms.empty()) {
      WARN("latency of " << run.latencies_ms.size() << " notes: median " << run.percentile(0.5)
                         << " ms, p1 " << run.percentile(0.01) << ", p99 " << run.percentile(0.99)
                         << ", jitter " << run.jitter_ms() << " ms; the server lost periods during "
                         << run.disturbed << " more, " << run.xruns << " periods in all");
    }
    if (!run.within_limits() && machine_is_busy()) {
      WARN("latency not judged: the machine is busy with other things");
      return;
    }
  }
  REQUIRE_FALSE(run.latencies_ms.empty());
  CHECK(run.percentile(0.99) <= 12.0);
  CHECK(run.jitter_ms() <= 1.0);
}

// So much latency that a busy machine does not come late.
TEST_CASE("what was played live, rendered as a score, is what was heard, bit for bit") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  const JackServer server(512);
  JackListener listener(0);
  ProgramResult played;
  std::thread player([&] {
    played = run_ondes({"live", "--voice", live_voice(), "--quiet", "--midi-api", "jack",
                        "--audio-device", "clock", "--latency", "800", "--for", "6", "--score-out",
                        folder.file("played.mid"), "--record", folder.file("heard.wav")});
  });
  const bool connected = listener.connect_midi(20s);
  for (std::uint8_t i = 0; connected && i < 12; ++i) {
    const auto key = static_cast<std::uint8_t>(50 + 3 * i);
    listener.send({0x90, key, static_cast<std::uint8_t>(60 + 5 * i)}, 31U * i);
    listener.send({0xB0, 64, static_cast<std::uint8_t>(i % 4 == 1 ? 127 : 0)}, 17);
    listener.send({0xE0, 0, static_cast<std::uint8_t>(64 + i)}, 99);
    std::this_thread::sleep_for(40ms);
    listener.send({0x80, key, 64}, 5);
  }
  player.join();
  INFO(played.err);
  REQUIRE(connected);
  REQUIRE(played.exit_code == 0);
  if (!kKeepsUp || played.err.find(" 0 underruns") == std::string::npos) {
    WARN("not compared: slower than real time, or underruns in spite of 0.8 s of latency");
    return;
  }
  check_score(folder);
}

// PipeWire does this by itself when another program asks for less latency, or ends.
TEST_CASE("a server whose period changes is followed: few underruns at the change, none after it") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  const JackServer server(256);
  JackListener listener(0);
  ProgramOptions options;
  options.stdout_file = folder.file("telemetry");
  ProgramResult played;
  std::jthread player([&] {
    played = run_program(
        ONDES_BINARY_DIR "/bin/ondes",
        {"live", "--voice", live_voice(), "--quiet", "--json", "--midi-api", "jack", "--for", "9"},
        options);
  });
  const auto newest = [&](const char* name) {
    std::istringstream lines(read_text(options.stdout_file));
    double value = -1.0;
    for (std::string line; std::getline(lines, line) && line.ends_with("}");) {
      value = nlohmann::json::parse(line)[name].get<double>();
    }
    return value;
  };
  const bool connected = listener.connect_midi(20s) && listener.connect_audio(20s);
  std::this_thread::sleep_for(1500ms);
  const double first_latency_ms = newest("latency_ms");
  const bool longer = listener.set_period(1024);
  std::this_thread::sleep_for(2000ms);
  const double underruns = newest("underruns");
  const double latency_ms = newest("latency_ms");
  listener.watch_for_sound();
  const std::uint32_t sent = listener.send({0x90, 72, 100}, 500);
  const std::optional<std::uint32_t> heard = listener.first_sound(500ms);
  listener.send({0x80, 72, 64}, 0);
  std::this_thread::sleep_for(1100ms);
  const double later_underruns = newest("underruns");
  const bool shorter = listener.set_period(256);
  player.join();
  INFO(played.err);
  REQUIRE((connected && longer && shorter));
  REQUIRE(played.exit_code == 0);
  const auto said = [&](const std::string& text) {
    return played.err.find("the device now takes " + text) != std::string::npos;
  };
  CHECK(said("1024 frames at once: a key is heard"));
  CHECK(said("256 frames at once: a key is heard"));
  CHECK(newest("latency_ms") == Approx(first_latency_ms).margin(1.0e-6));
  CHECK(latency_ms > first_latency_ms + 30.0);
  REQUIRE(heard.has_value());
  const double heard_ms = 1000.0 * static_cast<std::int32_t>(*heard - sent) / kRateHz;
  WARN("underruns after 2 s " << underruns << ", after 3 s " << later_underruns << "; stated "
                              << latency_ms << " ms, heard after " << heard_ms << " ms");
  if (!kKeepsUp || machine_is_busy()) {
    WARN("underruns and latency not judged: the machine is busy with other things");
    return;
  }
  // Without a longer lead there is one at every turn, 47 a second. A turn is seen when it has come
  // twice, and looked for every 50 ms.
  CHECK(underruns <= 8.0);
  CHECK(later_underruns == underruns);
  // What JACK adds is its own period, up to twice: into the player, and out of it.
  CHECK(heard_ms > first_latency_ms);
  CHECK(heard_ms < latency_ms + 2.0 * 1000.0 * 1024 / kRateHz);
}

TEST_CASE(
    "a buffer that a JACK server does not have is said to have no effect, and what it takes") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  write_bytes(folder.file("s.mid"), test_score(1));
  const JackServer server(256);
  for (const std::string buffer : {"200", "256"}) {
    const ProgramResult result = run_ondes(
        {"play", folder.file("s.mid"), "--voice", live_voice(), "--quiet", "--buffer", buffer});
    INFO(result.err);
    CHECK(result.exit_code == 0);
    const bool said =
        result.err.find("--buffer 200: has no effect: the JACK server takes 256 frames at once") !=
        std::string::npos;
    CHECK(said == (buffer == "200"));
  }
}

// A machine that was asleep, or Ctrl-Z and fg.
TEST_CASE("a player that was stopped for longer than a device may be silent goes on") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  write_bytes(folder.file("s.mid"), test_score(5));
  const JackServer server(4096);
  const pid_t player = ::fork();
  if (player == 0) {
    program_detail::become(ONDES_BINARY_DIR "/bin/ondes",
                           {"play", folder.file("s.mid"), "--voice", live_voice(), "--quiet"}, {},
                           folder.file("out"), folder.file("err"));
  }
  std::this_thread::sleep_for(2500ms);
  ::kill(player, SIGSTOP);
  std::this_thread::sleep_for(2400ms);
  ::kill(player, SIGCONT);
  int status = 0;
  ::waitpid(player, &status, 0);
  INFO(read_text(folder.file("err")));
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a server that ends under the player is a lost device: exit 5, in bounded time") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  write_bytes(folder.file("s.mid"), test_score(60));
  JackServer server(256);
  ProgramResult played;
  const auto begin = std::chrono::steady_clock::now();
  std::thread player([&] {
    played = run_ondes({"play", folder.file("s.mid"), "--voice", live_voice(), "--quiet"});
  });
  std::this_thread::sleep_for(4s);
  server.stop();
  player.join();
  INFO(played.err);
  CHECK(played.exit_code == 5);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("a server's output is listed; what it does not take is refused, with what it does take") {
  if (skipped()) {
    return;
  }
  const TemporaryFolder folder;
  write_bytes(folder.file("s.mid"), test_score(1));
  const JackServer server(256);
  const ProgramResult listed = run_ondes({"devices", "--json"});
  REQUIRE(listed.exit_code == 0);
  const auto outputs = nlohmann::json::parse(listed.out)["outputs"];
  CHECK(outputs.size() >= 1);
  CHECK(listed.out.find("JACK") != std::string::npos);
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& named) {
    const ProgramResult result = run_ondes(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 5);
    CHECK(result.err.find(named) != std::string::npos);
  };
  const std::string score = folder.file("s.mid");
  refused({"play", score, "--voice", live_voice(), "--rate", "44100"}, "48000 Hz");
  refused({"play", score, "--voice", live_voice(), "--audio-device", "99"}, "JACK");
  refused({"live", "--voice", live_voice(), "--midi-in", "no such keyboard"}, "no such keyboard");
}
