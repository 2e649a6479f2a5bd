// ondes: the command line. Data goes to standard output, messages and progress to standard error.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/standard_streams.h"
#include "engine/error.h"

namespace {

int run(int argc, char** argv) {
  // Its options are another program's affair, as git's subcommands are.
  if (argc >= 2 && std::strcmp(argv[1], "train") == 0) {
    ondes::exec_train(argv + 2);
  }
  CLI::App app("Ondes: raw-audio waveform synthesis. A score becomes sound.", "ondes");
  app.set_version_flag("--version", "ondes " ONDES_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 a bug in Ondes, 2 usage, 3 bad input, 4 read or write failed,\n"
      "5 no device, 6 a threshold was not met, 130 interrupted.");
  ondes::Action action;
  ondes::add_render_command(app, action);
  ondes::add_rerender_command(app, action);
  ondes::add_info_command(app, action);
  ondes::add_import_command(app, action);
  ondes::add_mel_command(app, action);
  ondes::add_eval_command(app, action);
  ondes::add_play_command(app, action);
  ondes::add_live_command(app, action);
  ondes::add_devices_command(app, action);
  ondes::add_voices_command(app, action);
  ondes::add_doctor_command(app, action);
  ondes::add_bench_command(app, action);
  app.add_subcommand("train", "Train a voice: runs the separate program ondes-train");
  // CLI11 would say that a subcommand is missing, and not that this one is unknown.
  const auto is_asked_for = [argv](const CLI::App* command) {
    return command->check_name(argv[1]);
  };
  if (argc >= 2 && argv[1][0] != '-' && app.get_subcommands(is_asked_for).empty()) {
    throw ondes::Error(ondes::ErrorCode::usage,
                       "unknown command '" + std::string(argv[1]) + "'; `ondes --help` lists them");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ondes::exit_of_parse_error(app, error, "ondes");
  }
  return action ? action() : ondes::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  ondes::occupy_standard_streams();
  ondes::install_signal_handlers();
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw ondes::Error(ondes::ErrorCode::io, "standard output: not everything was written");
    }
    return code;
  } catch (const ondes::Error& error) {
    std::fputs(fmt::format("ondes: {}\n", error.what()).c_str(), stderr);
    return ondes::exit_code(error.code());
  } catch (const std::bad_alloc&) {
    std::fputs("ondes: not enough memory\n", stderr);
    return ondes::kExitIo;
  } catch (const std::exception& error) {
    std::fputs(fmt::format("ondes: internal error: {}\n", error.what()).c_str(), stderr);
    return ondes::kExitInternal;
  }
}
