// ondes-train corpus: a note corpus from a configuration.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>

#include "apps/exit_codes.h"
#include "apps/train_commands.h"
#include "engine/error.h"
#include "models/training/soundfont_corpus.h"

namespace ondes {
namespace {

SoundfontCorpusSpec soundfont_spec(const nlohmann::json& recipe, const std::string& file) {
  SoundfontCorpusSpec spec;
  try {
    const nlohmann::json& c = recipe.at("corpus");
    spec.soundfont = c.at("soundfont").get<std::string>();
    spec.soundfont_licence = c.at("soundfont_licence").get<std::string>();
    spec.sample_rate_hz = c.at("sample_rate").get<int>();
    spec.synth_gain = c.value("synth_gain", spec.synth_gain);
    spec.notes_per_key = c.value("notes_per_key", spec.notes_per_key);
    spec.shortest_s = c.value("shortest_s", spec.shortest_s);
    spec.longest_s = c.value("longest_s", spec.longest_s);
    spec.longest_release_s = c.value("longest_release_s", spec.longest_release_s);
    spec.bend_semitones = c.value("bend_semitones", spec.bend_semitones);
    spec.test_share = c.value("test_share", spec.test_share);
    spec.validation_share = c.value("validation_share", spec.validation_share);
    spec.seed = c.value("seed", spec.seed);
    for (const auto& i : c.at("instruments")) {
      spec.instruments.push_back({i.at("name").get<std::string>(), i.at("program").get<int>(),
                                  i.at("lowest_key").get<int>(), i.at("highest_key").get<int>()});
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_input, file + ": corpus: " + e.what());
  }
  return spec;
}

}  // namespace

nlohmann::json read_recipe(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) {
    throw Error(ErrorCode::io, path + ": cannot open");
  }
  try {
    return nlohmann::json::parse(stream);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_input, path + ": " + e.what());
  }
}

void make_corpus(const nlohmann::json& recipe,
                 const std::string& file,
                 const std::filesystem::path& folder) {
  make_soundfont_corpus(soundfont_spec(recipe, file), folder, [](int done, int total) {
    if (done % 50 == 0 || done == total) {
      std::fprintf(stderr, "corpus: %d of %d notes\n", done, total);
    }
  });
}

void add_train_corpus_command(CLI::App& app, Action& action) {
  struct Arguments {
    std::string config;
    std::string out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("corpus", "make a note corpus");
  command->add_option("--config", arguments->config, "configuration (samples/configs/*.json)")
      ->required();
  command->add_option("-o,--out", arguments->out, "folder to write")->required();
  command->callback([arguments, &action] {
    action = [arguments] {
      make_corpus(read_recipe(arguments->config), arguments->config, arguments->out);
      return kExitDone;
    };
  });
}

}  // namespace ondes
