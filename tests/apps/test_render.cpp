#include <catch2/catch.hpp>
#include <cmath>

#include "dsp/audio_file.h"
#include "dsp/loudness.h"
#include "tests/support/largest_difference.h"
#include "tests/support/ondes_program.h"

using namespace ondes;

namespace {

nlohmann::json output_of(const ProgramResult& result) {
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return nlohmann::json::parse(result.out).at("outputs").at(0);
}

}  // namespace

TEST_CASE("a score becomes a stereo file, and the summary tells what was not played as written") {
  const OndesRig rig;
  const nlohmann::json summary = output_of(rig.render("out.wav", {"--json"}));
  const AudioClip clip = read_audio_file(rig.folder.file("out.wav"));
  CHECK(clip.info.channels == 2);
  CHECK(clip.info.sample_rate_hz == 16000);
  CHECK(clip.info.frames == summary.at("frames"));
  CHECK(clip.info.frames > 2 * 16000);
  CHECK(clip.info.frames < 3 * 16000);  // the release is a fifth of a second
  CHECK(summary.at("notes") == 32);
  CHECK(summary.at("percussion_notes_left_out") == 1);
  CHECK(summary.at("substitutions").size() == 1);
  CHECK(summary.at("lanes_max") >= 4);
  CHECK(summary.at("peak") > 0.001);
  CHECK(rig.folder.names() ==
        std::vector<std::string>{"out.wav", "score.mid", "voice.safetensors"});
}

TEST_CASE("the same seed gives the same bytes, whatever the threads; another seed does not") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav", {"--threads", "1", "--seed", "5"}).exit_code == 0);
  REQUIRE(rig.render("b.wav", {"--threads", "2", "--seed", "5"}).exit_code == 0);
  REQUIRE(rig.render("c.wav", {"--threads", "1", "--seed", "6"}).exit_code == 0);
  CHECK(rig.bytes("a.wav") == rig.bytes("b.wav"));
  CHECK(rig.bytes("a.wav") != rig.bytes("c.wav"));
}

TEST_CASE("every sample format and container carries the same sound") {
  const OndesRig rig;
  REQUIRE(rig.render("f.wav", {"--bits", "32f", "--gain-db", "-20"}).exit_code == 0);
  const AudioClip reference = read_audio_file(rig.folder.file("f.wav"));
  struct Case {
    std::string name;
    std::vector<std::string> options;
    float step;
  };
  for (const Case& c : {Case{"a.wav", {"--bits", "16"}, 1.0F / 32768},
                        Case{"b.wav", {"--bits", "24"}, 1.0F / 8388608},
                        Case{"c.flac", {"--bits", "16", "--no-dither"}, 1.0F / 32768},
                        Case{"d.flac", {}, 1.0F / 8388608}}) {
    std::vector<std::string> options{"--gain-db", "-20"};  // far from any rescaling
    options.insert(options.end(), c.options.begin(), c.options.end());
    REQUIRE(rig.render(c.name, options).exit_code == 0);
    const AudioClip clip = read_audio_file(rig.folder.file(c.name));
    REQUIRE(clip.samples.size() == reference.samples.size());
    const double worst = largest_difference(clip.samples, reference.samples);
    CHECK(worst > 0.0);
    CHECK(worst <= 1.51F * c.step);  // half a step of rounding, a whole one of dither
  }
}

TEST_CASE("a given tail makes the length exact, and --rate changes it as it should") {
  const OndesRig rig;
  const nlohmann::json plain = output_of(rig.render("a.wav", {"--tail", "0.5", "--json"}));
  const nlohmann::json longer = output_of(rig.render("b.wav", {"--tail", "1.5", "--json"}));
  CHECK(longer.at("frames").get<int>() - plain.at("frames").get<int>() == 16000);
  const nlohmann::json resampled =
      output_of(rig.render("c.wav", {"--tail", "0.5", "--rate", "44100", "--json"}));
  CHECK(resampled.at("rate") == 44100);
  const double expected = std::ceil(plain.at("frames").get<double>() * 44100.0 / 16000.0);
  CHECK(resampled.at("frames").get<double>() == expected);
}

TEST_CASE("without a tail a file is as long as its score, to the sample") {
  const OndesRig rig;
  MidiWriter writer(480, "one second and a half");
  writer.note(writer.add_track("one"), 0, 1440, 0, 60, 90);  // 120 a minute
  write_bytes(rig.folder.file("score.mid"), writer.bytes());
  CHECK(output_of(rig.render("a.wav", {"--tail", "0", "--json"})).at("frames") == 24000);
}

TEST_CASE("a cut tail ends in silence, without a click") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav", {"--tail", "0", "--bits", "32f"}).exit_code == 0);
  const AudioClip clip = read_audio_file(rig.folder.file("a.wav"));
  CHECK(clip.samples[clip.samples.size() - 1] == 0.0F);
  CHECK(clip.samples[clip.samples.size() - 2] == 0.0F);
}

TEST_CASE("--lufs brings the file to the loudness asked for") {
  const OndesRig rig;
  write_bytes(rig.folder.file("score.mid"), test_score(4));
  REQUIRE(rig.render("a.wav", {"--lufs", "-40", "--bits", "32f"}).exit_code == 0);
  const AudioClip clip = read_audio_file(rig.folder.file("a.wav"));
  LoudnessMeter meter(clip.info.sample_rate_hz, 2);
  meter.add(clip.view());
  // The gain is float and the meter sums in double: a hundredth of a unit is far more than both.
  CHECK(meter.integrated_lufs() == Approx(-40.0).margin(0.01));
}

