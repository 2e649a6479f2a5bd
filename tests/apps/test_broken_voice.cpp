// A voice whose weights are finite and whose samples are not: rendered, played, and refused before it is
// played. tests/apps/test_live.cpp has the keyboard.
#include <catch2/catch.hpp>
#include <sstream>

#include "dsp/audio_file.h"
#include "engine/finite.h"
#include "tests/support/broken_voice.h"
#include "tests/support/telemetry_lines.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using nlohmann::json;

namespace {

constexpr int kRateHz = 16000;

// A piano note at once, and after `seconds` a chord of 60 flutes.
std::vector<std::byte> breaking_score(double seconds) {
  MidiWriter writer(480, "a piano, then flutes");
  const int track = writer.add_track("both");
  writer.program(track, 0, 0, 0);
  writer.program(track, 0, 1, 73);
  writer.note(track, 0, 480 * 6, 0, 60, 100);
  for (int i = 0; i < 60; ++i) {
    writer.note(track, static_cast<int>(seconds * 960.0), 960, 1, 36 + i, 127);
  }
  return writer.bytes();
}

struct BrokenRig : OndesRig {
  BrokenRig() {
    write_bytes(folder.file("broken.safetensors"), breaking_voice());
    write_bytes(folder.file("early.mid"), breaking_score(0.5));
    write_bytes(folder.file("late.mid"), breaking_score(2.0));
  }
  ProgramResult play(const std::string& score, const std::vector<std::string>& more) const {
    std::vector<std::string> all{"play",    score,      "--audio-device", "clock",
                                 "--quiet", "--record", "played.wav"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
};

int lines_with(const std::string& text, const std::string& part) {
  std::istringstream stream(text);
  int count = 0;
  for (std::string line; std::getline(stream, line);) {
    count += static_cast<int>(line.find(part) != std::string::npos);
  }
  return count;
}

}  // namespace

TEST_CASE("a render ends with exit code 3, names input, voice and time, and leaves no file") {
  const BrokenRig rig;
  const auto before = rig.folder.names();
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--lufs", "-16"}, {"--rate", "44100", "--clip", "rescale"}}) {
    std::vector<std::string> all{"render", "late.mid", "-o", "out.wav", "--voice", "broken"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = rig.run(all);
    INFO(result.err);
    CHECK(result.exit_code == 3);
    CHECK(lines_with(result.err,
                     "ondes: late.mid: the voice small made samples that are no finite "
                     "numbers at 2.0 s") == 1);
    CHECK(rig.folder.names() == before);
  }
}

// The greatest weights that a capture may have: twelve layers of them overflow.
TEST_CASE("a capture that overflows is refused with the sound's name, rendered and played") {
  const BrokenRig rig;
  json capture =
      json::parse(read_text(std::string(ONDES_SOURCE_DIR) + "/tests/golden/nam/gated.nam"));
  for (std::size_t i = 0; i < capture["weights"].size(); ++i) {
    capture["weights"][i] = i % 3 == 0 ? -1.0e6 : 1.0e6;
  }
  std::ofstream(rig.folder.file("amp.nam")) << capture;
  REQUIRE(rig.run({"render", "late.mid", "-o", "in.wav", "--voice", "voice"}).exit_code == 0);
  const auto before = rig.folder.names();
  const ProgramResult rendered = rig.run({"render", "in.wav", "-o", "o.wav", "--voice", "amp.nam"});
  CHECK(rendered.exit_code == 3);
  check_contains(rendered.err, {"ondes: in.wav: the voice amp made", "no finite numbers at 0.0 s"});
  const ProgramResult played = rig.play("in.wav", {"--voice", "amp.nam"});
  CHECK(played.exit_code == 3);
  check_contains(played.err, {"ondes: the voice amp made", "no finite numbers at 0.0 s"});
  CHECK(rig.folder.names() == before);
}

TEST_CASE("a voice that breaks while it is played ends the playing, and the recording is whole") {
  const BrokenRig rig;
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--speed", "0"}, {"--rate", "48000", "--loop"}}) {
    CAPTURE(more.empty() ? "" : more[0]);
    std::vector<std::string> all{"--voice", "broken", "--json", "--force"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = rig.play("late.mid", all);
    INFO(result.err);
    CHECK(result.exit_code == 3);
    // One error; a slow machine has more to say.
    CHECK(lines_with(result.err, "ondes: ") - lines_with(result.err, "the load") == 1);
    CHECK(lines_with(result.err,
                     "ondes: the voice small made samples that are no finite numbers "
                     "at 2.0 s") == 1);
    const json last = last_line(result.out);
    CHECK(last["silenced_frames"] > 0);
    const AudioClip played = read_audio_file(rig.folder.file("played.wav"));
    CHECK(played.info.frames >= 2 * played.info.sample_rate_hz);
    CHECK(all_finite(played.samples));
  }
  // Until it breaks it is what is rendered of the piano alone.
  REQUIRE(rig.play("late.mid", {"--voice", "broken", "--speed", "0", "--force"}).exit_code == 3);
  REQUIRE(rig.run({"render", "late.mid", "-o", "piano.wav", "--voice", "broken", "--program",
                   "73=piano", "--bits", "32f"})
              .exit_code == 0);
  const AudioClip played = read_audio_file(rig.folder.file("played.wav"));
  const AudioClip piano = read_audio_file(rig.folder.file("piano.wav"));
  CHECK(std::equal(piano.samples.begin(), piano.samples.begin() + 2 * 2 * kRateHz,
                   played.samples.begin()));
}

TEST_CASE("a voice that breaks in the first second is refused before anything sounds") {
  const BrokenRig rig;
  const auto before = rig.folder.names();
  const ProgramResult played = rig.play("early.mid", {"--voice", "broken"});
  INFO(played.err);
  CHECK(played.exit_code == 3);
  CHECK(played.err == "ondes: the voice small made samples that are no finite numbers at 0.5 s\n");
  const ProgramResult live =
      rig.run({"live", "--voice", "voice", "--voice", "broken", "--program", "0=flute",
               "--max-lanes", "64", "--audio-device", "clock", "--quiet", "--record", "played.wav",
               "--score-out", "played.mid"});
  INFO(live.err);
  CHECK(live.exit_code == 3);
  CHECK(lines_with(live.err,
                   "ondes: the voice small made samples that are no finite numbers at "
                   "0.0 s") == 1);
  CHECK(live.err.find("live:") == std::string::npos);
  CHECK(rig.folder.names() == before);
}
