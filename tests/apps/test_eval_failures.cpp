// ondes eval: what cannot be read or measured, gates, and requests that make no sense.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "tests/support/eval_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

TEST_CASE("what a metric lacks has its own reason, not its neighbour's") {
  const EvalRig rig;
  rig.sound("a.wav");
  rig.sound("b.wav", {.seconds = 1.01 / kEvalRateHz});
  REQUIRE(rig.eval({"a.wav", "b.wav", "--jsonl", "out.jsonl"}).exit_code == 0);
  const nlohmann::json line = rig.lines("out.jsonl").at(1);
  INFO(line["unmeasured"].dump());
  CHECK(line["unmeasured"]["delay_samples"] == line["unmeasured"]["mcd_db"]);
}

TEST_CASE("what cannot be measured is null with a reason, never NaN") {
  const EvalRig rig;
  rig.sound("ref/a.wav");
  rig.sound("gen/a.wav", {.gain = 0.0});
  rig.sound("ref/b.wav", {.gain = 0.0});
  rig.sound("gen/b.wav", {.gain = 0.0});
  rig.sound("ref/one.wav");
  rig.sound("gen/one.wav", {.seconds = 1.01 / kEvalRateHz});
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
                         {.sample_rate_hz = kEvalRateHz, .format = SampleFormat::float32});
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
