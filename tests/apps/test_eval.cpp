#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numbers>
#include <sstream>

#include "dsp/audio_file.h"
#include "tests/support/ondes_program.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

namespace {

constexpr int kRateHz = 16000;

struct Sound {
  int rate_hz = kRateHz;
  int channels = 1;
  double seconds = 0.8;
  double hz = 220.0;
  double gain = 0.3;
  double brightness = 0.6;  // of each partial, against the one below
  double delay_s = 0.0;     // silence at the start
};

// Eight partials: enough spectrum for cepstra, cheap enough for dozens of files.
void write_sound(const std::string& path, const Sound& sound) {
  fs::create_directories(fs::path(path).parent_path());
  AudioFileWriter writer(
      path,
      {.sample_rate_hz = sound.rate_hz, .channels = sound.channels, .format = SampleFormat::pcm24});
  const auto frames = static_cast<int>(sound.seconds * sound.rate_hz);
  std::vector<float> samples;
  for (int n = 0; n < frames; ++n) {
    const double t = static_cast<double>(n) / sound.rate_hz - sound.delay_s;
    double value = 0.0;
    double level = sound.gain;
    for (int k = 1; k <= 8 && t >= 0.0; ++k, level *= sound.brightness) {
      value += level * std::sin(2.0 * std::numbers::pi * sound.hz * k * t + k);
    }
    for (int c = 0; c < sound.channels; ++c) {
      samples.push_back(static_cast<float>(value));
    }
  }
  writer.write({samples.data(), frames, sound.channels});
  writer.finish();
}

struct EvalRig {
  void sound(const std::string& name, const Sound& sound = {}) const {
    write_sound(folder.file(name), sound);
  }
  // Folders ref and gen with sounds a, b, c; gen is duller.
  void corpus() const {
    double hz = 180.0;
    for (const std::string name : {"a", "b", "c"}) {
      sound("ref/" + name + ".wav", {.hz = hz});
      sound("gen/" + name + ".wav", {.hz = hz, .brightness = 0.5});
      hz *= 1.2;
    }
  }
  ProgramResult eval(std::vector<std::string> arguments, ProgramOptions options = {}) const {
    arguments.insert(arguments.begin(), "eval");
    options.folder = folder.path().string();
    return run_program(ONDES_BINARY_DIR "/bin/ondes", arguments, options);
  }
  // The object of --json.
  nlohmann::json summary(std::vector<std::string> arguments, int exit_code = 0) const {
    arguments.push_back("--json");
    const ProgramResult result = eval(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == exit_code);
    return nlohmann::json::parse(result.out);
  }
  std::vector<nlohmann::json> lines(const std::string& name) const {
    std::istringstream text(read_text(folder.file(name)));
    std::vector<nlohmann::json> objects;
    for (std::string line; std::getline(text, line);) {
      objects.push_back(nlohmann::json::parse(line));
    }
    return objects;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder.file(name), std::ios::binary) << text;
  }
  std::string bytes(const std::string& name) const { return read_text(folder.file(name)); }
  bool exists(const std::string& name) const { return fs::exists(folder.path() / name); }

  TemporaryFolder folder;
};

nlohmann::json metric(const nlohmann::json& summary, const std::string& name, int system = 0) {
  return summary["systems"][static_cast<std::size_t>(system)]["summary"][name];
}

// No number that JSON does not have, and a reason wherever one is missing.
void check_pair_line(const nlohmann::json& line) {
  INFO(line.dump());
  for (const auto& [name, value] : line["values"].items()) {
    if (value.is_null()) {
      CHECK((line["unmeasured"].contains(name) || line["failure"].is_string()));
    } else {
      CHECK(std::isfinite(value.get<double>()));
    }
  }
}

}  // namespace

