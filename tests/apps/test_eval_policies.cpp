// ondes eval: rates, channels, lengths and delays that differ, and whose pitch tracks are taken.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/eval_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

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
