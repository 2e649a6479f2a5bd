#include "apps/train_run.h"

#include <cstdio>
#include <filesystem>

#include "apps/interrupt.h"
#include "apps/train_commands.h"

namespace ondes {
namespace {

std::string time_left(double seconds) {
  char text[32];
  const auto s = static_cast<long>(seconds);
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  return text;
}

}  // namespace

void print_training(TrainingRun* run) {
  run->interrupted = &interrupted;
  run->message = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  run->progress = [](const TrainingProgress& p) {
    std::fprintf(stderr, "step %lld of %lld  loss %.4f  validation %.4f  %.0f samples/s  %s left\n",
                 static_cast<long long>(p.step), static_cast<long long>(p.steps), p.loss,
                 p.validation_loss, p.samples_per_s, time_left(p.seconds_left).c_str());
  };
}

NoteCorpus corpus_for_training(const nlohmann::json& recipe,
                               const std::string& config,
                               const std::string& work,
                               const std::string& corpus) {
  const std::filesystem::path folder =
      corpus.empty() ? std::filesystem::path(work) / "corpus" : std::filesystem::path(corpus);
  if (!std::filesystem::exists(folder / "corpus.json")) {
    make_corpus(recipe, config, folder);
  }
  NoteCorpus opened = open_note_corpus(folder);
  std::fprintf(stderr, "corpus: %zu notes, %.1f minutes\n", opened.notes.size(),
               static_cast<double>(opened.samples.size()) / opened.sample_rate_hz / 60.0);
  return opened;
}

}  // namespace ondes
