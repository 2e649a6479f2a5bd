#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "apps/bench_wavenet.h"
#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/voices.h"
#include "engine/error.h"

namespace ondes {

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("bench", "Measure how fast this machine is");
  sub->require_subcommand(1);
  CLI::App* wavenet = sub->add_subcommand(
      "wavenet", "Step plans of published sizes, beside what the processor could do at most");
  auto options = std::make_shared<BenchOptions>();
  wavenet->add_option("--residual", options->residual_channels, "Residual channels: 32, 64, 128")
      ->delimiter(',');
  wavenet->add_option("--lanes", options->lanes, "Lanes at once")->delimiter(',');
  wavenet->add_option("--threads", options->threads, "Threads")->delimiter(',');
  wavenet->add_option("--precision", options->precisions, "f32, i16, i8")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "i16", "i8"}));
  wavenet->add_option("--seconds", options->seconds, "Time for each line")
      ->check(finite_range(0.01, 60.0))
      ->capture_default_str();
  const std::filesystem::path torch = program_folder() / "ondes-bench-torch";
  std::error_code ignored;
  if (std::filesystem::exists(torch, ignored)) {
    options->torch_program = torch.string();
  }
  wavenet->add_option(
      "--torch", options->torch_program,
      "ondes-bench-torch, for comparison with LibTorch (default: the one beside ondes; '': none)");
  wavenet->add_flag("--json", options->json, "JSON lines instead of a table");
  wavenet->callback([options, &action] {
    action = [options] {
      std::error_code error;
      if (!options->torch_program.empty() &&
          !std::filesystem::exists(options->torch_program, error)) {
        throw Error(ErrorCode::io, "--torch " + options->torch_program + ": not there");
      }
      return run_bench_wavenet(*options);
    };
  });
}

}  // namespace ondes
