#include <cmath>
#include <limits>

#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"
#include "models/training/note_generator_task.h"

namespace ondes {
namespace {

constexpr int kMaxCount = std::numeric_limits<int>::max();

NoteBatchOptions batch_options(JsonFields& t, int hop_samples) {
  NoteBatchOptions b;
  b.segments = t.integer("segments", 1, 4096, 16);
  b.segment_samples = t.integer("segment_samples", 4096, 1 << 24, 24064);
  b.onset_share = t.number("onset_share", 0.0, 1.0, 0.3);
  b.release_share = t.number("release_share", 0.0, 1.0, b.release_share);
  b.quietest_rms = std::pow(10.0, t.number("quietest_dbfs", -200.0, 0.0, -74.0) / 20.0);
  // Amid a note the first rows have no row before them to rise from.
  b.context_samples = 3 * hop_samples;
  b.input_noise = 0.0;  // of the autoregressive past, which is not used here
  b.input_gain_deviation = 0.0;
  return b;
}

}  // namespace

NoteGeneratorRecipe note_generator_recipe_from_json(const nlohmann::json& json,
                                                    const std::string& file) {
  NoteGeneratorRecipe recipe;
  recipe.source = json;
  JsonFields fields(json, file);
  recipe.name = fields.text("name");
  recipe.licence = fields.text("licence");
  recipe.temperature = fields.number("temperature", 0.0, 4.0, recipe.temperature);
  recipe.contract = note_contract_from_json(fields.object("features"), file);
  if (!recipe.contract.phase) {
    JsonFields(fields.object("features"), file + ": features").refuse("phase", "true", "false");
  }
  recipe.network = note_generator_config_from_json(fields.object("network"), file);
  if (fields.has("level")) {
    JsonFields level(fields.object("level"), file + ": level");
    recipe.level.steps = level.integer("steps", 1, kMaxCount, recipe.level.steps);
    recipe.level.batch_rows = level.integer("batch_rows", 1, 1 << 24, recipe.level.batch_rows);
    recipe.level.learning_rate =
        level.number("learning_rate", 0.0, 1e38, recipe.level.learning_rate);
    level.refuse_unknown();
  }
  recipe.level.channels = recipe.network.level_channels;
  if (fields.has("detune")) {
    JsonFields detune(fields.object("detune"), file + ": detune");
    recipe.detune.steps = detune.integer("steps", 1, kMaxCount, recipe.detune.steps);
    recipe.detune.learning_rate =
        detune.number("learning_rate", 0.0, 1e38, recipe.detune.learning_rate);
    detune.refuse_unknown();
  }
  recipe.detune.channels = recipe.network.detune_channels;
  const std::string where = file + ": training";
  JsonFields training(fields.object("training"), where);
  recipe.batches = batch_options(training, recipe.contract.hop_samples);
  recipe.resolutions.clear();
  for (const int size : training.integers("fft_sizes", {1, 16}, 16, 1 << 15)) {
    recipe.resolutions.push_back({size, size / 4, size});
  }
  recipe.training = adversarial_options_from_json(fields.object("training"), where,
                                                  {"segments", "segment_samples", "onset_share",
                                                   "release_share", "quietest_dbfs", "fft_sizes"});
  recipe.batches.seed = recipe.training.seed;
  // For others: ondes-train reads "corpus" where it makes one, people read how a voice came about.
  if (fields.has("corpus")) {
    fields.object("corpus");
  }
  fields.text("history", "");
  fields.text("comment", "");
  fields.refuse_unknown();
  return recipe;
}

}  // namespace ondes