TEST_CASE("a sound is at distance 0 from itself, and says with which parameters") {
  const EvalRig rig;
  rig.sound("a.wav");
  const nlohmann::json summary = rig.summary({"a.wav", "a.wav", "--metrics", "all"});
  for (const char* name :
       {"mcd_db", "mcd_sync_db", "mcd_espnet_db", "mfcc_distance_db", "multi_resolution_stft",
        "spectral_convergence", "log_spectral_distance_db", "f0_rmse_cents", "f0_vuv_error",
        "loudness_difference_lu", "length_difference_s", "zero_crossing_difference"}) {
    INFO(name);
    CHECK(metric(summary, name)["mean"].get<double>() == 0.0);
  }
  CHECK(metric(summary, "melody_rpa")["mean"] == 1.0);
  for (const auto& described : summary["metrics"]) {
    INFO(described.dump());
    CHECK_FALSE(described["parameters"].get<std::string>().empty());
  }
  CHECK(summary["policies"]["on_rate_mismatch"] == "resample");
}

TEST_CASE("the table names every metric, its parameters and the policies") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav", {.brightness = 0.5});
  const ProgramResult result = rig.eval({"a.wav", "b.wav"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  check_contains(result.out, {"mcd_db", "dB", "f0_rmse_cents", "measured by ondes",
                              "rates that differ: resample", "profile default"});
}

TEST_CASE("folders pair by exact stem, and what has no partner is listed and counted") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("ref/sub/deep.wav");
  rig.sound("gen/sub/deep.flac");
  rig.sound("ref/clip1.wav");
  rig.sound("gen/clip10.wav");
  rig.write("ref/notes.txt", "no sound");
  const nlohmann::json summary = rig.summary({"ref", "gen", "--metrics", "mcd"});
  const nlohmann::json& system = summary["systems"][0];
  CHECK(system["pairs"] == 4);
  CHECK(system["only_in_reference"] == nlohmann::json{"clip1"});
  CHECK(system["only_in_generated"] == nlohmann::json{"clip10"});
  CHECK(metric(summary, "mcd_db")["n"] == 4);
  const ProgramResult strict = rig.eval({"ref", "gen", "--require-all"});
  CHECK(strict.exit_code == 3);
  check_contains(strict.err, {"--require-all", "clip1"});
}

TEST_CASE(
    "two sounds of one stem in one folder are one failure, by name, and the rest is measured") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("gen/a.flac");
  const ProgramResult result = rig.eval({"ref", "gen", "--metrics", "mcd", "--json"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"a: not measured", "gen/a.flac", "gen/a.wav"});
  const nlohmann::json summary = nlohmann::json::parse(result.out);
  CHECK(metric(summary, "mcd_db")["n"] == 2);
}

TEST_CASE("folders behind links are measured, and a link that leads back up ends") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("elsewhere/deep.wav");
  for (const char* side : {"ref", "gen"}) {
    fs::create_directory_symlink(rig.folder.path() / "elsewhere",
                                 rig.folder.path() / side / "linked");
    fs::create_directory_symlink(rig.folder.path() / side, rig.folder.path() / side / "loop");
  }
  const nlohmann::json summary = rig.summary({"ref", "gen", "--metrics", "length_difference"});
  CHECK(summary["systems"][0]["pairs"] == 4);
}

TEST_CASE("a pair of another rate carries its own parameters, and the others theirs") {
  const EvalRig rig;
  rig.corpus();
  for (const char* side : {"ref", "gen"}) {
    rig.sound(std::string(side) + "/high.wav", {.rate_hz = 24000});
  }
  REQUIRE(rig.eval({"ref", "gen", "--metrics", "mcd,loudness_difference", "--jsonl", "out.jsonl",
                    "--csv", "out.csv", "--threads", "1"})
              .exit_code == 0);
  const std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 5);
  CHECK(lines[1]["measured_with"].empty());
  check_contains(lines[4]["measured_with"]["mcd_db"].get<std::string>(), {"24000 Hz: "});
  CHECK_FALSE(lines[4]["measured_with"].contains("loudness_difference_lu"));
  std::istringstream csv(rig.bytes("out.csv"));
  for (std::string row; std::getline(csv, row);) {
    INFO(row);
    if (row.starts_with("gen,")) {
      CHECK((row.find("mcd_db: 24000 Hz") != std::string::npos) == row.starts_with("gen,high,"));
    }
  }
  // What a resumed run keeps still says what it was measured with.
  REQUIRE(rig.eval({"ref", "gen", "--metrics", "mcd,loudness_difference", "--jsonl", "out.jsonl",
                    "--resume"})
              .exit_code == 0);
  CHECK(rig.lines("out.jsonl")[4]["measured_with"] == lines[4]["measured_with"]);
}

