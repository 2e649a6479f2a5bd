// ondes-train hifigan: trains a mel voice from a folder of recordings.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/train_commands.h"
#include "apps/train_run.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/training/hifigan_task_torch.h"

namespace ondes {
namespace {

struct HifiganArguments {
  std::string config;
  std::string data;
  std::string work;
  std::string out;
  std::string device = "cpu";
  std::string start_from;
  bool resume = false;
  bool export_only = false;
};

void print_clips(int done, int total) {
  check_interrupted();
  if (done % 200 == 0 || done == total) {
    std::fprintf(stderr, "corpus: %d of %d recordings\n", done, total);
  }
}

// A run that goes on takes the corpus as it was made, whatever became of the recordings.
ClipCorpus corpus_of(const HifiganRecipe& recipe, const HifiganArguments& arguments) {
  const std::filesystem::path folder = std::filesystem::path(arguments.work) / "corpus";
  if (!arguments.resume && !arguments.export_only) {
    if (arguments.data.empty()) {
      throw Error(ErrorCode::usage, "--data: expected a folder of recordings, found nothing");
    }
    ClipCorpusSpec spec = recipe.corpus;
    spec.recordings = arguments.data;
    make_clip_corpus(spec, folder, print_clips);
  }
  ClipCorpus corpus = open_clip_corpus(folder);
  std::fprintf(stderr, "corpus: %zu recordings, %.1f minutes\n", corpus.clips.size(),
               static_cast<double>(corpus.samples.size()) / corpus.sample_rate_hz / 60.0);
  return corpus;
}

int train(const HifiganArguments& arguments) {
  if (arguments.resume && !arguments.start_from.empty()) {
    throw Error(ErrorCode::usage, "--from: a run that is resumed goes on with its own weights");
  }
  const HifiganRecipe recipe =
      hifigan_recipe_from_json(read_json_file(arguments.config), arguments.config);
  const ClipCorpus corpus = corpus_of(recipe, arguments);
  TrainingRun run;
  run.work_folder = arguments.work;
  run.voice = arguments.out;
  run.resume = arguments.resume;
  run.export_only = arguments.export_only;
  run.start_from = arguments.start_from;
  run.device = arguments.device;
  print_training(&run);
  const std::unique_ptr<AdversarialTask> task = make_hifigan_task(recipe, corpus);
  if (train_adversarial(*task, recipe.training, run)) {
    std::fprintf(stderr, "wrote %s\n", arguments.out.c_str());
  }
  return kExitDone;
}

}  // namespace

void add_train_hifigan_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<HifiganArguments>();
  CLI::App* command =
      app.add_subcommand("hifigan", "train a mel voice (HiFi-GAN) from a folder of recordings");
  command
      ->add_option("--config", arguments->config, "configuration (samples/configs/hifigan_*.json)")
      ->required();
  command->add_option("--data", arguments->data,
                      "folder of WAV and FLAC files; not needed to resume");
  command->add_option("--work", arguments->work, "folder for corpus, checkpoints and log")
      ->required();
  command->add_option("-o,--out", arguments->out, "voice file to write")->required();
  command->add_option("--device", arguments->device, "cpu or cuda");
  command->add_option("--from", arguments->start_from,
                      "voice file whose weights a fresh run starts from (fine-tuning)");
  command->add_flag("--export-only", arguments->export_only,
                    "write the voice of WORK/checkpoint.pt and train nothing");
  command->add_flag("--resume", arguments->resume, "go on from WORK/checkpoint.pt");
  command->callback([arguments, &action] { action = [arguments] { return train(*arguments); }; });
}

}  // namespace ondes
