// `ondes eval --report` as a user runs it: when the file appears, and what is never replaced.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "dsp/audio_file.h"
#include "tests/support/program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

// ref/ and gen/ with two pairs of half a second each.
struct Rig {
  Rig() {
    for (const char* side : {"ref", "gen"}) {
      std::filesystem::create_directory(folder.path() / side);
      for (const char* name : {"one", "two"}) {
        write_tone(folder.file(std::string(side) + "/" + name + ".wav"),
                   side[0] == 'r' ? 0.3F : 0.2F);
      }
    }
  }
  static void write_tone(const std::string& path, float level) {
    constexpr int kRateHz = 16000;
    std::vector<float> x(kRateHz / 2);
    for (std::size_t n = 0; n < x.size(); ++n) {
      x[n] = level * std::sin(0.08F * static_cast<float>(n)) +
             0.1F * std::sin(0.61F * static_cast<float>(n));
    }
    AudioFileWriter writer(path, {.sample_rate_hz = kRateHz});
    writer.write({x.data(), static_cast<int>(x.size()), 1});
    writer.finish();
  }
  ProgramResult eval(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"eval", "ref", "gen", "--metrics", "mcd,stoi"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_built("ondes", arguments, folder);
  }
  std::string text(const std::string& name) const { return read_text(folder.file(name)); }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(folder.path() / name);
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("ondes eval --report writes one page with both pairs, and says how large it is") {
  const Rig rig;
  const ProgramResult result = rig.eval({"--report", "out.html"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  check_contains(result.err, {"out.html: the report"});
  check_contains(rig.text("out.html"), {"<title>gen against ref</title>", "mcd_<wbr>db",
                                        "id=\"pair-1\"", "id=\"pair-2\"", "</html>"});
}

TEST_CASE("a broken gate still has its report, and exit code 6") {
  const Rig rig;
  const ProgramResult result = rig.eval({"--report", "out.html", "--gate", "mcd<0.0001"});
  CHECK(result.exit_code == 6);
  check_contains(rig.text("out.html"), {"Failed: 1 of 1 threshold not met"});
}

TEST_CASE("a report that cannot be written is refused before anything is measured") {
  const Rig rig;
  const ProgramResult result = rig.eval({"--report", "missing/out.html", "--jsonl", "lines.jsonl"});
  CHECK(result.exit_code == 4);
  check_contains(result.err, {"missing"});
  CHECK_FALSE(rig.exists("lines.jsonl"));  // the first thing that measuring writes
}

TEST_CASE("options that make no sense are refused, and leave no report") {
  const Rig rig;
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
           {"--report", "-"}, {"--report", "out.html", "--report-by", "mdc"}, {"--report-all"}}) {
    CHECK(rig.eval(options).exit_code == 2);
  }
  CHECK_FALSE(rig.exists("out.html"));
}

TEST_CASE("an existing report needs --force") {
  const Rig rig;
  std::ofstream(rig.folder.file("out.html")) << "<!DOCTYPE html>\nold";
  CHECK(rig.eval({"--report", "out.html"}).exit_code == 4);
  CHECK(rig.text("out.html") == "<!DOCTYPE html>\nold");
  CHECK(rig.eval({"--report", "out.html", "--force"}).exit_code == 0);
  CHECK(rig.text("out.html").size() > 10000);
}

TEST_CASE("--force replaces no sound: not one of a folder, nor through a link") {
  const Rig rig;
  const std::string before = rig.text("ref/one.wav");
  std::filesystem::create_symlink("ref/one.wav", rig.folder.file("link.html"));
  for (const char* path : {"ref/one.wav", "link.html"}) {
    const ProgramResult result = rig.eval({"--report", path, "--force"});
    CHECK(result.exit_code == 2);
    check_contains(result.err, {path, "expected a report"});
    CHECK(rig.text("ref/one.wav") == before);
  }
}