TEST_CASE("what a metric lacks has its own reason, not its neighbour's") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav", {.seconds = 1.01 / kRateHz});
  REQUIRE(rig.eval({"a.wav", "b.wav", "--jsonl", "out.jsonl"}).exit_code == 0);
  const nlohmann::json line = rig.lines("out.jsonl").at(1);
  INFO(line["unmeasured"].dump());
  CHECK(line["unmeasured"]["delay_samples"] == line["unmeasured"]["mcd_db"]);
}

TEST_CASE("folders without a pair end with the counts and stems of both sides") {
  const EvalRig rig;
  rig.sound("ref/one.wav");
  rig.sound("gen/two.wav");
  const ProgramResult result = rig.eval({"ref", "gen"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"no pairs", "1 sound (one)", "1 sound (two)"});
  fs::create_directories(rig.folder.path() / "empty");
  check_contains(rig.eval({"ref", "empty"}).err, {"no sounds"});
}

TEST_CASE("a manifest pairs what it says, as CSV and as JSON lines") {
  const EvalRig rig;
  rig.corpus();
  rig.write("pairs.csv",
            "\xEF\xBB\xBFid,ref,gen\r\n\"first, "
            "quoted\",ref/a.wav,gen/a.wav\r\nb,ref/b.wav,gen/b.wav\r\n");
  rig.write("pairs.jsonl", R"({"ref": "ref/c.wav", "gen": "gen/c.wav"})");
  CHECK(rig.eval({"--manifest", "pairs.csv", "--metrics", "mcd", "--jsonl", "out.jsonl",
                  "--threads", "1"})
            .exit_code == 0);
  const std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["pair"] == "first, quoted");
  const nlohmann::json summary = rig.summary({"--manifest", "pairs.jsonl", "--metrics", "mcd"});
  CHECK(summary["systems"][0]["pairs"] == 1);
}

TEST_CASE("a broken manifest is refused with its line") {
  const EvalRig rig;
  rig.corpus();
  const auto refused = [&](const std::string& text, std::initializer_list<std::string> named) {
    rig.write("pairs.csv", text);
    const ProgramResult result = rig.eval({"--manifest", "pairs.csv"});
    INFO(result.err);
    CHECK(result.exit_code == 3);
    check_contains(result.err, named);
  };
  refused("", {"ref,gen"});
  refused("a,b\n", {"line 1", "ref,gen"});
  refused("ref,gen\n", {"expected pairs"});
  refused("ref,gen\nx.wav\n", {"line 2", "2 cells"});
  refused("ref,gen\nx.wav,\n", {"line 2", "empty gen"});
  refused("ref,gen\n\"x.wav,y.wav\n", {"never closed"});
  refused("ref,gen,id\nx,y,1\nx,z,1\n", {"line 3", "a second time"});
}

TEST_CASE("another rate is resampled and reported, or refused") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav", {.rate_hz = 24000});
  const ProgramResult result = rig.eval({"a.wav", "b.wav", "--metrics", "mcd"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  check_contains(result.err, {"resampled from 24000 to 16000 Hz"});
  const ProgramResult refused =
      rig.eval({"a.wav", "b.wav", "--metrics", "mcd", "--on-rate-mismatch", "refuse"});
  CHECK(refused.exit_code == 3);
  check_contains(refused.err, {"b.wav", "expected 16000 Hz", "found 24000"});
}

TEST_CASE("channels are averaged and reported, or refused") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("eight.wav", {.channels = 8});
  const nlohmann::json summary = rig.summary({"a.wav", "eight.wav", "--metrics", "mcd_sync"});
  // Eight equal channels have the mean of one; 24 bits are rounded alike.
  CHECK(metric(summary, "mcd_sync_db")["mean"].get<double>() < 1e-3);
  check_contains(rig.eval({"a.wav", "eight.wav", "--metrics", "mcd"}).err, {"mean of 8 channels"});
  const ProgramResult refused = rig.eval({"a.wav", "eight.wav", "--channels", "refuse"});
  CHECK(refused.exit_code == 3);
  check_contains(refused.err, {"eight.wav", "expected 1", "found 8"});
}

