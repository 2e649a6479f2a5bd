// `ondes-train hifigan` from outside: a small training, its refusals, interruption.
#include <catch2/catch.hpp>
#include <fstream>

#include "engine/weights/voice_file.h"
#include "tests/support/program.h"
#include "tests/support/synthetic_recordings.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

struct TrainRig {
  TemporaryFolder folder;

  TrainRig() {
    write_synthetic_recordings(folder.path() / "recordings");
    recipe(synthetic_mel_recipe());
  }
  void recipe(const nlohmann::json& json) const {
    std::ofstream(folder.file("recipe.json")) << json.dump();
  }
  ProgramResult run(const std::vector<std::string>& arguments,
                    const std::string& interrupt_after = "") const {
    return run_built("ondes-train", arguments, folder, {.interrupt_after = interrupt_after});
  }
  ProgramResult train(const std::vector<std::string>& more,
                      const std::string& out,
                      const std::string& interrupt_after = "") const {
    std::vector<std::string> arguments = {"hifigan", "--config", "recipe.json", "--work", "work",
                                          "-o",      out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, interrupt_after);
  }
};

}  // namespace

TEST_CASE("a mel voice from a folder of recordings, on the command line, and fine-tuned") {
  const TrainRig rig;
  const ProgramResult result = rig.train({"--data", "recordings"}, "out.safetensors");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out.empty());  // data only on stdout, and there is none
  check_contains(result.err, {"corpus: 8 recordings", "step 8 of 8", "left", "wrote out"});
  CHECK(open_voice(rig.folder.file("out.safetensors")).name == "tones");
  const std::vector<std::string> tuning = {"--data", "recordings", "--from", "out.safetensors"};
  const ProgramResult refused = rig.train(tuning, "tuned.safetensors");
  CHECK(refused.exit_code == 4);
  check_contains(refused.err, {"work/checkpoint.pt", "--resume", "--force"});
  std::ofstream(rig.folder.file("work/checkpoint.pt"));  // a run that begins anew reads none
  const ProgramResult tuned = rig.train(
      {"--data", "recordings", "--from", "out.safetensors", "--force"}, "tuned.safetensors");
  INFO(tuned.err);
  REQUIRE(tuned.exit_code == 0);
  CHECK(open_voice(rig.folder.file("tuned.safetensors"))
            .description->at("training")
            .at("fine_tuned") == true);
}

TEST_CASE("an interrupted training of a mel voice ends with 130 and goes on to the same bytes") {
  const TrainRig rig;
  nlohmann::json json = synthetic_mel_recipe();
  json["training"]["steps"] = 60;
  rig.recipe(json);
  REQUIRE(rig.train({"--data", "recordings"}, "whole.safetensors").exit_code == 0);
  const ProgramResult stopped =
      rig.train({"--data", "recordings", "--force"}, "out.safetensors", "step 8 of 60");
  INFO(stopped.err);
  REQUIRE(stopped.exit_code == 130);
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("out.safetensors")));
  // The corpus is the run's own by now.
  std::filesystem::remove_all(rig.folder.path() / "recordings");
  const ProgramResult resumed = rig.train({"--resume"}, "out.safetensors");
  INFO(resumed.err);
  REQUIRE(resumed.exit_code == 0);
  CHECK(read_text(rig.folder.file("out.safetensors")) ==
        read_text(rig.folder.file("whole.safetensors")));
}

TEST_CASE("wrong calls of ondes-train hifigan have their exit codes and one clear line") {
  const TrainRig rig;
  CHECK(rig.run({"hifigan"}).exit_code == 2);
  const ProgramResult no_data = rig.train({}, "out.safetensors");
  CHECK(no_data.exit_code == 2);
  check_contains(no_data.err, {"--data"});
  const ProgramResult absent = rig.train({"--data", "nowhere"}, "out.safetensors");
  CHECK(absent.exit_code == 4);
  check_contains(absent.err, {"nowhere"});
  const ProgramResult both =
      rig.train({"--resume", "--from", "out.safetensors"}, "out.safetensors");
  CHECK(both.exit_code == 2);
  check_contains(both.err, {"--from"});
  CHECK(rig.train({"--data", "recordings", "--device", "cuda:99"}, "o.safetensors").exit_code == 5);
  nlohmann::json json = synthetic_mel_recipe();
  json["training"]["segment_samples"] = 500;
  rig.recipe(json);
  const ProgramResult bad = rig.train({"--data", "recordings"}, "out.safetensors");
  CHECK(bad.exit_code == 3);
  check_contains(bad.err, {"recipe.json", "segment_samples", "500"});
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("out.safetensors")));
}
