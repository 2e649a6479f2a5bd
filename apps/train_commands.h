// The subcommands of `ondes-train`, one file each (train_<command>.cpp), as commands.h has those of
// `ondes`. Messages and progress on stderr, data on stdout.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/commands.h"

namespace ondes {

void add_train_corpus_command(CLI::App& app, Action& action);
void add_train_wavenet_command(CLI::App& app, Action& action);
void add_train_hifigan_command(CLI::App& app, Action& action);
void add_train_note_generator_command(CLI::App& app, Action& action);
void add_train_evaluate_command(CLI::App& app, Action& action);

// Makes the note corpus that a configuration's "corpus" object describes.
void make_corpus(const nlohmann::json& recipe,
                 const std::string& file,
                 const std::filesystem::path& folder);

}  // namespace ondes