TEST_CASE("other lengths are compared over what both have, and both lengths are reported") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav", {.seconds = 1.0});
  CHECK(rig.eval({"a.wav", "b.wav", "--jsonl", "out.jsonl"}).exit_code == 0);
  const nlohmann::json line = rig.lines("out.jsonl").at(1);
  CHECK(line["reference"]["duration_s"].get<double>() == Approx(0.8));
  CHECK(line["generated"]["duration_s"].get<double>() == Approx(1.0));
  CHECK(line["values"]["length_difference_s"].get<double>() == Approx(0.2));
  CHECK(line["notes"].dump().find("3200 samples (0.200 s) longer") != std::string::npos);
  check_pair_line(line);
}

TEST_CASE("trimming and taking a delay out are done on request and said") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("late.wav", {.seconds = 1.0, .delay_s = 0.2});
  const std::vector<std::string> base{"a.wav", "late.wav", "--metrics", "mcd_sync"};
  const auto with = [&](std::initializer_list<std::string> more) {
    std::vector<std::string> arguments = base;
    arguments.insert(arguments.end(), more);
    return arguments;
  };
  const double untouched = metric(rig.summary(base), "mcd_sync_db")["mean"];
  const double trimmed = metric(rig.summary(with({"--trim", "silence"})), "mcd_sync_db")["mean"];
  const double aligned = metric(rig.summary(with({"--align", "delay"})), "mcd_sync_db")["mean"];
  CHECK(trimmed < 0.5 * untouched);
  CHECK(aligned < 0.5 * untouched);
  // The first frame of 20 ms that sounds begins 15 ms before the sound.
  check_contains(rig.eval(with({"--trim", "silence"})).err, {"generated: trimmed by 0.185"});
  check_contains(rig.eval(with({"--align", "delay"})).err, {"delay of 3200 samples"});
}

TEST_CASE("what cannot be measured is null with a reason, never NaN") {
  const EvalRig rig;
  rig.sound("ref/a.wav");
  rig.sound("gen/a.wav", {.gain = 0.0});
  rig.sound("ref/b.wav", {.gain = 0.0});
  rig.sound("gen/b.wav", {.gain = 0.0});
  rig.sound("ref/one.wav");
  rig.sound("gen/one.wav", {.seconds = 1.01 / kRateHz});
  rig.sound("ref/fast.wav", {.rate_hz = 192000, .seconds = 0.3});
  rig.sound("gen/fast.wav", {.rate_hz = 192000, .seconds = 0.3});
  const ProgramResult result = rig.eval(
      {"ref", "gen", "--metrics", "all", "--jsonl", "out.jsonl", "--csv", "out.csv", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 5);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    check_pair_line(lines[i]);
  }
  for (const std::string& text : {result.out, rig.bytes("out.csv"), rig.bytes("out.jsonl")}) {
    CHECK(text.find("nan,") == std::string::npos);
    CHECK(text.find("inf,") == std::string::npos);
  }
  const nlohmann::json summary = nlohmann::json::parse(result.out);
  CHECK(metric(summary, "f0_rmse_cents")["unmeasured"].get<int>() >= 2);
}

TEST_CASE("one bad file never ends the run: it is listed with its reason and the end is exit 3") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("ref/d.flac");
  rig.sound("gen/d.flac");
  std::string broken = rig.bytes("gen/d.flac");
  for (std::size_t i = broken.size() / 2; i < broken.size(); ++i) {
    broken[i] = static_cast<char>(i);
  }
  rig.write("gen/d.flac", broken);
  rig.sound("ref/e.wav");
  rig.write("gen/e.wav", "");
  rig.sound("ref/f.wav");
  rig.sound("gen/f.wav", {.seconds = 0.0});
  rig.sound("ref/g.wav");
  rig.write("gen/g.wav", "this is text");
  const ProgramResult result =
      rig.eval({"ref", "gen", "--metrics", "mcd", "--jsonl", "out.jsonl", "--csv", "out.csv"});
  INFO(result.err);
  CHECK(result.exit_code == 3);
  check_contains(result.err,
                 {"d: not measured", "e: not measured", "f: not measured",
                  "expected samples, found none", "4 of 7 pairs could not be measured"});
  CHECK(rig.lines("out.jsonl").size() == 8);
  CHECK(rig.bytes("out.csv").find("ref/a.wav") != std::string::npos);
}

