#include "apps/train_folds.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/train_run.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"
#include "models/training/note_folds.h"
#include "models/training/note_generator_task.h"
#include "models/training/wavenet_trainer.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

// Both kinds of recipe have a network; only a note generator's has partials.
bool is_note_generator(const nlohmann::json& recipe) {
  return recipe.is_object() && recipe.contains("network") && recipe["network"].is_object() &&
         recipe["network"].contains("partials");
}

void train_fold(const FoldsRequest& request,
                const nlohmann::json& recipe,
                const NoteCorpus& corpus,
                const TrainOptions& options) {
  const TrainingRun run = training_run_of(options);
  if (is_note_generator(recipe)) {
    const NoteGeneratorRecipe parsed = note_generator_recipe_from_json(recipe, request.config);
    const NoteGeneratorTask task(parsed, corpus, run.message);
    train_adversarial(task, parsed.training, run);
  } else {
    train_wavenet(voice_recipe_from_json(recipe, request.config), corpus, run);
  }
}

// Voices of another dealing, corpus or configuration must not be taken for these.
void check_work_folder(const FoldsRequest& request,
                       const NoteCorpus& corpus,
                       const nlohmann::json& recipe) {
  const nlohmann::json wanted = {{"folds", request.folds},
                                 {"seed", request.seed},
                                 {"notes", corpus.notes.size()},
                                 {"samples", corpus.samples.size()},
                                 {"config", recipe}};
  const fs::path file = fs::path(request.work) / "folds.json";
  if (!fs::exists(file)) {
    std::error_code ignored;
    fs::create_directories(request.work, ignored);
    const std::string text = wanted.dump(2) + "\n";
    write_file_atomically(file.string(), std::as_bytes(std::span(text)));
    return;
  }
  const nlohmann::json found = read_json_file(file.string());
  for (const auto& [key, value] : wanted.items()) {
    if (!found.contains(key) || found[key] != value) {
      throw Error(ErrorCode::bad_input,
                  file.string() + ": field '" + key +
                      "': expected this run's, found another's; an empty --work begins anew");
    }
  }
}

std::vector<int> notes_of_fold(const std::vector<int>& fold_of, int fold) {
  std::vector<int> notes;
  for (std::size_t i = 0; i < fold_of.size(); ++i) {
    if (fold_of[i] == fold) {
      notes.push_back(static_cast<int>(i));
    }
  }
  return notes;
}

}  // namespace

FoldsResult cross_validate(const FoldsRequest& request,
                           const NoteCorpus& corpus,
                           const VoiceMeasure& measure) {
  const std::vector<int> fold_of = deal_folds(corpus, request.folds, request.seed);
  const nlohmann::json recipe = read_json_file(request.config);
  check_work_folder(request, corpus, recipe);
  FoldsResult result;
  std::vector<NoteFigures> all;
  for (int fold = 0; fold < request.folds; ++fold) {
    const NoteCorpus held_out = with_fold_held_out(corpus, fold_of, fold);
    const std::vector<int> notes = notes_of_fold(fold_of, fold);
    TrainOptions options;
    options.config = request.config;
    options.work = (fs::path(request.work) / ("fold-" + std::to_string(fold + 1))).string();
    options.out = (fs::path(options.work) / "voice.safetensors").string();
    options.device = request.device;
    options.resume = fs::exists(fs::path(options.work) / "checkpoint.pt");
    std::fprintf(stderr, "fold %d of %d: %zu notes held out\n", fold + 1, request.folds,
                 notes.size());
    if (!fs::exists(options.out)) {
      train_fold(request, recipe, held_out, options);
    }
    result.figures.push_back(measure(options.out, held_out, notes));
    const std::vector<NoteFigures>& figures = result.figures.back();
    result.folds.push_back(summarise(held_out, figures).back());
    all.insert(all.end(), figures.begin(), figures.end());
  }
  result.instruments = summarise(corpus, all);
  return result;
}

}  // namespace ondes
