// Programs that are begun without standard input, output or error.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "dsp/audio_file.h"
#include "tests/support/ondes_program.h"

using namespace ondes;

namespace {

// As a shell runs it: `redirections` close what they close.
ProgramResult run_without(const OndesRig& rig,
                          const std::string& arguments,
                          const std::string& redirections) {
  ProgramOptions options;
  options.folder = rig.folder.path();
  return run_program("/bin/sh",
                     {"-c", "exec " ONDES_BINARY_DIR "/bin/ondes " + arguments + redirections},
                     options);
}

}  // namespace

TEST_CASE("without a standard output, telemetry does not go into the recording; exit 4") {
  const OndesRig rig;
  const std::string arguments =
      "play score.mid --voice voice.safetensors --audio-device clock --speed 0 --quiet --json "
      "--record ";
  const ProgramResult with = run_without(rig, arguments + "with.wav", "");
  REQUIRE(with.exit_code == 0);
  const ProgramResult without = run_without(rig, arguments + "without.wav", " >&-");
  CHECK(without.exit_code == 4);
  CHECK(without.err.find("standard output") != std::string::npos);
  CHECK(read_audio_file(rig.folder.file("without.wav")).samples ==
        read_audio_file(rig.folder.file("with.wav")).samples);
}

TEST_CASE("without any standard stream a render is the same") {
  const OndesRig rig;
  const std::string arguments = "render score.mid --voice voice.safetensors -o ";
  REQUIRE(run_without(rig, arguments + "with.wav", "").exit_code == 0);
  CHECK(run_without(rig, arguments + "without.wav", " <&- >&- 2>&-").exit_code == 0);
  CHECK(read_audio_file(rig.folder.file("without.wav")).samples ==
        read_audio_file(rig.folder.file("with.wav")).samples);
}
