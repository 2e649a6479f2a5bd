// ondes-train hifigan: trains a mel voice from a folder of recordings.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/interrupt.h"
#include "apps/train_commands.h"
#include "apps/train_run.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/training/hifigan_task_torch.h"

namespace ondes {
namespace {

struct HifiganOptions {
  TrainOptions common;
  std::string data;
};

void print_clips(int done, int total) {
  check_interrupted();
  if (done % 200 == 0 || done == total) {
    std::fprintf(stderr, "corpus: %d of %d recordings\n", done, total);
  }
}

// A run that goes on takes the corpus as it was made, whatever became of the recordings.
ClipCorpus corpus_of(const HifiganRecipe& recipe, const HifiganOptions& options) {
  const std::filesystem::path folder = std::filesystem::path(options.common.work) / "corpus";
  if (!options.common.resume && !options.common.export_only) {
    if (options.data.empty()) {
      throw Error(ErrorCode::usage, "--data: expected a folder of recordings, found nothing");
    }
    ClipCorpusSpec spec = recipe.corpus;
    spec.recordings = options.data;
    make_clip_corpus(spec, folder, print_clips);
  }
  ClipCorpus corpus = open_clip_corpus(folder);
  std::fprintf(stderr, "corpus: %zu recordings, %.1f minutes\n", corpus.clips.size(),
               static_cast<double>(corpus.samples.size()) / corpus.sample_rate_hz / 60.0);
  return corpus;
}

int train(const HifiganOptions& options) {
  if (options.common.resume && !options.common.start_from.empty()) {
    throw Error(ErrorCode::usage, "--from: a run that is resumed goes on with its own weights");
  }
  const HifiganRecipe recipe =
      hifigan_recipe_from_json(read_json_file(options.common.config), options.common.config);
  require_room_for_training(options.common);
  const ClipCorpus corpus = corpus_of(recipe, options);
  const TrainingRun run = training_run_of(options.common);
  const std::unique_ptr<AdversarialTask> task = make_hifigan_task(recipe, corpus);
  return report_training(options.common, train_adversarial(*task, recipe.training, run));
}

}  // namespace

void add_train_hifigan_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<HifiganOptions>();
  CLI::App* command =
      app.add_subcommand("hifigan", "train a mel voice (HiFi-GAN) from a folder of recordings");
  add_train_options(*command, &options->common);
  command->add_option("--data", options->data,
                      "folder of WAV and FLAC files; not needed to resume");
  command->add_option("--from", options->common.start_from,
                      "voice file whose weights a fresh run starts from (fine-tuning)");
  command->callback([options, &action] { action = [options] { return train(*options); }; });
}

}  // namespace ondes