TEST_CASE("a sound with a NaN in it is one failure, named with its frame") {
  const EvalRig rig;
  rig.corpus();
  AudioFileWriter writer(rig.folder.file("gen/b.wav"),
                         {.sample_rate_hz = kRateHz, .format = SampleFormat::float32});
  const std::vector<float> samples(100, 0.25F);
  writer.write({samples.data(), 100, 1});
  writer.finish();
  std::string wave = rig.bytes("gen/b.wav");
  const std::string quarter("\0\0\x80\x3E", 4);
  const std::size_t last = wave.rfind(quarter);
  REQUIRE(last != std::string::npos);
  wave.replace(last, 4, std::string("\0\0\xC0\x7F", 4));
  rig.write("gen/b.wav", wave);
  const ProgramResult result = rig.eval({"ref", "gen", "--metrics", "mcd"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"b: not measured", "99", "1 of 3 pairs"});
}

TEST_CASE("a gate that is broken ends with 6 and the file, and what is unmeasured breaks it") {
  const EvalRig rig;
  rig.corpus();
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--gate", "mcd<100"}).exit_code == 0);
  const ProgramResult broken =
      rig.eval({"ref", "gen", "--metrics", "mcd", "--gate", "mcd<100", "--gate", "mcd_db<=0"});
  CHECK(broken.exit_code == 6);
  check_contains(broken.err, {"gate mcd_db<=0 is broken by a:"});
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--gate", "mean(mcd)<100"}).exit_code == 0);
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--gate", "max:mcd<0"}).exit_code == 6);
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--gate", "mcd>=0"}).exit_code == 0);
  rig.sound("gen/b.wav", {.gain = 0.0});
  const ProgramResult silent =
      rig.eval({"ref", "gen", "--metrics", "f0_rmse", "--gate", "f0_rmse_cents<1000"});
  CHECK(silent.exit_code == 6);
  check_contains(silent.err, {"b: not measured"});
}

TEST_CASE("gates and metrics that make no sense are usage errors before anything is measured") {
  const EvalRig rig;
  rig.corpus();
  const auto refused = [&](std::vector<std::string> arguments,
                           std::initializer_list<std::string> named) {
    const ProgramResult result = rig.eval(std::move(arguments));
    INFO(result.err);
    CHECK(result.exit_code == 2);
    check_contains(result.err, named);
  };
  for (const std::string gate : {"mcd", "mcd<", "<5", "mcd<nan", "mcd<5x", "mcd==5"}) {
    refused({"ref", "gen", "--gate", gate}, {"--gate"});
  }
  refused({"ref", "gen", "--metrics", "mcd", "--gate", "stoi>0.5"},
          {"stoi", "mcd_db", "--metrics all"});
  refused({"ref", "gen", "--metrics", "mcd", "--report", "out.html", "--report-by", "stoi"},
          {"--report-by", "stoi", "--metrics all"});
  refused({"ref", "gen", "--metrics", "loudnes"},
          {"--metrics", "loudnes", "loudness_difference_lu"});
  refused({"ref", "gen", "--mcd-profile", "pymcd"}, {"pymcd", "WORLD"});
  refused({"ref", "gen", "--mcd-profile", "mine"}, {"mine", "default"});
  refused({"ref"}, {"REF GEN"});
  refused({"ref", "gen/a.wav"}, {"two files or two folders"});
  refused({"ref", "gen", "--resume"}, {"--jsonl"});
  refused({"ref", "--compare", "gen", "gen"}, {"twice"});
}

