#include "apps/train_run.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/output_path.h"
#include "apps/train_commands.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"

namespace ondes {
namespace {

std::string time_left(double seconds) {
  char text[32];
  const auto s = static_cast<long>(seconds);
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  return text;
}

}  // namespace

void add_train_options(CLI::App& command, TrainOptions* options) {
  command.add_option("--config", options->config, "configuration (samples/configs/*.json)")
      ->required();
  command.add_option("--work", options->work, "folder for corpus, checkpoints and log")->required();
  command.add_option("-o,--out", options->out, "voice file to write")->required();
  command.add_option("--device", options->device, "cpu or cuda");
  command.add_flag("--export-only", options->export_only,
                   "write the voice of WORK/checkpoint.pt and train nothing");
  command.add_flag("--resume", options->resume, "go on from WORK/checkpoint.pt");
  command.add_flag("--force", options->force,
                   "replace the voice if it exists; without --resume, begin anew\n"
                   "where WORK has a checkpoint");
}

void add_corpus_option(CLI::App& command, TrainOptions* options) {
  command.add_option("--corpus", options->corpus,
                     "note corpus (default: WORK/corpus, made if absent)");
}

void require_room_for_training(const TrainOptions& options) {
  if (is_special_output(options.out)) {
    throw Error(ErrorCode::io,
                "-o " + options.out + ": expected a file to write the voice to, found a device");
  }
  static_cast<void>(AtomicFileWriter(options.out));  // its temporary file is the proof; it goes
  refuse_existing(options.out, options.force);
  if (options.resume || options.export_only) {
    return;
  }
  const std::filesystem::path checkpoint = std::filesystem::path(options.work) / kCheckpointName;
  std::error_code error;
  if (!options.force && std::filesystem::exists(checkpoint, error)) {
    throw Error(ErrorCode::io, checkpoint.string() +
                                   ": an earlier run's checkpoint: --resume goes on from it, "
                                   "--force begins anew and replaces it");
  }
  std::filesystem::create_directories(options.work, error);
  if (error) {
    throw Error(ErrorCode::io,
                "--work " + options.work + ": cannot make the folder: " + error.message());
  }
  static_cast<void>(AtomicFileWriter(checkpoint.string()));
}

TrainingRun training_run_of(const TrainOptions& options) {
  TrainingRun run;
  run.work_folder = options.work;
  run.voice = options.out;
  run.resume = options.resume;
  run.export_only = options.export_only;
  run.start_from = options.start_from;
  run.device = options.device;
  run.interrupted = &interrupted;
  run.message = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  run.progress = [](const TrainingProgress& p) {
    std::fprintf(stderr, "step %lld of %lld  loss %.4f  validation %.4f  %.0f samples/s  %s left\n",
                 static_cast<long long>(p.step), static_cast<long long>(p.steps), p.loss,
                 p.validation_loss, p.samples_per_s, time_left(p.seconds_left).c_str());
  };
  return run;
}

int report_training(const TrainOptions& options, bool written) {
  if (written) {
    std::fprintf(stderr, "wrote %s\n", options.out.c_str());
  }
  return kExitDone;
}

NoteCorpus corpus_for_training(const nlohmann::json& recipe, const TrainOptions& options) {
  const std::filesystem::path folder = options.corpus.empty()
                                           ? std::filesystem::path(options.work) / "corpus"
                                           : std::filesystem::path(options.corpus);
  if (!std::filesystem::exists(folder / "corpus.json")) {
    make_corpus(recipe, options.config, folder);
  }
  NoteCorpus opened = open_note_corpus(folder);
  std::fprintf(stderr, "corpus: %zu notes, %.1f minutes\n", opened.notes.size(),
               static_cast<double>(opened.samples.size()) / opened.sample_rate_hz / 60.0);
  return opened;
}

}  // namespace ondes
