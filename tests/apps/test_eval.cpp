// ondes eval: what is measured, and how systems are compared.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/eval_rig.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
namespace fs = std::filesystem;

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