TEST_CASE("two systems are compared over their common pairs, and the nearer one is named") {
  const EvalRig rig;
  rig.corpus();
  double hz = 180.0;
  for (const std::string name : {"a", "b", "c"}) {
    rig.sound("worse/" + name + ".wav", {.hz = hz, .brightness = 0.3});
    hz *= 1.2;
  }
  rig.sound("ref/d.wav");
  rig.sound("worse/d.wav");
  const nlohmann::json summary =
      rig.summary({"ref", "--compare", "worse", "gen", "--metrics", "mcd"});
  const nlohmann::json& difference = summary["second_minus_first"]["mcd_db"];
  CHECK(difference["n"] == 3);
  CHECK(difference["better"] == "gen");
  CHECK(difference["mean_high_95"].get<double>() < 0.0);
  // Means over the common pairs; rounding of two sums of three.
  CHECK(difference["second_mean"].get<double>() - difference["first_mean"].get<double>() ==
        Approx(difference["mean"].get<double>()).epsilon(1e-9));
  check_contains(rig.eval({"ref", "--compare", "worse", "gen", "--metrics", "mcd"}).out,
                 {"A: worse", "B: gen", "B - A", "3 pairs are too few", "(B in these 3)"});
}

TEST_CASE("any number of threads gives the same CSV, and the seed the same intervals") {
  const EvalRig rig;
  rig.corpus();
  CHECK(rig.eval({"ref", "gen", "--csv", "one.csv", "--threads", "1"}).exit_code == 0);
  CHECK(rig.eval({"ref", "gen", "--csv", "four.csv", "--threads", "4"}).exit_code == 0);
  CHECK(rig.bytes("one.csv") == rig.bytes("four.csv"));
  const auto interval = [&](const std::string& seed) {
    const nlohmann::json summary =
        rig.summary({"ref", "gen", "--metrics", "mcd", "--seed", seed, "--bootstrap", "200"});
    return metric(summary, "mcd_db")["mean_low_95"].get<double>();
  };
  CHECK(interval("1") == interval("1"));
}

TEST_CASE("a run is taken up again: lines that hold stay, changed files are measured again") {
  const EvalRig rig;
  rig.corpus();
  const std::vector<std::string> arguments{"ref",     "gen",       "--metrics", "mcd",
                                           "--jsonl", "out.jsonl", "--resume"};
  REQUIRE(rig.eval(arguments).exit_code == 0);
  // A torn line at the end, as an interruption leaves it, and a value that tells whether it was kept.
  std::vector<nlohmann::json> lines = rig.lines("out.jsonl");
  std::string edited = lines[0].dump() + "\n";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    lines[i]["values"]["mcd_db"] = 77.0;
    edited += lines[i].dump() + "\n";
  }
  rig.write("out.jsonl", edited + R"({"pair": "c", "val)");
  rig.sound("gen/b.wav", {.seconds = 0.9, .brightness = 0.4});
  REQUIRE(rig.eval(arguments).exit_code == 0);
  lines = rig.lines("out.jsonl");
  REQUIRE(lines.size() == 4);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    CHECK((lines[i]["values"]["mcd_db"] == 77.0) == (lines[i]["pair"] != "b"));
  }
  const ProgramResult other = rig.eval(
      {"ref", "gen", "--metrics", "mcd,mfcc_distance", "--jsonl", "out.jsonl", "--resume"});
  CHECK(other.exit_code == 3);
  check_contains(other.err, {"--resume", "mfcc_distance_db"});
  CHECK(rig.lines("out.jsonl").size() == 4);
}

TEST_CASE("outputs are never replaced without --force, and an unwritable one is known at once") {
  const EvalRig rig;
  rig.corpus();
  rig.write("out.csv", "mine");
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv"}).exit_code == 4);
  CHECK(rig.bytes("out.csv") == "mine");
  // --force replaces earlier outputs; this is none.
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv", "--force"}).exit_code == 2);
  CHECK(rig.bytes("out.csv") == "mine");
  fs::remove(rig.folder.path() / "out.csv");
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv"}).exit_code == 0);
  CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", "--csv", "out.csv", "--force"}).exit_code == 0);
  for (const char* option : {"--csv", "--jsonl"}) {
    const ProgramResult result = rig.eval({"ref", "gen", option, "nowhere/out"});
    CHECK(result.exit_code == 4);
    check_contains(result.err, {"nowhere/out"});
  }
  CHECK(rig.eval({"ref", "gen", "--jsonl", "out.csv"}).exit_code == 4);
}

