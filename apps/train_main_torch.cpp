// ondes-train: makes corpora, trains voices, measures them. The only program that links LibTorch;
// `ondes train ...` runs it.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/cli_options.h"
#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/standard_streams.h"
#include "apps/train_commands.h"
#include "engine/error.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"ondes-train: make corpora, train voices, measure them"};
  app.require_subcommand(1);
  app.fallthrough();  // --threads may stand behind the subcommand too
  int threads = 0;
  app.add_option("--threads", threads,
                 "threads of LibTorch; 0 leaves it to LibTorch: OMP_NUM_THREADS, else as\n"
                 "a rule one a physical core (here " +
                     std::to_string(at::get_num_threads()) + ")")
      ->check(CLI::Range(0, 1024));
  ondes::Action action;
  ondes::add_train_corpus_command(app, action);
  ondes::add_train_wavenet_command(app, action);
  ondes::add_train_hifigan_command(app, action);
  ondes::add_train_note_generator_command(app, action);
  ondes::add_train_evaluate_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return ondes::exit_of_parse_error(app, e, "ondes-train");
  }
  if (threads > 0) {
    at::set_num_threads(threads);
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  ondes::occupy_standard_streams();
  ondes::install_signal_handlers();
  try {
    return run(argc, argv);
  } catch (const ondes::Error& e) {
    std::fprintf(stderr, "ondes-train: %s\n", e.what());
    return ondes::exit_code(e.code());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ondes-train: unexpected: %s\n", e.what());
    return ondes::kExitInternal;
  }
}
