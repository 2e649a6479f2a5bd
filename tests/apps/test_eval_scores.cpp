#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "dsp/audio_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

namespace {

constexpr int kRateHz = 22050;

struct Note {
  double onset_s = 0.0;
  double length_s = 0.4;
  int key = 60;
};

// Two voices, an octave and more apart: no partial hides another.
const std::vector<Note> kNotes{{0.5, 0.4, 60}, {0.5, 0.9, 43}, {1.0, 0.4, 64},
                               {1.5, 0.4, 67}, {1.5, 0.9, 50}, {2.0, 0.4, 72}};

struct Render {
  double late_s = 0.0;
  double cents = 0.0;
  std::size_t notes = kNotes.size();  // the first ones only
};

// Decaying notes of ten partials with an attack of 4 ms and a release of 20 ms.
void write_render(const std::string& path, const Render& render) {
  fs::create_directories(fs::path(path).parent_path());
  std::vector<float> x(static_cast<std::size_t>(3 * kRateHz));
  for (std::size_t i = 0; i < render.notes; ++i) {
    const Note& note = kNotes[i];
    const double hz = 440.0 * std::exp2((note.key - 69 + render.cents / 100.0) / 12.0);
    for (std::size_t n = 0; n < x.size(); ++n) {
      const double t = static_cast<double>(n) / kRateHz - note.onset_s - render.late_s;
      if (t < 0.0 || t > note.length_s + 0.02) {
        continue;
      }
      const double envelope = std::min(1.0, t / 0.004) * std::exp(-1.5 * t) *
                              std::min(1.0, (note.length_s + 0.02 - t) / 0.02);
      for (int k = 1; k <= 10; ++k) {
        x[n] += static_cast<float>(0.1 * envelope * std::pow(0.7, k) *
                                   std::sin(2.0 * std::numbers::pi * hz * k * t));
      }
    }
  }
  AudioFileWriter writer(path, {.sample_rate_hz = kRateHz, .format = SampleFormat::pcm24});
  writer.write({x.data(), static_cast<int>(x.size()), 1});
  writer.finish();
}

struct ScoreRig {
  ScoreRig() { write_bytes(folder.file("song.mid"), score()); }

  static std::vector<std::byte> score() {
    MidiWriter writer(480, "two voices");  // 120 a minute: 960 ticks a second
    const int track = writer.add_track("notes");
    for (const Note& note : kNotes) {
      writer.note(track, static_cast<int>(note.onset_s * 960.0),
                  static_cast<int>(note.length_s * 960.0), 0, note.key, 90);
    }
    writer.note(track, 480, 100, 9, 38, 100);  // a drum
    return writer.bytes();
  }
  ProgramResult eval(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "eval");
    return run_built("ondes", arguments, folder);
  }
  double mean(const std::string& render, const std::string& metric) const {
    const ProgramResult result = eval({"song.mid", render, "--json"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const nlohmann::json summary = nlohmann::json::parse(result.out);
    return summary["systems"][0]["summary"][metric]["mean"];
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("a render that follows its score is heard whole, in time and in tune") {
  const ScoreRig rig;
  write_render(rig.folder.file("song.wav"), {});
  const ProgramResult result = rig.eval({"song.mid", "song.wav", "--jsonl", "out.jsonl", "--gate",
                                         "notes_unheard<=0", "--gate", "note_f1>=0.9"});
  INFO(result.err << result.out);
  CHECK(result.exit_code == 0);
  check_contains(result.err, {"1 percussion notes are not measured"});
  // An attack of 4 ms, and frames of a few ms: later than that would be another note.
  CHECK(rig.mean("song.wav", "timing_error_median_ms") < 10.0);
  CHECK(rig.mean("song.wav", "pitch_error_median_cents") < 3.0);
}

TEST_CASE("lateness and detuning are measured with their signs") {
  const ScoreRig rig;
  write_render(rig.folder.file("song.wav"), {});
  write_render(rig.folder.file("late.wav"), {.late_s = 0.03});
  write_render(rig.folder.file("sharp.wav"), {.cents = 20.0});
  const double lateness =
      rig.mean("late.wav", "timing_bias_ms") - rig.mean("song.wav", "timing_bias_ms");
  CHECK(lateness == Approx(30.0).margin(4.0));  // a frame of the measuring
  CHECK(rig.mean("sharp.wav", "pitch_bias_cents") == Approx(20.0).margin(3.0));
}

TEST_CASE("notes that are missing are counted as not heard and break a gate") {
  const ScoreRig rig;
  write_render(rig.folder.file("song.wav"), {.notes = 4});
  CHECK(rig.mean("song.wav", "notes_unheard") == 2.0);
  const ProgramResult result = rig.eval({"song.mid", "song.wav", "--gate", "notes_unheard<1"});
  CHECK(result.exit_code == 6);
  check_contains(result.err, {"notes_unheard<1", "song"});
}

TEST_CASE("a folder of scores pairs with a folder of renders, and a broken score is one failure") {
  const ScoreRig rig;
  fs::create_directories(rig.folder.path() / "scores");
  write_bytes(rig.folder.file("scores/one.mid"), ScoreRig::score());
  write_bytes(rig.folder.file("scores/two.mid"), {});
  write_render(rig.folder.file("renders/one.wav"), {});
  write_render(rig.folder.file("renders/two.wav"), {});
  const ProgramResult result =
      rig.eval({"scores", "renders", "--metrics", "notes_heard", "--json"});
  INFO(result.err);
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"two: not measured", "scores/two.mid"});
  const nlohmann::json summary = nlohmann::json::parse(result.out);
  CHECK(summary["systems"][0]["summary"]["notes_heard"]["n"] == 1);
}

TEST_CASE("a render given before its score is told the order") {
  const ScoreRig rig;
  write_render(rig.folder.file("song.wav"), {});
  const ProgramResult result = rig.eval({"song.wav", "song.mid"});
  CHECK(result.exit_code == 2);
  check_contains(result.err, {"ondes eval song.mid song.wav"});
}

TEST_CASE("metrics of sounds are refused for scores, and the other way round") {
  const ScoreRig rig;
  write_render(rig.folder.file("song.wav"), {});
  const ProgramResult result = rig.eval({"song.mid", "song.wav", "--metrics", "mcd"});
  CHECK(result.exit_code == 2);
  check_contains(result.err, {"mcd", "note_f1"});
  CHECK(rig.eval({"song.wav", "song.wav", "--metrics", "note_f1"}).exit_code == 2);
}