TEST_CASE("no output replaces what is measured, behind a link neither, whatever is forced") {
  const EvalRig rig;
  rig.corpus();
  fs::create_directories(rig.folder.path() / "linked");
  for (const char* name : {"a.wav", "b.wav", "c.wav"}) {
    fs::create_symlink(rig.folder.path() / "ref" / name, rig.folder.path() / "linked" / name);
  }
  rig.write("pairs.csv", "ref,gen\nref/a.wav,gen/a.wav\n");
  const std::string a = rig.bytes("ref/a.wav");
  for (const char* option : {"--csv", "--jsonl", "--report"}) {
    INFO(option);
    CHECK(rig.eval({"ref/a.wav", "gen/a.wav", option, "ref/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"ref", "gen", option, "linked/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"linked", "gen", option, "ref/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"--manifest", "pairs.csv", option, "gen/a.wav", "--force"}).exit_code == 2);
    CHECK(rig.eval({"--manifest", "pairs.csv", option, "pairs.csv", "--force"}).exit_code == 2);
  }
  CHECK(rig.bytes("ref/a.wav") == a);
}

TEST_CASE("--force replaces no sound without partner, no track, and no output by another") {
  const EvalRig rig;
  rig.corpus();
  rig.sound("ref/alone.wav");
  fs::create_directories(rig.folder.path() / "f0");
  rig.write("f0/a.csv", "0.0,220\n");
  rig.write("pairs.jsonl", "{\"ref\": \"ref/a.wav\", \"gen\": \"gen/a.wav\"}\n");
  for (const char* option : {"--csv", "--jsonl", "--report"}) {
    for (const char* file : {"ref/alone.wav", "f0/a.csv", "pairs.jsonl"}) {
      INFO(option << ' ' << file);
      const std::string before = rig.bytes(file);
      CHECK(rig.eval({"ref", "gen", "--metrics", "mcd", option, file, "--force"}).exit_code == 2);
      CHECK(rig.bytes(file) == before);
    }
  }
  const std::string alone = rig.bytes("ref/alone.wav");
  CHECK(
      rig.eval({"--nearest", "ref", "gen/a.wav", "--csv", "ref/alone.wav", "--force"}).exit_code ==
      2);
  CHECK(rig.eval({"ref", "gen", "--jsonl", "ref/alone.wav", "--resume"}).exit_code == 2);
  CHECK(rig.bytes("ref/alone.wav") == alone);
  for (const char* other : {"--jsonl", "--report"}) {
    const ProgramResult twice = rig.eval({"ref", "gen", "--csv", "out", other, "./out"});
    CHECK(twice.exit_code == 2);
    check_contains(twice.err, {"--csv", other});
  }
  CHECK_FALSE(rig.exists("out"));
}

TEST_CASE("imported pitch tracks take the place of our own") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav");
  fs::create_directories(rig.folder.path() / "f0");
  fs::create_directories(rig.folder.path() / "g0");
  std::string reference;
  std::string generated;
  for (int t = 0; t < 80; ++t) {
    reference += std::to_string(0.01 * t) + ",220\n";
    generated += std::to_string(0.01 * t) + "," + std::to_string(220.0 * std::exp2(0.1)) + "\n";
  }
  rig.write("f0/b.csv", reference);
  rig.write("g0/b.csv", generated);
  const nlohmann::json summary =
      rig.summary({"a.wav", "b.wav", "--metrics", "f0_rmse", "--f0-ref", "f0", "--f0-gen", "g0"});
  // A tenth of an octave; the text carries six decimals of 235.8 Hz, 4e-6 cents.
  CHECK(metric(summary, "f0_rmse_cents")["mean"].get<double>() == Approx(120.0).epsilon(1e-6));
  const ProgramResult missing = rig.eval(
      {"a.wav", "b.wav", "--metrics", "f0_rmse", "--f0-ref", "ref", "--gate", "f0_rmse<9"});
  CHECK(missing.exit_code == 6);
  check_contains(missing.err, {"expected an F0 track"});
}

TEST_CASE("every profile prints what its tool printed of the same files") {
  const EvalRig rig;
  const fs::path golden = fs::path(ONDES_SOURCE_DIR) / "tests/golden/mel_cepstral_distortion";
  std::map<std::string, double> expected;
  std::ifstream values(golden / "values.txt");
  for (std::string line; std::getline(values, line);) {
    std::istringstream words(line);
    std::string name;
    double value = 0.0;
    if (words >> name >> value) {
      expected[name] = value;
    }
  }
  for (const std::string side : {"reference", "generated"}) {
    fs::create_directories(rig.folder.path() / side);
    fs::copy_file(golden / (side + "_22050.wav"), rig.folder.path() / side / "clip.wav");
    for (const std::string tool : {"versa", "pymcd"}) {
      const std::string folder = tool + "_" + side;
      fs::create_directories(rig.folder.path() / folder);
      fs::copy_file(golden / (folder + ".npy"), rig.folder.path() / folder / "clip.npy");
    }
  }
  const auto mcd = [&](const std::string& profile) {
    std::vector<std::string> arguments{"reference", "generated",     "--metrics",
                                       "mcd",       "--mcd-profile", profile};
    if (profile == "versa" || profile == "pymcd") {
      arguments.insert(arguments.end(), {"--envelopes-ref", profile + "_reference",
                                         "--envelopes-gen", profile + "_generated"});
    }
    return metric(rig.summary(arguments), "mcd_db")["mean"].get<double>();
  };
  // METRICS asks for 0.01 dB.
  CHECK(mcd("espnet") == Approx(expected.at("22050.espnet")).margin(0.01));
  CHECK(mcd("kubichek") == Approx(expected.at("22050.kubichek")).margin(0.01));
  CHECK(mcd("versa") == Approx(expected.at("22050.versa_dtw")).margin(0.01));
  CHECK(mcd("pymcd") == Approx(expected.at("22050.pymcd_dtw")).margin(0.01));
  const ProgramResult missing =
      rig.eval({"reference", "generated", "--mcd-profile", "versa", "--envelopes-ref", "nowhere",
                "--envelopes-gen", "nowhere", "--gate", "mcd<100"});
  CHECK(missing.exit_code == 6);
  check_contains(missing.err, {"clip: not measured", "nowhere/clip.npy"});
}

TEST_CASE("of two vocoders the better one is nearer in every spectral measure") {
  const auto data = test_data();
  if (!data) {
    WARN("skipped: no test data (../shared/data or ONDES_TEST_DATA)");
    return;
  }
  const EvalRig rig;
  for (const std::string system : {"raw", "hifigan", "melgan"}) {
    fs::create_directories(rig.folder.path() / system);
    for (const std::string clip : {"LJ050-0029", "LJ050-0030"}) {
      fs::copy_file(*data / "speech" / (clip + "_" + system + ".wav"),
                    rig.folder.path() / system / (clip + ".wav"));
    }
  }
  const nlohmann::json summary =
      rig.summary({"raw", "--compare", "melgan", "hifigan", "--metrics", "all"});
  for (const char* name :
       {"mcd_db", "mcd_sync_db", "mcd_espnet_db", "mcd_kubichek_db", "mfcc_distance_db",
        "multi_resolution_stft", "spectral_convergence", "log_magnitude_distance",
        "log_spectral_distance_db", "log_spectral_difference_db", "stoi", "estoi"}) {
    INFO(name);
    CHECK(summary["second_minus_first"][name]["better"] == "hifigan");
  }
}

TEST_CASE("an interrupted run ends with 130, keeps whole lines and is taken up from them") {
  const EvalRig rig;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    rig.sound(std::string("ref/") + name + ".wav", {.seconds = 3.0});
    rig.sound(std::string("gen/") + name + ".wav", {.seconds = 3.0, .brightness = 0.5});
  }
  const std::vector<std::string> arguments{"ref",       "gen",   "--jsonl",  "out.jsonl",
                                           "--threads", "1",     "--resume", "--progress",
                                           "json",      "--csv", "out.csv",  "--force"};
  ProgramOptions options;
  options.interrupt_after = "\"fraction\"";  // the first pair is done
  const ProgramResult cut = rig.eval(arguments, options);
  INFO(cut.err);
  REQUIRE(cut.exit_code == 130);
  check_contains(cut.err, {"out.jsonl", "--resume"});
  CHECK_FALSE(rig.exists("out.csv"));
  const std::size_t done = rig.lines("out.jsonl").size();
  CHECK(done >= 2);
  CHECK(done < 9);
  CHECK(rig.eval(arguments).exit_code == 0);
  CHECK(rig.lines("out.jsonl").size() == 9);
  CHECK(rig.exists("out.csv"));
}