TEST_CASE("--lufs says when a clip is too short or too quiet to be measured") {
  const OndesRig rig;
  // -120 dB, far below the meter's gate of -70 LUFS.
  for (const std::string gain_db : {"-120", "0"}) {
    if (gain_db == "0") {
      MidiWriter writer(480, "short");
      writer.note(writer.add_track("one"), 0, 10, 0, 60, 90);  // ends after ten milliseconds
      write_bytes(rig.folder.file("score.mid"), writer.bytes());
    }
    const ProgramResult result =
        rig.render("a.wav", {"--lufs", "-20", "--gain-db", gain_db, "--json", "--force"});
    const nlohmann::json summary = output_of(result);
    CHECK(summary.at("lufs").is_null());
    CHECK(summary.at("lufs_unmeasured") == true);
    CHECK(summary.at("applied_gain_db") == 0.0);
    CHECK(result.err.find("loudness not measured") != std::string::npos);
  }
  write_bytes(rig.folder.file("score.mid"), test_score(4));
  CHECK(output_of(rig.render("b.wav", {"--lufs", "-40", "--json"})).at("lufs_unmeasured") == false);
}

TEST_CASE("--clip decides what happens over full scale") {
  const OndesRig rig;
  const nlohmann::json rescaled = output_of(rig.render("a.wav", {"--gain-db", "60", "--json"}));
  CHECK(rescaled.at("clipped_samples") == 0);
  CHECK(rescaled.at("applied_gain_db") < 0.0);
  CHECK(rescaled.at("peak").get<double>() == Approx(1.0).margin(1e-4));
  const nlohmann::json clamped =
      output_of(rig.render("b.wav", {"--gain-db", "60", "--clip", "clamp", "--json"}));
  CHECK(clamped.at("clipped_samples") > 0);
  const ProgramResult failed = rig.render("c.wav", {"--gain-db", "60", "--clip", "error"});
  CHECK(failed.exit_code == 6);
  CHECK_FALSE(rig.exists("c.wav"));
}

TEST_CASE("--program plays a program with the instrument asked for") {
  const OndesRig rig;
  REQUIRE(rig.render("a.wav", {"--program", "0=flute"}).exit_code == 0);
  REQUIRE(rig.render("b.wav").exit_code == 0);
  CHECK(rig.bytes("a.wav") != rig.bytes("b.wav"));
  const ProgramResult unknown = rig.render("c.wav", {"--program", "0=kazoo"});
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.err.find("piano, flute") != std::string::npos);
  CHECK(rig.render("c.wav", {"--program", "128=flute"}).exit_code == 2);
  CHECK(rig.render("c.wav", {"--program", "flute"}).exit_code == 2);
}

TEST_CASE("standard input and output work as a pipe") {
  const OndesRig rig;
  ProgramOptions options;
  options.stdin_file = rig.folder.file("score.mid");
  options.stdout_file = rig.folder.file("piped.wav");
  REQUIRE(rig.run({"render", "-", "-o", "-", "--voice", "voice"}, options).exit_code == 0);
  REQUIRE(rig.render("direct.wav").exit_code == 0);
  const AudioClip piped = read_audio_file(rig.folder.file("piped.wav"));
  const AudioClip direct = read_audio_file(rig.folder.file("direct.wav"));
  CHECK(piped.samples == direct.samples);
}

TEST_CASE("several scores go into a folder under their own names") {
  const OndesRig rig;
  write_bytes(rig.folder.file("other.mid"), test_score(1, 48));
  const ProgramResult result = rig.run({"render", "score.mid", "other.mid", "-o", "made/",
                                        "--voice", "voice", "--container", "flac", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(nlohmann::json::parse(result.out).at("outputs").size() == 2);
  CHECK(rig.exists("made/score.flac"));
  CHECK(rig.exists("made/other.flac"));
  CHECK(rig.run({"render", "score.mid", "other.mid", "-o", "one.wav", "--voice", "voice"})
            .exit_code == 2);
  CHECK(rig.run({"render", "score.mid", "made/../score.mid", "-o", "made", "--voice", "voice"})
            .exit_code == 2);
}

TEST_CASE("--progress json is a line of JSON at a time and ends at the whole") {
  const OndesRig rig;
  const ProgramResult result = rig.render("a.wav", {"--progress", "json"});
  REQUIRE(result.exit_code == 0);
  std::istringstream lines(result.err);
  double fraction = -1.0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('{')) {
      const nlohmann::json progress = nlohmann::json::parse(line);
      CHECK(progress.at("fraction").get<double>() >= fraction);
      fraction = progress.at("fraction").get<double>();
      CHECK(progress.contains("eta_s"));
      CHECK(progress.contains("times_real_time"));
    }
  }
  CHECK(fraction == 1.0);
  CHECK(rig.render("b.wav", {"--progress", "none"}).err.find('%') == std::string::npos);
}

TEST_CASE("every precision renders, and repeats itself") {
  const OndesRig rig;
  for (const std::string precision : {"f32", "i16", "i8"}) {
    REQUIRE(rig.render(precision + "-1.wav", {"--precision", precision}).exit_code == 0);
    REQUIRE(rig.render(precision + "-2.wav", {"--precision", precision}).exit_code == 0);
    CHECK(rig.bytes(precision + "-1.wav") == rig.bytes(precision + "-2.wav"));
  }
  CHECK(rig.bytes("f32-1.wav") != rig.bytes("i16-1.wav"));
}
